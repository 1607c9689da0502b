/// Why a connection is closed: a code for programs and a sentence for people (RFC 6455 section 7.4).
///
/// 1000–1011 mean what the RFC says; 4000–4999 are this protocol's own.
public struct CloseReason: Error, Hashable, Sendable, CustomStringConvertible {
    public let code: UInt16
    /// At most ``textBytes`` of UTF-8, the room that a close frame leaves.
    public let text: String

    /// A close frame holds 125 bytes, two of which are the code.
    public static let textBytes = 123

    /// Text that is too long is cut at a character.
    public init(code: UInt16, text: String) {
        self.code = code
        var kept = text
        while kept.utf8.count > Self.textBytes { kept.removeLast() }
        self.text = kept
    }

    public var description: String { text.isEmpty ? "\(code)" : "\(code): \(text)" }
}

extension CloseReason {
    /// All is said.
    public static let normal = CloseReason(code: 1000, text: "")
    /// This end goes away: a restart or a drain.
    public static let goingAway = CloseReason(code: 1001, text: "")
    /// The connection broke without a close frame. Never sent, only reported.
    public static let lost = CloseReason(code: 1006, text: "The connection broke.")

    /// The bytes are no frame of this protocol.
    public static func malformed(_ text: String) -> CloseReason { .init(code: 1002, text: text) }
    /// A kind of frame or a value that is not taken here.
    public static func unacceptable(_ text: String) -> CloseReason { .init(code: 1003, text: text) }
    /// Text that is not UTF-8.
    public static let notText = CloseReason(code: 1007, text: "A text frame must be UTF-8.")
    /// A message beyond a limit.
    public static func tooLarge(_ text: String) -> CloseReason { .init(code: 1009, text: text) }
    /// This end made a mistake.
    public static func internalFault(_ text: String) -> CloseReason { .init(code: 1011, text: text) }

    /// Hello and welcome were not exchanged in time.
    public static let handshakeLate = CloseReason(code: 4000, text: "The link was not opened in time.")
    /// Nothing was heard for the silence limit.
    public static let silence = CloseReason(code: 4001, text: "Nothing was heard for the silence limit.")
    /// A message that the state of the link does not allow.
    public static func notAllowed(_ text: String) -> CloseReason { .init(code: 4002, text: text) }
    /// The hub does not take the spoke in; `link.refused` said why.
    public static let refused = CloseReason(code: 4003, text: "The hub refused the link.")
    /// A newer incarnation of the same spoke took over.
    public static let replaced = CloseReason(code: 4004, text: "A newer incarnation of this spoke took over.")
    /// The peer does not read fast enough, and what waits for it reached its bound.
    public static let tooSlow = CloseReason(code: 4005, text: "The peer reads too slowly; connect again and resume.")
    /// A durable stream cannot go on over this connection.
    public static func stream(_ text: String) -> CloseReason { .init(code: 4006, text: text) }
    /// The peer's history is not a continuation of this end's.
    public static func diverged(_ text: String) -> CloseReason { .init(code: 4007, text: text) }
}
