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
}
