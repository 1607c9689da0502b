import Foundation
import HubCore
public import Protocol
import Synchronization

/// How an operation of the hub asks for other operations: as a call of its own, below the one that it answers.
///
/// The doors that calls go through stand above the domains, so they are shown to this one when they are built.
public final class ComposedCalls: Sendable {
    /// Runs one query or mutation for a caller who waits at most so long, as every door does.
    public typealias Way =
        @Sendable (
            _ operation: String, _ input: JSONValue, _ caller: Caller, _ wait: Duration
        ) async throws(Fault) -> Answer

    private let way = Mutex<Way?>(nil)

    public init() {}

    /// From here on, calls go this way.
    public func lead(_ way: @escaping Way) { self.way.withLock { $0 = way } }

    /// Asks a spoke, in the caller's name.
    ///
    /// The call may do what the operation that makes it declares and nothing else, whatever its caller may do besides;
    /// the caller's own reach over organisations goes along. It ends when its caller no longer waits.
    ///
    /// - Parameters:
    ///   - spoke: The spoke that answers; any that fits if absent.
    ///   - authority: The scopes under which the operation runs.
    /// - Throws: what the operation throws, `UNAVAILABLE` where calls cannot be made.
    func ask<Request: RemoteOperation>(
        _ request: Request,
        on spoke: SpokeID?,
        for caller: Caller,
        authority: [String]
    ) async throws(Fault) -> Request.Output {
        guard let way = way.withLock({ $0 }) else {
            throw Fault(.unavailable, "This hub cannot ask its spokes just now; try again later.")
        }
        let reach = caller.overseesOrganizations ? ["org:admin"] : []
        let identity = Identity(id: caller.identity.id, scopes: authority + reach)
        var composed = Caller(
            caller.principal.holding(identity),
            from: caller.address,
            parentRequestId: caller.requestId,
            traceparent: caller.traceparent,
            target: spoke.map { CallTarget(spokeId: $0) }
        )
        composed.isComposed = true
        let left = caller.deadline.map { Duration.milliseconds(max(1, Int64($0.timeIntervalSinceNow * 1_000))) }
        let answer = try await way(Request.name, JSONValue(encoding: request), composed, left ?? Limits.callDeadline)
        return try WireCoder.value(from: answer.data)
    }
}
