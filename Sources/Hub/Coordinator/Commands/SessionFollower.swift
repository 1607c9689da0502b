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
        try await hub.subscribe(ReadSessionOutput.name, .object(input)) { value in
            let piece = try value.decoded(as: SessionOutputPiece.self)
            if let gapTo = piece.gapTo {
                let reason = piece.gapReason ?? "dropped"
                Output.note("hub: bytes \(piece.offset ?? 0) to \(gapTo) are missing: \(reason)")
            }
            guard let bytes = piece.bytes else { return true }
            if streams == "all", piece.stream == .stderr {
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
