/// One search of a pattern in a text.
struct PatternRun {
    let text: [UInt32]
    /// How many are left.
    var steps: Int

    /// The states that wait at one place, each once.
    private struct States {
        var list: [Int] = []
        private var marks: [Int]
        private var generation = 1

        init(_ count: Int) {
            marks = Array(repeating: 0, count: count)
            list.reserveCapacity(min(count, 64))
        }

        mutating func clear() {
            list.removeAll(keepingCapacity: true)
            generation += 1
        }

        /// `false` if it was met at this place before.
        mutating func meet(_ state: Int) -> Bool {
            guard marks[state] != generation else { return false }
            marks[state] = generation
            return true
        }
    }

    /// Whether the program matches from this place on, or anywhere behind it unless it is anchored there.
    mutating func matches(_ program: PatternProgram, from start: Int, isAnchored: Bool) -> Bool {
        var (current, following) = (States(program.steps.count), States(program.steps.count))
        var waiting: [Int] = []
        for place in start...text.count {
            if place == start || !(isAnchored || program.isAnchored) {
                if follow(program, from: 0, at: place, into: &current, &waiting) { return true }
            }
            guard steps > 0 else { return false }
            if current.list.isEmpty {
                if isAnchored || program.isAnchored { return false }
                // What was met here without waiting for a character may lead on from the next place.
                current.clear()
                continue
            }
            guard place < text.count else { return false }
            steps -= current.list.count
            following.clear()
            for state in current.list {
                let fits =
                    switch program.steps[state] {
                    case .scalar(let scalar): scalar == text[place]
                    case .set(let set): set.contains(text[place])
                    case .split, .jump, .start, .end, .wordBoundary, .lookahead, .match: false
                    }
                if fits, follow(program, from: state + 1, at: place + 1, into: &following, &waiting) { return true }
            }
            swap(&current, &following)
        }
        return false
    }

    /// Adds every state that is reached without taking a character; `true` if the end is among them.
    private mutating func follow(
        _ program: PatternProgram,
        from state: Int,
        at place: Int,
        into states: inout States,
        _ waiting: inout [Int]
    ) -> Bool {
        waiting.append(state)
        while let state = waiting.popLast() {
            guard states.meet(state) else { continue }
            steps -= 1
            guard steps > 0 else { break }
            switch program.steps[state] {
            case .scalar, .set: states.list.append(state)
            case .jump(let target): waiting.append(target)
            case .split(let first, let second):
                waiting.append(second)
                waiting.append(first)
            case .start: if place == 0 { waiting.append(state + 1) }
            case .end: if place == text.count { waiting.append(state + 1) }
            case .wordBoundary(let isNegated):
                if isBoundary(place) != isNegated { waiting.append(state + 1) }
            case .lookahead(let inner, let isNegated):
                if matches(program.lookaheads[inner], from: place, isAnchored: true) != isNegated {
                    waiting.append(state + 1)
                }
            case .match:
                waiting.removeAll(keepingCapacity: true)
                return true
            }
        }
        waiting.removeAll(keepingCapacity: true)
        return false
    }

    private func isBoundary(_ place: Int) -> Bool {
        let before = place > 0 && ScalarSet.wordsSealed.contains(text[place - 1])
        let after = place < text.count && ScalarSet.wordsSealed.contains(text[place])
        return before != after
    }
}
