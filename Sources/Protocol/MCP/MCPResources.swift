import Foundation

/// What a session printed, as a resource: `nave://session/ID/output`, with `?stream=…&from=…` for another stream or a
/// later part.
public struct MCPOutputAddress: Hashable, Sendable {
    public var sessionId: String
    public var stream: OutputSelection
    /// The byte at which the part begins.
    public var from: Int64

    public init(sessionId: String, stream: OutputSelection = .stdout, from: Int64 = 0) {
        self.sessionId = sessionId
        self.stream = stream
        self.from = from
    }

    /// `nil` for what is not such an address.
    public init?(_ uri: String) {
        guard let parts = URLComponents(string: uri), parts.scheme == "nave", parts.host == "session" else {
            return nil
        }
        let path = parts.path.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard path.count == 3, path[0].isEmpty, !path[1].isEmpty, path[2] == "output" else { return nil }
        self.init(sessionId: path[1])
        for item in parts.queryItems ?? [] {
            switch item.name {
            case "stream":
                guard let stream = item.value.flatMap(OutputSelection.init) else { return nil }
                self.stream = stream
            case "from":
                guard let from = item.value.flatMap({ Int64($0) }), from >= 0 else { return nil }
                self.from = from
            default: return nil
            }
        }
    }

    /// The address of a session's whole standard output.
    public static func uri(of session: String) -> String { "nave://session/\(session)/output" }

    /// How addresses are made (RFC 6570).
    public static let template: JSONValue = [
        "uriTemplate": "nave://session/{sessionId}/output{?stream,from}",
        "name": "session-output",
        "description": .string(
            "What a session printed: stream stdout (if left out), stderr, pty, agent or all; from is the byte to begin "
                + "at. Read on at nextOffset while complete is false."
        ),
        "mimeType": "text/plain",
    ]

    /// The input of `session.output` that reads it.
    var input: JSONValue {
        JSONValue(encoding: ReadSessionOutput(sessionId: sessionId, stream: stream, fromOffset: from, follow: false))
    }
}

extension SessionRecord {
    /// The session's output as an entry of the list of resources.
    var resource: JSONValue {
        let state = endedAt == nil ? status.rawValue : exitReason?.rawValue ?? "over"
        return [
            "uri": .string(MCPOutputAddress.uri(of: id.rawValue)),
            "name": .string(slug),
            "description": .string("Output of “\(title)” (\(state))."),
            "mimeType": "text/plain",
        ]
    }
}
