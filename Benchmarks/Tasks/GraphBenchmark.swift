import Foundation
import HubCore
import Protocol

/// Order, critical path and bottlenecks of random task graphs, beside networkx and beside a plain pass over the edges.
///
/// Every edge leads to a node with a higher number in some shuffled order; three edges a node, as real plans have. The
/// rows are in memory, as Postgres' client hands them over: ids are texts, and making the graph of them is counted.
struct GraphBenchmark {
    private let settings: BenchSettings

    init(_ settings: BenchSettings) { self.settings = settings }

    func figures() throws -> [Figure] {
        try FileManager.default.createDirectory(atPath: settings.scratch, withIntermediateDirectories: true)
        // Betweenness takes a walk from every node; of the large graphs both sides take as many as a person waits for.
        return try [(1_000, 1_000), (10_000, 100), (100_000, 10)].flatMap { try figures(nodes: $0.0, pivots: $0.1) }
    }

    private func figures(nodes: Int, pivots: Int) throws -> [Figure] {
        let (tasks, numbers) = Self.rows(nodes)
        let texts = numbers.flatMap { [$0.0, $0.1] }.flatMap { Array(tasks[Int($0)].id.utf8) }
        let file = settings.scratch + "/edges.json"
        try JSONEncoder().encode(numbers.map { [$0.0, $0.1] }).write(to: URL(filePath: file))
        let peer = try Peer.answer("graphs.py", ["\(nodes)", "\(pivots)", file])
        let (from, to) = (numbers.map(\.0), numbers.map(\.1))
        let graph = DependencyGraph(count: nodes, from: from, to: to)
        let weights = [Double](repeating: 1, count: nodes)
        let pass = median { Self.pass(from, to, nodes) }
        let whole = median { TaskGraph(tasks: tasks, edges: Self.edges(texts)).graph.order()?.count ?? 0 }
        let order = median { graph.order()?.count ?? 0 }
        let longest = median { graph.heaviestPath(weights)?.path.count ?? 0 }
        let steps = pivots * (nodes + numbers.count)
        let between = median { Betweenness(of: graph, steps: steps).sampled }
        let name = "task graph, \(nodes) tasks, \(numbers.count) dependencies: "
        func row(_ what: String, _ seconds: Double, _ key: String) -> Figure {
            let other = peer.at(key)
            return Figure(
                name + what,
                Self.text(seconds),
                against: "networkx \(Self.text(other))",
                ratio: other / seconds,
                .atLeast(1)
            )
        }
        return [
            Figure(
                name + "order, from rows with text ids",
                Self.text(whole),
                against: nodes == 100_000 ? "100 ms" : "networkx \(Self.text(peer.at("build") + peer.at("order")))",
                ratio: nodes == 100_000 ? whole / 0.1 : (peer.at("build") + peer.at("order")) / whole,
                nodes == 100_000 ? .below(1) : .atLeast(1)
            ),
            row("order", order, "order"),
            Figure(
                name + "order",
                Self.text(order),
                against: "a plain pass over the edges: \(Self.text(pass))",
                ratio: order / pass
            ),
            row("critical path", longest, "longest"),
            row("bottlenecks, from \(min(pivots, nodes)) tasks", between, "between"),
        ]
    }

    /// Counting what points where: what any algorithm must at least do.
    private static func pass(_ from: [Int32], _ to: [Int32], _ nodes: Int) -> Int {
        var counts = [Int32](repeating: 0, count: nodes)
        var sum: Int32 = 0
        for edge in 0..<from.count {
            counts[Int(to[edge])] += 1
            sum &+= from[edge]
        }
        return Int(sum ^ counts[nodes - 1])
    }

    /// The dependencies as a client of Postgres makes them: each end's text out of the bytes of the answer.
    private static func edges(_ texts: [UInt8]) -> [TaskEdge] {
        func id(_ place: Int) -> String { String(decoding: texts[place * 36..<place * 36 + 36], as: UTF8.self) }
        return (0..<texts.count / 72).map { TaskEdge(from: id($0 * 2), to: id($0 * 2 + 1)) }
    }

    private static func rows(_ nodes: Int) -> (tasks: [TaskNode], numbers: [(Int32, Int32)]) {
        let hidden = (0..<nodes).shuffled()
        let numbers = (0..<nodes * 3).map { _ -> Int in
            let (first, second) = (Int.random(in: 0..<nodes - 1), Int.random(in: 0..<nodes - 1))
            let other = second >= first ? second + 1 : second
            return hidden[first] < hidden[other] ? first << 32 | other : other << 32 | first
        }
        let unique = Set(numbers).sorted().shuffled()
        let tasks = (0..<nodes).map { _ in
            let id = UUID().uuidString.lowercased()
            return TaskNode(id: id, slug: id, name: "A task")
        }
        return (tasks, unique.map { (Int32($0 >> 32), Int32($0 & 0xffff_ffff)) })
    }

    private func median(_ work: () -> Int) -> Double {
        var seconds: [Double] = []
        for _ in 0..<max(settings.rounds, 3) {
            let begun = ContinuousClock.now
            precondition(work() != Int.min)
            seconds.append((ContinuousClock.now - begun) / .seconds(1))
        }
        return seconds.median
    }

    private static func text(_ seconds: Double) -> String {
        seconds < 0.001
            ? String(format: "%.1f µs", seconds * 1e6)
            : seconds < 1 ? String(format: "%.2f ms", seconds * 1e3) : String(format: "%.2f s", seconds)
    }
}

extension JSONValue {
    fileprivate func at(_ key: String) -> Double {
        guard case .number(let number)? = self[key] else { return Double(self[key]?.integerValue ?? 0) }
        return number
    }
}
