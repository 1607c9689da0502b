/// How much of a graph's shortest ways lead through each node.
///
/// Source: Brandes, “A faster algorithm for betweenness centrality” (2001), for directed graphs without weights;
/// normalised by (n − 1)(n − 2), the pairs that a node could stand between.
public struct Betweenness: Sendable {
    /// Steps that an exact answer may take: about two seconds.
    public static let stepsMax = 2_000_000_000
    /// One for each node, 0…1.
    public let scores: [Double]
    /// How many nodes were taken as starting points; all of them unless the graph is too large for that.
    public let sampled: Int

    /// Walks breadth first from every node or, where that would take more than `steps`, from as many as fit, evenly
    /// spaced by number; their sum is then scaled up.
    public init(of graph: DependencyGraph, steps: Int = Betweenness.stepsMax) {
        let count = graph.count
        guard count > 2 else {
            scores = [Double](repeating: 0, count: count)
            sampled = count
            return
        }
        sampled = min(count, max(1, steps / (count + graph.edgeCount)))
        var walk = Walk(count: count)
        for index in 0..<sampled { walk.add(from: index * count / sampled, in: graph) }
        let scale = Double(count) / Double(sampled) / (Double(count - 1) * Double(count - 2))
        scores = walk.sums.map { $0 * scale }
    }

    /// The scratch memory of all walks: only what a walk touched is cleaned after it.
    private struct Walk {
        var sums: [Double]
        private var distance: [Int32]
        private var paths: [Double]
        private var shares: [Double]
        private var queue: [Int32]

        init(count: Int) {
            sums = [Double](repeating: 0, count: count)
            distance = [Int32](repeating: -1, count: count)
            paths = sums
            shares = sums
            queue = [Int32](repeating: 0, count: count)
        }

        mutating func add(from start: Int, in graph: DependencyGraph) {
            var (read, filled) = (0, 1)
            queue[0] = Int32(start)
            distance[start] = 0
            paths[start] = 1
            while read < filled {
                let node = Int(queue[read])
                read += 1
                let (next, ways) = (distance[node] + 1, paths[node])
                for place in Int(graph.dependentStarts[node])..<Int(graph.dependentStarts[node + 1]) {
                    let dependent = Int(graph.dependents[place])
                    if distance[dependent] < 0 {
                        distance[dependent] = next
                        queue[filled] = Int32(dependent)
                        filled += 1
                    }
                    if distance[dependent] == next { paths[dependent] += ways }
                }
            }
            // Back again, farthest first: each node collects its share from the nodes right behind it.
            for index in stride(from: filled - 1, through: 0, by: -1) {
                let node = Int(queue[index])
                let (next, ways) = (distance[node] + 1, paths[node])
                var share = 0.0
                for place in Int(graph.dependentStarts[node])..<Int(graph.dependentStarts[node + 1]) {
                    let dependent = Int(graph.dependents[place])
                    if distance[dependent] == next { share += ways / paths[dependent] * (1 + shares[dependent]) }
                }
                shares[node] = share
                if node != start { sums[node] += share }
            }
            for index in 0..<filled {
                let node = Int(queue[index])
                (distance[node], paths[node], shares[node]) = (-1, 0, 0)
            }
        }
    }
}
