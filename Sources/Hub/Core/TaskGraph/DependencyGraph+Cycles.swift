extension DependencyGraph {
    /// Cycles that are told of at most, and nodes in all of them together.
    public static let cyclesMax = 1_000
    static let cycleNodesMax = 100_000

    /// One cycle for each edge that leads back to a node under way in a walk depth first, by number: enough to see that
    /// without those edges there would be none. Each begins where its closing edge leads to. Bounded by
    /// ``cyclesMax``.
    public func cycles() -> [[Int32]] {
        enum Mark: UInt8 { case untouched, underWay, done }
        var marks = [Mark](repeating: .untouched, count: count)
        var next = dependentStarts
        var place = [Int32](repeating: 0, count: count)
        var (path, found, told) = ([Int32](), [[Int32]](), 0)
        for root in 0..<count where marks[root] == .untouched {
            path.append(Int32(root))
            (marks[root], place[root]) = (.underWay, 0)
            while let node = path.last.map(Int.init) {
                guard next[node] < dependentStarts[node + 1] else {
                    marks[node] = .done
                    path.removeLast()
                    continue
                }
                let dependent = Int(dependents[Int(next[node])])
                next[node] += 1
                switch marks[dependent] {
                case .done: continue
                case .untouched:
                    (marks[dependent], place[dependent]) = (.underWay, Int32(path.count))
                    path.append(Int32(dependent))
                case .underWay:
                    let cycle = Array(path[Int(place[dependent])...])
                    told += cycle.count
                    if found.isEmpty || (found.count < Self.cyclesMax && told <= Self.cycleNodesMax) {
                        found.append(cycle)
                    } else {
                        return found
                    }
                }
            }
        }
        return found
    }

    /// The shortest way from one node to another, both included; `nil` if there is none.
    public func path(from start: Int, to end: Int) -> [Int32]? {
        var before = [Int32](repeating: -1, count: count)
        var (queue, read) = ([Int32(start)], 0)
        before[start] = Int32(start)
        while read < queue.count, before[end] < 0 {
            let node = Int(queue[read])
            read += 1
            for dependent in dependents(of: node) where before[Int(dependent)] < 0 {
                before[Int(dependent)] = Int32(node)
                queue.append(dependent)
            }
        }
        guard before[end] >= 0 else { return nil }
        var (path, node) = ([Int32(end)], end)
        while node != start {
            node = Int(before[node])
            path.append(Int32(node))
        }
        return path.reversed()
    }
}
