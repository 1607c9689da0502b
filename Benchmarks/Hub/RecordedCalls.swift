import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import Protocol

/// What a hub says of its call graph.
extension HubUnderLoad {
    /// Calls written to the graph, waiting to be written, and given up.
    struct Records: Sendable {
        var written = 0
        var waiting = 0
        var dropped = 0
    }

    func recordedCalls() async throws -> Records {
        var request = HTTPClientRequest(url: url + "/metrics")
        request.headers.add(name: "authorization", value: "Bearer \(key)")
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(30))
        let text = String(buffer: try await response.body.collect(upTo: 4 << 20))
        func value(_ name: String) -> Int {
            let line = text.split(separator: "\n").first { $0.hasPrefix(name + " ") }
            return line.flatMap { Double($0.dropFirst(name.count + 1)) }.map(Int.init) ?? 0
        }
        return Records(
            written: value("nave_call_records_total"),
            waiting: value("nave_call_records_waiting"),
            dropped: value("nave_call_records_dropped_total")
        )
    }

    /// Waits until so many more calls are written and none waits. Fails if one was given up.
    func untilRecorded(_ calls: Int, besides before: Records) async throws {
        let end = ContinuousClock.now + .seconds(60)
        while ContinuousClock.now < end {
            let now = try await recordedCalls()
            guard now.dropped == before.dropped else { throw Fault(.execution, "Records of calls were given up.") }
            if now.waiting == 0, now.written - before.written >= calls { return }
            try await Task.sleep(for: .milliseconds(5))
        }
        throw Fault(.timeout, "\(calls) calls were made, and a minute later not all were written.")
    }

    /// Changes what is recorded of a namespace, and waits until the hub has heard of it.
    func record(_ level: RecordingLevel, of namespace: String) async throws {
        _ = try await call("setting.set", #"{"key":"calls.recording","value":{"\#(namespace)":"\#(level.rawValue)"}}"#)
        let end = ContinuousClock.now + .seconds(60)
        while ContinuousClock.now < end {
            let before = try await recordedCalls()
            _ = try await call("\(namespace).echo", #"{"path":"x"}"#)
            // A record that is not to be is not seen coming; one that is, within this.
            try await Task.sleep(for: .milliseconds(500))
            if try await recordedCalls().written == before.written { return }
        }
        throw Fault(.timeout, "The hub did not take the setting over.")
    }

    /// As in the setting `calls.recording`.
    enum RecordingLevel: String { case all, failures }
}
