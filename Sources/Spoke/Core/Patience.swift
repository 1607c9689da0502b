public import Protocol

/// How long a session goes on while its spoke cannot reach the hub.
public struct Patience: Hashable, Sendable {
    /// Seconds without a link after which the session is ended; `nil` for never, which is the default.
    public let seconds: Int?

    public init(_ policy: DisconnectPolicy?) {
        seconds = [policy?.keepRunningSeconds, policy?.stopSelfAfterSeconds].compactMap(\.self).min()
    }

    /// Whether the session is to be ended after this long without a link.
    public func isOver(after away: Duration) -> Bool {
        guard let seconds else { return false }
        return away >= .seconds(seconds)
    }
}
