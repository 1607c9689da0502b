import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import Protocol

/// What a hub says of its call graph.
extension HubUnderLoad {
    /// Calls written to the graph, and given up.
    struct Records: Sendable {
        var written = 0
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
            dropped: value("nave_call_records_dropped_total")
        )
    }

    /// Returns when so many more calls are written. Fails if one was given up, or takes more than half a minute.
    func untilRecorded(_ calls: Int, besides before: Records) async throws {
        // Whoever reads the graph waits until it holds what was over before.
        _ = try await call("call.list", #"{"limit":1}"#)
        let now = try await recordedCalls()
        guard now.dropped == before.dropped else { throw Fault(.execution, "Records of calls were given up.") }
        guard now.written - before.written >= calls else {
            throw Fault(.timeout, "\(calls) calls were made, and half a minute later not all were written.")
        }
    }

    /// Has only failures recorded of a namespace, and returns when the hub has heard of it.
    func recordFailuresOnly(of namespace: String) async throws {
        _ = try await call("setting.set", #"{"key":"calls.recording","value":{"\#(namespace)":"failures"}}"#)
        let end = ContinuousClock.now + .seconds(60)
        while ContinuousClock.now < end {
            let answer = try await post("/v1/call/\(namespace).echo", #"{"path":"x"}"#, key)
            let id = answer["meta"]?["requestId"]?.stringValue ?? ""
            // Whoever reads the graph waits until it holds what was over before: what it lacks then is not recorded.
            let found = try await call("call.list", #"{"operation":"\#(namespace).echo","limit":1}"#)["calls"]?
                .arrayValue
            if found?.first?["requestId"]?.stringValue != id { return }
        }
        throw Fault(.timeout, "The hub did not take the setting over.")
    }
}
