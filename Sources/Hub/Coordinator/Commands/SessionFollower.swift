import ArgumentParser
import Foundation
import Protocol

#if canImport(Glibc)
    import Glibc
#endif

/// Writes a session's output as it comes, and ends as the session ended.
struct SessionFollower {
    let hub: HubClient
    let sessionId: String

    /// Follows to the end of the session, then exits with its exit code: 130 when aborted, 128 + n for a signal.
    ///
    /// - Parameter streams: `stdout`, `stderr` or `all`; with `all` each stream goes to its own descriptor.
    func follow(streams: String, from offset: Int64? = nil) async throws {
        try await write(streams: streams, from: offset, follow: true)
        let session = try await hub.call("session.get", ["sessionId": .string(sessionId)])
        let code = Self.exitCode(of: session["session"] ?? session)
        if code != 0 { throw ExitCode(code) }
    }

    /// Writes what is stored and, with `follow`, what comes until the session ends.
    func write(streams: String, from offset: Int64?, follow: Bool) async throws {
        var input: [String: JSONValue] = [
            "sessionId": .string(sessionId), "stream": .string(streams), "follow": .bool(follow),
        ]
        input["fromOffset"] = offset.map(JSONValue.integer)
        try await hub.subscribe("session.output", .object(input)) { value in
            if let gap = value["gap"], gap != .null {
                Output.note("hub: bytes \(gap.cell("from")) to \(gap.cell("to")) are missing: \(gap.cell("reason"))")
                return true
            }
            guard let content = value["content"]?.stringValue, let bytes = Data(base64Encoded: content) else {
                return true
            }
            if streams == "all", value["stream"]?.stringValue == "stderr" {
                FileHandle.standardError.write(bytes)
            } else {
                try Output.write([UInt8](bytes))
            }
            return true
        }
    }

    static func exitCode(of session: JSONValue) -> Int32 {
        if session["exitReason"]?.stringValue == "aborted" { return 130 }
        if let code = session["exitCode"]?.integerValue { return Int32(truncatingIfNeeded: code) }
        if let signal = session["exitSignal"]?.integerValue { return Int32(truncatingIfNeeded: 128 + signal) }
        return 1
    }
}
