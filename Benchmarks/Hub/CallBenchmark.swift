import Foundation
import Protocol

/// What a call costs from its caller to its answer: by the hub itself, and through the hub to a spoke and back.
///
/// The load is made, and the spoke is played, by this process: its share of the two cores is part of every figure.
struct CallBenchmark {
    let settings: BenchSettings
    private static let depths = [1, 10, 100]
    private static let input = #"{"path":"src/main.swift","lines":[1,20]}"#

    init(_ settings: BenchSettings) { self.settings = settings }

    func figures() async throws -> [Figure] {
        var (figures, samples) = try await ours()
        if settings.isAlone { figures += samples.map { name, depth, sample in sample.figure(name, depth) } }
        for peer in settings.isAlone ? [] : CallPeer.all {
            let theirs = try peer.measure(in: settings.scratch, depths: Self.depths, seconds: settings.seconds)
            for (name, depth, sample) in samples {
                guard let other = theirs[depth] else { throw Fault(.execution, "\(peer.name) left out \(depth).") }
                figures.append(sample.figure(name, depth, beside: peer, other))
            }
        }
        return figures
    }

    /// The rows that stand alone, and the samples of calls to a spoke, which peers stand beside.
    private func ours() async throws -> ([Figure], [(name: String, depth: Int, sample: CallSample)]) {
        let folder = settings.scratch + "/calls"
        // The limit of one key is there against loops gone wild; this is one.
        let wheel = try await Wheel(
            folder,
            spokes: [:],
            configuration: "limits:\n  callsPerSecond: 1000000\n  callsBurst: 1000000\n"
        )
        defer { wheel.stop() }
        let hub = wheel.hub
        let token = try await hub.call("token.create", #"{"uses":1}"#)["token"]?.stringValue ?? ""
        let spoke = try await EchoSpoke.join(hub, token: token, name: "echo")
        defer { spoke.leave() }
        var figures: [Figure] = []
        var samples: [(name: String, depth: Int, sample: CallSample)] = []
        for depth in Self.depths {
            let own = try await http("operation.schema", #"{"operation":"project.create"}"#, depth, hub)
            figures.append(own.figure("HTTP call to a hub operation", depth))
            let routed = try await http("bench.echo", Self.input, depth, hub)
            samples.append(("HTTP call through the hub to a spoke and back", depth, routed))
            figures += routed.targets("HTTP call to a spoke", depth)
            let caller = try await SocketCaller.dial(hub)
            let socket = try await caller.measure("bench.echo", Self.input, depth: depth, seconds: settings.seconds)
            caller.close()
            samples.append(("WebSocket call through the hub to a spoke and back", depth, socket))
            figures += socket.targets("WebSocket call to a spoke", depth)
        }
        return (figures, samples)
    }

    private func http(_ operation: String, _ input: String, _ depth: Int, _ hub: HubUnderLoad) async throws
        -> CallSample
    {
        let path = "/v1/call/\(operation)"
        return try await RawCaller.measure(hub, path, input, connections: depth, seconds: settings.seconds)
    }
}

/// The calls of one slice.
struct CallSample: Sendable {
    var seconds: Double
    /// Nanoseconds that each call took, in any order.
    var latencies: [Int64]

    private func quantile(_ share: Double) -> Double {
        guard !latencies.isEmpty else { return .infinity }
        let sorted = latencies.sorted()
        return Double(sorted[min(sorted.count - 1, Int(Double(sorted.count) * share))]) / 1_000_000
    }

    private var rate: Double { Double(latencies.count) / seconds }

    private var pace: CallPace { CallPace(rate: rate, p50: quantile(0.5), p99: quantile(0.99)) }

    func figure(_ name: String, _ depth: Int) -> Figure {
        Figure("\(name), \(depth) in flight", pace.text)
    }

    func figure(_ name: String, _ depth: Int, beside peer: CallPeer, _ other: CallPace) -> Figure {
        Figure(
            "\(name), \(depth) in flight",
            pace.text,
            against: "\(peer.name), \(peer.keeps): \(other.text)",
            ratio: rate / other.rate,
            peer.target
        )
    }

    /// What is promised of calls to spokes: how many at 100 in flight, how soon at 10.
    func targets(_ name: String, _ depth: Int) -> [Figure] {
        switch depth {
        case 10:
            let value = String(format: "%.2f ms", quantile(0.5))
            return [Figure("\(name), p50 at 10 in flight", value, against: "1 ms", ratio: quantile(0.5), .below(1))]
        case 100:
            let value = String(format: "%.0f/s", rate)
            let ratio = rate / 15_000
            return [Figure("\(name), 100 in flight", value, against: "15,000/s", ratio: ratio, .atLeast(1))]
        default: return []
        }
    }
}
