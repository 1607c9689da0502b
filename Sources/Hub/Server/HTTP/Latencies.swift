/// How long calls took: counts per bucket, as Prometheus wants a histogram.
struct Latencies: Sendable {
    /// Upper bounds in seconds: from what memory answers to what a person still waits for.
    static let bounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10]

    private(set) var seconds = 0.0
    private(set) var count: Int64 = 0
    /// Calls within each bound and above the one before it.
    private var within = [Int64](repeating: 0, count: bounds.count)

    mutating func note(_ seconds: Double) {
        self.seconds += seconds
        count += 1
        if let bucket = Self.bounds.firstIndex(where: { seconds <= $0 }) { within[bucket] += 1 }
    }

    /// Calls up to each bound, all faster ones included.
    var cumulative: [(bound: Double, calls: Int64)] {
        var calls: Int64 = 0
        return zip(Self.bounds, within).map { bound, here in
            calls += here
            return (bound, calls)
        }
    }
}
