/// A regular expression of a schema (ECMA-262 with the `u` flag), matched in linear time.
///
/// It is run as a set of states that moves through the text once (Thompson 1968), so no pattern takes more than
/// text × pattern steps, and what lookahead adds is counted too: a hostile pattern meets the limit of steps instead
/// of holding the hub up.
struct Pattern: Hashable, Sendable {
    /// As it was written.
    let text: String
    private let program: PatternProgram

    init(_ text: String) throws(PatternProblem) {
        self.text = text
        program = try PatternProgram(try PatternParser.tree(of: text))
    }

    static func == (one: Pattern, other: Pattern) -> Bool { one.text == other.text }
    func hash(into hasher: inout Hasher) { hasher.combine(text) }

    /// Whether it matches anywhere in a text.
    /// - Parameter steps: how many are left; `nil` is answered once there are none.
    func matches(_ text: String, steps: inout Int) -> Bool? {
        var run = PatternRun(text: text.unicodeScalars.map(\.value), steps: steps)
        let found = run.matches(program, from: 0, isAnchored: false)
        steps = run.steps
        return steps > 0 ? found : nil
    }
}

/// A pattern's program: what each state waits for.
struct PatternProgram: Sendable {
    enum Step: Sendable {
        case scalar(UInt32)
        case set(ScalarSet)
        /// Both ways at once.
        case split(Int, Int)
        case jump(Int)
        case start
        case end
        case wordBoundary(isNegated: Bool)
        case lookahead(Int, isNegated: Bool)
        case match
    }

    /// States of one pattern, repetitions written out.
    static let stepsMax = 8_192

    private(set) var steps: [Step] = []
    private(set) var lookaheads: [PatternProgram] = []
    /// It can only match at the start of the text.
    private(set) var isAnchored = false

    init(_ tree: PatternTree) throws(PatternProblem) {
        guard tree.weight(ceiling: Self.stepsMax + 1) <= Self.stepsMax else {
            throw PatternProblem(sentence: "repeats too much: written out it has over \(Self.stepsMax) parts.")
        }
        try add(tree)
        steps.append(.match)
        if case .start = steps[0] { isAnchored = true }
    }

    private mutating func add(_ tree: PatternTree) throws(PatternProblem) {
        switch tree {
        case .empty: break
        case .scalar(let scalar): steps.append(.scalar(scalar))
        case .set(let set): steps.append(.set(set))
        case .start: steps.append(.start)
        case .end: steps.append(.end)
        case .wordBoundary(let isNegated): steps.append(.wordBoundary(isNegated: isNegated))
        case .sequence(let parts): for part in parts { try add(part) }
        case .choice(let branches): try add(choice: branches[...])
        case .repetition(let part, let least, let most): try add(part, least: least, most: most)
        case .lookahead(let part, let isNegated):
            lookaheads.append(try PatternProgram(part))
            steps.append(.lookahead(lookaheads.count - 1, isNegated: isNegated))
        }
    }

    private mutating func add(choice branches: ArraySlice<PatternTree>) throws(PatternProblem) {
        var ends: [Int] = []
        for (place, branch) in branches.enumerated() {
            guard place < branches.count - 1 else {
                try add(branch)
                break
            }
            let split = steps.count
            steps.append(.split(split + 1, 0))
            try add(branch)
            ends.append(steps.count)
            steps.append(.jump(0))
            steps[split] = .split(split + 1, steps.count)
        }
        for end in ends { steps[end] = .jump(steps.count) }
    }

    private mutating func add(_ part: PatternTree, least: Int, most: Int?) throws(PatternProblem) {
        for _ in 0..<least { try add(part) }
        guard let most else {
            let split = steps.count
            steps.append(.split(split + 1, 0))
            try add(part)
            steps.append(.jump(split))
            steps[split] = .split(split + 1, steps.count)
            return
        }
        var splits: [Int] = []
        for _ in least..<max(least, most) {
            splits.append(steps.count)
            steps.append(.split(steps.count + 1, 0))
            try add(part)
        }
        for split in splits { steps[split] = .split(split + 1, steps.count) }
    }
}
