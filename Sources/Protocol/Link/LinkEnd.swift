/// How a link ended. Told once, as the last action of a link's machine.
public enum LinkEnd: Hashable, Sendable {
    /// The hub said no.
    case refused(LinkRefused)
    /// The peer left in order.
    case goodbye(LinkGoodbye)
    /// This end left in order.
    case left(LinkGoodbye)
    /// This end closed for a cause: a protocol error, silence, a broken stream.
    case closed(CloseReason)
    /// The peer closed, or the connection broke.
    case lost(CloseReason)

    /// Why, in words for logs and for the fleet's list.
    ///
    /// - Parameters:
    ///   - own: what the end that tells of it is called, such as `hub`.
    ///   - peer: what the other one is called.
    public func words(own: String, peer: String) -> String {
        switch self {
        case .refused(let refusal): "refused: \(refusal.message)"
        case .goodbye(let goodbye): "the \(peer) said goodbye: \(goodbye.message ?? goodbye.reason.rawValue)"
        case .left(let goodbye): "the \(own) said goodbye: \(goodbye.message ?? goodbye.reason.rawValue)"
        case .closed(let reason): reason.text.isEmpty ? "closed with \(reason.code)" : reason.text
        case .lost(let reason): reason.text.isEmpty ? "the connection ended (\(reason.code))" : reason.text
        }
    }
}
