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

    /// Follows to the end of the session, then exits with its exit code: 130 when aborted, 124 when it ran out of
    /// time (as timeout(1) does), 128 + n for a signal, 1 when it never ran; what went wrong is said on stderr.
    ///
    /// - Parameter streams: `stdout`, `stderr` or `all`; with `all` each stream goes to its own descriptor.
    func follow(streams: String, from offset: Int64? = nil) async throws {
        try await write(streams: streams, from: offset, follow: true)
        try await end()
    }

    /// Exits as the session ended, once it has.
    func end() async throws {
        let session = try await hub.call("session.get", ["sessionId": .string(sessionId)])
        if let failure = Self.failure(of: session) { Output.note("hub: \(failure)") }
        let code = Self.exitCode(of: session)
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

    /// Why a session ended that did not end by itself.
    static func failure(of session: JSONValue) -> String? {
        if let code = session["failure"]?["code"]?.stringValue {
            return "\(code): \(session["failure"]?["message"]?.stringValue ?? "The session failed.")"
        }
        switch session["exitReason"]?.stringValue {
        case "timeout": return "TIMEOUT: The session ran longer than its --timeout and was ended."
        case "lost": return "The session's processes are gone and nobody saw them end; spawn it again."
        default: return nil
        }
    }

    static func exitCode(of session: JSONValue) -> Int32 {
        if session["exitReason"]?.stringValue == "aborted" { return 130 }
        if session["exitReason"]?.stringValue == "timeout" { return 124 }
        if let code = session["exitCode"]?.integerValue { return Int32(truncatingIfNeeded: code) }
        if let signal = session["exitSignal"]?.integerValue { return Int32(truncatingIfNeeded: 128 + signal) }
        return 1
    }
}
