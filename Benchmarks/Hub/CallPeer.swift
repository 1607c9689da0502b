import Foundation
import Protocol

/// What a user might take instead for asking a program on another machine: a Python program of `Benchmarks/python` that
/// starts its servers, calls through them in a closed loop, and ends them.
struct CallPeer: Sendable {
    let name: String
    /// What is still there of a call when it is over.
    let keeps: String
    let script: String
    let requirements: String
    let target: Figure.Target
    /// What it made a second at 100 in flight on the machine on which the targets for calls were set: how fast this one
    /// is beside that one.
    var reference: Double?

    static let all = [
        // A broker that stores nothing and looks at nothing: what the machine allows, not what is to be outrun.
        CallPeer(
            name: "NATS",
            keeps: "nothing stored",
            script: "nats_calls.py",
            requirements: "requirements.txt",
            target: .none,
            reference: 46_000
        ),
        CallPeer(
            name: "Dask",
            keeps: "nothing stored",
            script: "dask_calls.py",
            requirements: "requirements.txt",
            target: .atLeast(1)
        ),
        CallPeer(
            name: "Salt",
            keeps: "jobs in files for a day",
            script: "salt_calls.py",
            requirements: "requirements-salt.txt",
            target: .atLeast(1)
        ),
    ]

    /// One slice of each depth.
    func measure(in scratch: String, depths: [Int], seconds: Double) throws -> [Int: CallPace] {
        let folder = "\(scratch)/\(name.lowercased())"
        let answer = try Peer.answer(
            script,
            [folder, "\(seconds)"] + depths.map { "\($0)" },
            requirements: requirements
        )
        let slices = try WireCoder.value([Slice].self, from: WireCoder.bytes(of: answer["slices"] ?? .null))
        return Dictionary(slices.map { ($0.depth, CallPace(rate: $0.rate, p50: $0.p50, p99: $0.p99)) }) { $1 }
    }

    private struct Slice: Decodable {
        var depth: Int
        var rate: Double
        var p50: Double
        var p99: Double
    }
}

/// Calls per second, and milliseconds that half and nearly all of them took at most.
struct CallPace: Sendable {
    var rate: Double
    var p50: Double
    var p99: Double

    var text: String {
        // Peers that answer a few calls a second are not to be shown as 3.
        let digits = rate < 100 ? 1 : 0
        return String(format: "%.\(digits)f/s, p50 %.2f ms, p99 %.2f ms", rate, p50, p99)
    }
}
