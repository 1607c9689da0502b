import Foundation
import Postgres
public import Protocol
import Synchronization

/// Turns the bearer of a key into a principal.
///
/// What the database said is believed for ``Limits/credentialCache``, so that a busy key costs one look-up per that
/// time, however many calls it has under way. A revocation on this hub is felt at once through ``forget(_:)``, on
/// others as soon as their listener heard `nave_keys`, and at the latest when the time is over. Unknown keys are not
/// remembered: nobody can fill the memory.
public final class Authenticator: Sendable {
    private let keys: KeyStore
    private let memory = Mutex(Memory())
    private let lookups = SharedQuestion<Lookup, Credential?>()

    /// Who asks after news of keys does not hear what was asked before.
    private struct Lookup: Hashable {
        let digest: String
        let generation: Int
    }

    public init(keys: KeyStore) { self.keys = keys }

    /// The principal of a key, as in `Authorization: Bearer KEY`.
    ///
    /// - Throws: `UNAUTHENTICATED` for a key that is unknown, disabled, revoked, expired or of a locked account;
    ///   `UNAVAILABLE` while the database is away and the key is not remembered.
    public func principal(bearer text: String) async throws(Fault) -> Principal {
        try await principal(of: ShownKey(text))
    }

    /// The same for a key that was read before: a connection shows its key once and asks for each call.
    public func principal(of key: ShownKey) async throws(Fault) -> Principal {
        guard let digest = key.digest else { throw Self.refused("is not a key of this hub") }
        let now = ContinuousClock.now
        if let known = memory.withLock({ $0.recall(digest, at: now) }) { return known }
        let generation = memory.withLock { $0.generation }
        guard let credential = try await credential(digest, generation), InputDigest.equal(credential.digest, digest)
        else { throw Self.refused("is not known here, or was removed") }
        if credential.isRevoked { throw Self.refused("was revoked") }
        guard credential.isEnabled else { throw Self.refused("is switched off") }
        if credential.isSessionOver { throw Self.refused("ended with its session") }
        if (credential.secondsLeft ?? 1) <= 0 { throw Self.refused("has expired") }
        guard credential.accountStatus == .active else { throw Self.refused("belongs to an account that is locked") }
        let left = credential.secondsLeft.map { Duration.seconds(min($0, 3_600)) }
        let remembered = min(Limits.credentialCache, left ?? Limits.credentialCache)
        memory.withLock { $0.remember(credential, until: now + remembered, at: now, asked: generation) }
        return credential.principal
    }

    private func credential(_ digest: String, _ generation: Int) async throws(Fault) -> Credential? {
        let lookup = Lookup(digest: digest, generation: generation)
        let credential = try await lookups.answer(to: lookup) { () async throws(Fault) in
            try await keys.credential(digest: digest)
        }
        // It ends the moment the session does, and no news tells of that.
        guard credential?.principal.sessionId == nil else { return try await keys.credential(digest: digest) }
        return credential
    }

    /// Believes nothing about these keys any more.
    public func forget(_ holders: KeyHolders) { memory.withLock { $0.forget(holders) } }

    /// Believes nothing about any key any more: after the listener was away.
    public func forgetAll() { memory.withLock { $0.forgetAll() } }

    /// Writes down when keys were last used, in one statement; a runner calls it every few seconds.
    public func flushUses() async throws(Fault) {
        let uses = memory.withLock { $0.takeUses() }
        do {
            try await keys.touch(uses)
        } catch {
            memory.withLock { $0.giveBack(uses) }
            throw error
        }
    }

    private static func refused(_ why: String) -> Fault {
        Fault(.unauthenticated, "The key \(why); send another in the Authorization header.")
    }
}

/// A key as somebody showed it, without the key.
public struct ShownKey: Sendable {
    /// What is stored of it; `nil` for a text that cannot be a key.
    fileprivate let digest: String?

    public init(_ text: String) { digest = Secret(text, kind: .key)?.digest }
}

/// Keys about which there is news: one, or all of an account or spoke.
public enum KeyHolders: Hashable, Sendable {
    case key(KeyID)
    case account(AccountID)
    case spoke(SpokeID)

    /// The channel on which such news is told; the payload is ``text``.
    public static let channel = "nave_keys"

    /// Reads a notification's payload: `account:ID`, `spoke:ID`, or a key's id.
    public init(_ text: String) {
        let parts = text.split(separator: ":", maxSplits: 1).map(String.init)
        switch (parts.first, parts.count) {
        case ("account", 2): self = .account(AccountID(parts[1]))
        case ("spoke", 2): self = .spoke(SpokeID(parts[1]))
        default: self = .key(KeyID(text))
        }
    }

    /// Whether the news is about this principal's key.
    public func include(_ principal: Principal) -> Bool {
        switch self {
        case .key(let key): principal.keyId == key
        case .account(let account): principal.accountId == account
        case .spoke(let spoke): principal.spokeId == spoke
        }
    }
}

/// When a key was last shown.
struct KeyUse: Hashable, Sendable {
    let key: KeyID
    let at: Date
}

/// What the authenticator remembers.
private struct Memory {
    struct Entry {
        let principal: Principal
        let until: ContinuousClock.Instant
    }

    var entries: [String: Entry] = [:]
    var uses: [KeyID: Date] = [:]
    /// Counts what was forgotten: an answer that was asked for before must not be remembered after.
    var generation = 0

    mutating func recall(_ digest: String, at now: ContinuousClock.Instant) -> Principal? {
        guard let entry = entries[digest] else { return nil }
        guard entry.until > now else {
            entries[digest] = nil
            return nil
        }
        note(entry.principal)
        return entry.principal
    }

    mutating func remember(
        _ credential: Credential,
        until: ContinuousClock.Instant,
        at now: ContinuousClock.Instant,
        asked: Int
    ) {
        note(credential.principal)
        // A session's key is looked up each time: it ends the moment the session does.
        guard asked == generation, credential.principal.sessionId == nil else { return }
        if entries.count >= Limits.credentialsRemembered {
            entries = entries.filter { $0.value.until > now }
            // All of them in use within seconds: begin again rather than grow.
            if entries.count >= Limits.credentialsRemembered { entries.removeAll(keepingCapacity: true) }
        }
        entries[credential.digest] = Entry(principal: credential.principal, until: until)
    }

    mutating func forget(_ holders: KeyHolders) {
        generation += 1
        entries = entries.filter { !holders.include($0.value.principal) }
    }

    mutating func forgetAll() {
        generation += 1
        entries = [:]
    }

    mutating func takeUses() -> [KeyUse] {
        defer { uses = [:] }
        return uses.map { KeyUse(key: $0.key, at: $0.value) }.sorted { $0.key < $1.key }
    }

    /// Uses that could not be written; later ones of the same key win.
    mutating func giveBack(_ unwritten: [KeyUse]) {
        for use in unwritten where uses.count < Limits.credentialsRemembered {
            uses[use.key] = max(use.at, uses[use.key] ?? use.at)
        }
    }

    private mutating func note(_ principal: Principal) {
        guard let key = principal.keyId, uses[key] != nil || uses.count < Limits.credentialsRemembered else { return }
        uses[key] = Date()
    }
}

/// A stored key with what decides whether it is accepted.
struct Credential: RowDecodable {
    let principal: Principal
    let digest: String
    let secondsLeft: Double?
    let isEnabled: Bool
    let isRevoked: Bool
    /// It is a session's, and the session is over.
    let isSessionOver: Bool
    let accountStatus: AccountStatus

    init(_ row: Row) throws(Fault) {
        let account: AccountID = try row["owner_id"]
        let session: SessionID? = try row["session_id"]
        let spoke: SpokeID? = try row["spoke_id"]
        let (perSecond, burst): (Double?, Int?) = (try row["calls_per_second"], try row["calls_burst"])
        principal = Principal(
            identity: Identity(
                id: session?.rawValue ?? spoke?.rawValue ?? account.rawValue,
                scopes: try row["scopes"],
                resources: try row.json("resources")
            ),
            accountId: account,
            keyId: try row["id"],
            sessionId: session,
            spokeId: spoke,
            callRate: perSecond.flatMap { perSecond in burst.map { CallRate(perSecond: perSecond, burst: $0) } }
        )
        digest = try row["key_hash"]
        secondsLeft = try row["seconds_left"]
        isEnabled = try row["enabled"]
        isRevoked = try row["revoked"]
        isSessionOver = try row["over"]
        accountStatus = try row["account_status"]
    }
}
