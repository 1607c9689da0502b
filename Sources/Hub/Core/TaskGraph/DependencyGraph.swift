/// A directed graph over the numbers `0..<count`, in flat arrays: what every algorithm on tasks runs on.
///
/// An edge leads from a prerequisite to its dependent. Neighbours are sorted by number, so whoever numbers the nodes
/// decides all ties. Building it and every walk over it is linear in nodes and edges, and nothing here recurses: a
/// chain of a hundred thousand tasks is as good as any other graph.
public struct DependencyGraph: Sendable {
    /// How many nodes there are.
    public let count: Int
    /// Where each node's dependents begin in ``dependents``; one more than there are nodes.
    let dependentStarts: [Int32]
    /// The dependents of all nodes, one node's after the other's.
    let dependents: [Int32]
    /// Where each node's prerequisites begin in ``prerequisites``.
    let prerequisiteStarts: [Int32]
    /// The prerequisites of all nodes, one node's after the other's.
    let prerequisites: [Int32]
    /// Which edge of the input each place of ``prerequisites`` came from.
    let edges: [Int32]

    /// Sorts the edges by counting, three times: by prerequisite, by dependent, and by prerequisite again.
    ///
    /// - Precondition: both lists are of one length, and their numbers are below `count`.
    public init(count: Int, from: [Int32], to: [Int32]) {
        precondition(from.count == to.count, "An edge has two ends.")
        self.count = count
        // Each step numbers places; the edge's own number travels along.
        let (_, byPrerequisite) = Self.sorted(count, from, along: nil)
        let (incoming, byDependent) = Self.sorted(count, to, along: byPrerequisite)
        let (outgoing, both) = Self.sorted(count, from, along: byDependent)
        prerequisiteStarts = incoming
        dependentStarts = outgoing
        edges = byDependent
        prerequisites = byDependent.map { from[Int($0)] }
        dependents = both.map { to[Int($0)] }
    }

    /// How many edges there are.
    public var edgeCount: Int { dependents.count }

    /// The nodes that wait for this one, by number.
    public func dependents(of node: Int) -> ArraySlice<Int32> {
        dependents[Int(dependentStarts[node])..<Int(dependentStarts[node + 1])]
    }

    /// The nodes that this one waits for, by number.
    public func prerequisites(of node: Int) -> ArraySlice<Int32> {
        prerequisites[Int(prerequisiteStarts[node])..<Int(prerequisiteStarts[node + 1])]
    }

    /// The numbers of all edges in the order of their keys, and where each key's begin. Stable.
    private static func sorted(_ count: Int, _ keys: [Int32], along order: [Int32]?) -> ([Int32], [Int32]) {
        var starts = [Int32](repeating: 0, count: count + 1)
        for key in keys { starts[Int(key) + 1] += 1 }
        for node in 0..<count { starts[node + 1] += starts[node] }
        var next = starts
        let places = [Int32](unsafeUninitializedCapacity: keys.count) { places, filled in
            for place in 0..<keys.count {
                let edge = order?[place] ?? Int32(place)
                let key = Int(keys[Int(edge)])
                places[Int(next[key])] = edge
                next[key] += 1
            }
            filled = keys.count
        }
        return (starts, places)
    }
}

extension DependencyGraph {
    /// Each node's generation: the longest way to it from a node without prerequisites, 0 for those themselves.
    /// `nil` if there is a cycle. Kahn's algorithm, linear.
    public func generations() -> [Int32]? {
        var missing = [Int32](repeating: 0, count: count)
        var queue = [Int32]()
        queue.reserveCapacity(count)
        for node in 0..<count {
            missing[node] = prerequisiteStarts[node + 1] - prerequisiteStarts[node]
            if missing[node] == 0 { queue.append(Int32(node)) }
        }
        var generations = [Int32](repeating: 0, count: count)
        var read = 0
        while read < queue.count {
            let node = Int(queue[read])
            read += 1
            let next = generations[node] + 1
            for place in Int(dependentStarts[node])..<Int(dependentStarts[node + 1]) {
                let dependent = Int(dependents[place])
                if generations[dependent] < next { generations[dependent] = next }
                missing[dependent] -= 1
                if missing[dependent] == 0 { queue.append(Int32(dependent)) }
            }
        }
        return queue.count == count ? generations : nil
    }

    /// A topological order: generation after generation, by number within each. `nil` if there is a cycle.
    public func order() -> [Int32]? { groups().map { $0.nodes } }

    /// The generations one after the other, with where each begins. `nil` if there is a cycle.
    func groups() -> (nodes: [Int32], starts: [Int32])? {
        guard let generations = generations() else { return nil }
        let last = Int(generations.max() ?? -1)
        let (starts, nodes) = Self.sorted(last + 1, generations, along: nil)
        return (nodes, starts)
    }

    /// What can be done at the same time: the nodes of each generation, by number. `nil` if there is a cycle.
    public func parallelGroups() -> [ArraySlice<Int32>]? {
        guard let (nodes, starts) = groups() else { return nil }
        return (0..<max(starts.count - 1, 0)).map { nodes[Int(starts[$0])..<Int(starts[$0 + 1])] }
    }

    /// The path of the greatest sum of weights; of equal ones the one that a smaller number decides first.
    /// Empty for an empty graph, `nil` if there is a cycle.
    ///
    /// - Parameter weights: one for each node, none negative.
    public func heaviestPath(_ weights: [Double]) -> (path: [Int32], total: Double)? {
        guard let order = order() else { return nil }
        var (best, before) = (weights, [Int32](repeating: -1, count: count))
        for node in order.lazy.map(Int.init) {
            var found = 0.0
            for prerequisite in prerequisites(of: node) where best[Int(prerequisite)] > found {
                found = best[Int(prerequisite)]
                before[node] = prerequisite
            }
            best[node] += found
        }
        guard var end = best.indices.first else { return ([], 0) }
        for node in best.indices where best[node] > best[end] { end = node }
        let total = best[end]
        var path = [Int32(end)]
        while before[end] >= 0 {
            end = Int(before[end])
            path.append(Int32(end))
        }
        return (path.reversed(), total)
    }
}
