import Foundation
import NIOCore
import NIOHTTP1
import Protocol

/// What a call costs from its caller to its answer: by the hub itself, and through the hub to a spoke and back.
///
/// The load is made, and the spoke is played, by this process: its share of the two cores is part of every figure.
struct CallBenchmark {
    let settings: BenchSettings
    private static let depths = [1, 10, 100]
    private static let input = #"{"path":"src/main.swift","lines":[1,20]}"#

    init(_ settings: BenchSettings) { self.settings = settings }

    private static let hubOperation = "HTTP call to a hub operation"
    private static let http = "HTTP call through the hub to a spoke and back"
    private static let socket = "WebSocket call through the hub to a spoke and back"
    private static let unrecorded = "The same without its record"

    /// One kind of slice.
    private struct Kind: Hashable {
        var name: String
        var depth: Int
    }

    /// Our own slices stand on both sides of the peers', who start their servers once.
    func figures() async throws -> [Figure] {
        var slices: [Kind: [CallSample]] = [:]
        let before = max(settings.rounds / 2, 1)
        for _ in 0..<before { try await measure(into: &slices) }
        let peers = settings.isAlone ? [] : CallPeer.all
        let theirs = try peers.map { peer in
            (peer, try peer.measure(in: settings.scratch, depths: Self.depths, seconds: settings.seconds))
        }
        for _ in before..<max(settings.rounds, before) { try await measure(into: &slices) }
        let paces = slices.mapValues(\.pace)
        return try table(paces, theirs)
    }

    private func table(
        _ paces: [Kind: CallPace],
        _ theirs: [(CallPeer, [Int: CallPace])]
    ) throws -> [Figure] {
        func pace(_ name: String, _ depth: Int) throws -> CallPace {
            guard let pace = paces[Kind(name: name, depth: depth)] else {
                throw Fault(.execution, "\(name), \(depth): not measured.")
            }
            return pace
        }
        func figure(_ name: String, _ depth: Int, _ pace: CallPace) -> Figure {
            Figure("\(name), \(depth) in flight", pace.text)
        }
        var figures = try Self.depths.map { figure(Self.hubOperation, $0, try pace(Self.hubOperation, $0)) }
        figures += try pace(Self.http, 10).targets("HTTP call to a spoke", 10)
        figures += try pace(Self.http, 100).targets("HTTP call to a spoke", 100)
        figures += try pace(Self.socket, 10).targets("WebSocket call to a spoke", 10)
        let recorded = try pace(Self.socket, 100)
        figures += recorded.targets("WebSocket call to a spoke", 100)
        let bare = try pace(Self.unrecorded, 100)
        let cost = String(format: "without its record: %.0f/s", bare.rate)
        let rate = String(format: "%.0f/s", recorded.rate)
        let name = "WebSocket call to a spoke, 100 in flight, recorded"
        figures.append(Figure(name, rate, against: cost, ratio: recorded.rate / bare.rate))
        for name in [Self.http, Self.socket] where theirs.isEmpty {
            figures += try Self.depths.map { figure(name, $0, try pace(name, $0)) }
        }
        for (peer, slices) in theirs {
            for depth in Self.depths {
                guard let other = slices[depth] else { throw Fault(.execution, "\(peer.name) left out \(depth).") }
                for name in [Self.http, Self.socket] {
                    figures.append(try pace(name, depth).figure(name, depth, beside: peer, other))
                }
                if depth == 100, let reference = peer.reference {
                    figures.append(recorded.share(of: peer, other, reference))
                }
            }
        }
        return figures
    }

    /// One slice of each kind, in an order of their own each time.
    private func measure(into slices: inout [Kind: [CallSample]]) async throws {
        let folder = settings.scratch + "/calls-\(slices.values.first?.count ?? 0)"
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
        let names = [Self.hubOperation, Self.http, Self.socket]
        let kinds = Self.depths.flatMap { depth in names.map { Kind(name: $0, depth: depth) } }
        for kind in kinds.shuffled() {
            slices[kind, default: []].append(try await slice(kind, hub))
        }
        try await hub.recordFailuresOnly(of: "bench")
        let kind = Kind(name: Self.unrecorded, depth: 100)
        slices[kind, default: []].append(try await slice(kind, hub))
    }

    /// Every call of it is in the call graph when its time is over; but for those that are not to be kept.
    private func slice(_ kind: Kind, _ hub: HubUnderLoad) async throws -> CallSample {
        let records = try await hub.recordedCalls()
        var sample: CallSample
        switch kind.name {
        case Self.hubOperation:
            sample = try await http("operation.schema", #"{"operation":"project.create"}"#, kind.depth, hub)
        case Self.http: sample = try await http("bench.echo", Self.input, kind.depth, hub)
        default:
            sample = try await SocketCaller.measure(
                hub,
                "bench.echo",
                Self.input,
                depth: kind.depth,
                seconds: settings.seconds
            )
        }
        guard kind.name != Self.unrecorded else { return sample }
        let began = ContinuousClock.now
        try await hub.untilRecorded(sample.latencies.count, besides: records)
        sample.seconds += Double((ContinuousClock.now - began).nanoseconds) / 1_000_000_000
        return sample
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
    /// From the first call until the last one's record was written.
    var seconds: Double
    /// Nanoseconds that each call took, in any order.
    var latencies: [Int64]
}

extension [CallSample] {
    /// The middle slice by rate; the quantiles of all calls together.
    fileprivate var pace: CallPace {
        let sorted = flatMap(\.latencies).sorted()
        func quantile(_ share: Double) -> Double {
            guard !sorted.isEmpty else { return .infinity }
            return Double(sorted[Swift.min(sorted.count - 1, Int(Double(sorted.count) * share))]) / 1_000_000
        }
        let rates = map { Double($0.latencies.count) / $0.seconds }
        return CallPace(rate: rates.median, p50: quantile(0.5), p99: quantile(0.99))
    }
}

extension CallPace {
    fileprivate func figure(_ name: String, _ depth: Int, beside peer: CallPeer, _ other: CallPace) -> Figure {
        Figure(
            "\(name), \(depth) in flight",
            text,
            against: "\(peer.name), \(peer.keeps): \(other.text)",
            ratio: rate / other.rate,
            peer.target
        )
    }

    /// The promised rate as a share of what a peer makes: machines differ, and one has its better hours.
    fileprivate func share(of peer: CallPeer, _ other: CallPace, _ reference: Double) -> Figure {
        Figure(
            "WebSocket call to a spoke, 100 in flight, as a share of \(peer.name)",
            String(format: "%.0f/s", rate),
            against: String(format: "%.0f/s; %.0f/s where 15,000/s was promised", other.rate, reference),
            ratio: rate / other.rate,
            .atLeast((Self.promised / reference * 1_000).rounded() / 1_000)
        )
    }

    private static let promised = 15_000.0

    /// What is promised of calls to spokes: how many at 100 in flight, how soon at 10.
    fileprivate func targets(_ name: String, _ depth: Int) -> [Figure] {
        switch depth {
        case 10:
            let value = String(format: "%.2f ms", p50)
            return [Figure("\(name), p50 at 10 in flight", value, against: "1 ms", ratio: p50, .below(1))]
        case 100:
            let value = String(format: "%.0f/s", rate)
            let ratio = rate / Self.promised
            return [Figure("\(name), 100 in flight", value, against: "15,000/s", ratio: ratio, .atLeast(1))]
        default: return []
        }
    }
}
