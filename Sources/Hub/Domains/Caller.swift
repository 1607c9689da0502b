public import Foundation
public import Protocol

/// How often one key may call, where not as often as all others.
public struct CallRate: Hashable, Sendable {
    /// Calls a second on average.
    public var perSecond: Double
    /// Calls at once.
    public var burst: Int

    public init(perSecond: Double, burst: Int) {
        self.perSecond = perSecond
        self.burst = burst
    }
}

extension CallRate {
    /// Whether it allows as much as another, where one as often as all others (none, or 0 a second) counts as more.
    func covers(_ other: CallRate?) -> Bool {
        guard let other, other.perSecond > 0 else { return false }
        return other.perSecond <= perSecond && other.burst <= burst
    }

    /// The rate of a key that somebody with a rate of their own makes: the one asked for, or theirs if they ask for
    /// none. Whoever has none grants any.
    ///
    /// - Throws: `ACCESS_DENIED` for more than their own.
    static func granted(_ asked: CallRate?, by own: CallRate?) throws(Fault) -> CallRate? {
        guard let own, let asked else { return asked ?? own }
        guard own.covers(asked) else {
            throw Fault(
                .accessDenied,
                "A key cannot call more often than the caller: \(own.perSecond) calls a second, \(own.burst) at once."
            )
        }
        return asked
    }
}

/// Whom a credential stands for, as the hub resolved it. Passed on with everything that is asked, and so by reference.
public final class Principal: Sendable {
    /// What they may do.
    public let identity: Identity
    /// Who answers for it: the account itself, or the one that owns the key of a spoke or session.
    public let accountId: AccountID
    /// The key that was shown; none for calls the hub makes itself and for sessions that a spoke vouches for.
    public let keyId: KeyID?
    /// Set when the caller is a session.
    public let sessionId: SessionID?
    /// Set when the caller is a spoke, or a session on one.
    public let spokeId: SpokeID?
    /// The key's own rate, if it has one.
    public let callRate: CallRate?

    public init(
        identity: Identity,
        accountId: AccountID,
        keyId: KeyID? = nil,
        sessionId: SessionID? = nil,
        spokeId: SpokeID? = nil,
        callRate: CallRate? = nil
    ) {
        self.identity = identity
        self.accountId = accountId
        self.keyId = keyId
        self.sessionId = sessionId
        self.spokeId = spokeId
        self.callRate = callRate
    }

    /// The same with other scopes and resources.
    func holding(_ identity: Identity) -> Principal {
        Principal(
            identity: identity,
            accountId: accountId,
            keyId: keyId,
            sessionId: sessionId,
            spokeId: spokeId,
            callRate: callRate
        )
    }
}

/// Who is asking, and how: what a handler knows besides its input.
public struct Caller: Sendable {
    public var principal: Principal
    /// The peer's address without its port, as the hub sees it: behind a proxy the proxy's. `nil` for what the hub asks
    /// of itself.
    public var address: String?
    /// Correlates the call with its answer, its audit entry and its log lines.
    public var requestId: String
    /// The call's node in the call graph, once there is one.
    public var callId: CallID?
    public var parentRequestId: String?
    /// After this the answer is of no use; whoever waits enforces it.
    public var deadline: Date?
    /// Makes a mutation repeatable: the same key and input get the first outcome (24 hours).
    public var idempotencyKey: String?
    /// The spoke that the caller wants to answer, by name.
    public var spokeName: String?
    public var traceparent: String?
    /// Which spoke shall answer, in other words than its name.
    public var target: CallTarget?
    /// How long a subscription may say nothing before it is given up.
    public var idleTimeout: Duration?
    /// An operation of the hub asks, to answer another call: that one was counted.
    public internal(set) var isComposed = false
    /// The door that it came through has counted it against its key's rate.
    public var isMetered = false

    public init(
        _ principal: Principal,
        from address: String? = nil,
        requestId: String = Ids.random(),
        parentRequestId: String? = nil,
        deadline: Date? = nil,
        idempotencyKey: String? = nil,
        spokeName: String? = nil,
        traceparent: String? = nil,
        target: CallTarget? = nil,
        idleTimeout: Duration? = nil
    ) {
        self.principal = principal
        self.address = address
        self.requestId = requestId
        self.parentRequestId = parentRequestId
        self.deadline = deadline
        self.idempotencyKey = idempotencyKey
        self.spokeName = spokeName
        // What is no trace is none (W3C trace context, 2.2): nobody hands it on.
        self.traceparent = traceparent.flatMap { TraceContext.isSound($0) ? $0 : nil }
        self.target = target
        self.idleTimeout = idleTimeout
    }

    public var identity: Identity { principal.identity }
    public var accountId: AccountID { principal.accountId }
    public var keyId: KeyID? { principal.keyId }
    public var sessionId: SessionID? { principal.sessionId }
    public var spokeId: SpokeID? { principal.spokeId }

    /// Lets the caller pass, or says what it lacks (``AccessControl/check(_:isSession:)``).
    public func check(_ access: AccessControl) throws(Fault) {
        try access.check(identity, isSession: sessionId != nil)
    }
}
