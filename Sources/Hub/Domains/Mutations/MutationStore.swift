import Foundation
import HubCore
public import Postgres
public import Protocol

/// What the hub remembers about changes: who asked for which, and the outcomes that idempotency keys can have again.
public struct MutationStore: Sendable {
    let database: Database
    private let audit: SharedWriter<AuditEntry, Void>

    public init(database: Database) {
        self.database = database
        audit = SharedWriter { (entries) async throws(Fault) in
            try await database.execute(SQL.audit, Self.columns(of: entries))
            return entries.map { _ in .success(()) }
        }
    }

    /// What is known of a caller's idempotency key.
    enum Reservation {
        /// Nothing: the key is now this call's, and the mutation is to be run.
        case fresh
        /// It was done before, by the call of this request id.
        case done(FirstOutcome, by: String)
        /// Another call with the same input is under way.
        case underWay
        /// The key was used for another input.
        case otherInput
    }

    /// Takes the caller's key for this input, or says what stands in the way.
    ///
    /// The key is the call's for as long as its caller waits, and a while longer: no second run begins during the
    /// first.
    func reserve(_ key: String, digest: String, caller: Caller) async throws(Fault) -> Reservation {
        let left = Int(max(0, min(caller.deadline?.timeIntervalSinceNow ?? 0, 1e6)).rounded(.up))
        let lease = max(Limits.idempotencyLeaseSeconds, left + Limits.idempotencyGraceSeconds)
        // Between the two statements the row may go away: then the key is free after all.
        for _ in 0..<3 {
            let taken = try await database.first(
                SQL.reserve,
                [caller.accountId, key, digest, caller.requestId, lease]
            )
            if taken != nil { return .fresh }
            guard let known = try await database.first(SQL.known, [caller.accountId, key]) else { continue }
            guard known.digest == digest else { return .otherInput }
            return known.outcome.map { .done($0, by: known.requestId) } ?? .underWay
        }
        return .underWay
    }

    /// Gives a key back whose mutation did not come to an outcome worth keeping.
    func release(_ key: String, caller: Caller) async throws(Fault) {
        try await database.execute(SQL.release, [caller.accountId, key, caller.requestId])
    }

    /// Writes an audit entry, together with those that come while others are written.
    func record(_ entry: AuditEntry) async throws(Fault) { try await audit.append(entry) }

    /// Writes the audit entry and, in the same statement, the outcome under the caller's key.
    ///
    /// - Parameter heldBy: The request id with which the key was reserved.
    func record(
        _ entry: AuditEntry,
        key: String,
        heldBy: String,
        outcome: FirstOutcome
    ) async throws(Fault) {
        try await database.execute(
            SQL.auditAndKeep,
            [
                Ids.sortable(), entry.action, entry.owner, entry.keyId, entry.sessionId, entry.requestId, entry.outcome,
                entry.details, entry.org, entry.project, entry.session, entry.workspace, key, outcome.storable.text,
                Limits.idempotencySeconds, heldBy,
            ]
        )
    }

    /// Writes an audit entry in the transaction of what it tells of: both become true, or neither.
    static func record(_ entry: AuditEntry, in transaction: Transaction) async throws(Fault) {
        try await transaction.execute(SQL.audit, columns(of: [entry]))
    }

    private static func columns(of entries: [AuditEntry]) -> [(any Bindable)?] {
        [
            entries.map { _ in Ids.sortable() }, entries.map(\.action), entries.map(\.owner), entries.map(\.keyId),
            entries.map(\.sessionId), entries.map(\.requestId), entries.map(\.outcome.rawValue),
            entries.map { JSONText(WireCoder.bytes(of: $0.details)) }, entries.map(\.org), entries.map(\.project),
            entries.map(\.session), entries.map(\.workspace),
        ]
    }

    /// Removes outcomes that nobody may ask for any more; answers how many.
    public func prune() async throws(Fault) -> Int { try await database.execute(SQL.prune) }

    /// Removes audit entries older than this, 1000 at a time: the one way that the table's trigger lets pass.
    public func pruneAudit(olderThanDays days: Int) async throws(Fault) -> Int {
        try await database.transaction { transaction async throws(Fault) -> Int in
            try await transaction.execute(SQL.allowRetention)
            return try await transaction.execute(SQL.pruneAudit, [days])
        }
    }
}

extension MutationStore {
    enum SQL {
        /// One statement decides who runs it. A row that expired is as good as none: its outcome is too old, or its
        /// caller died under way.
        static let reserve = Statement<String>(
            """
            INSERT INTO nave.idempotency_keys AS held (account_id, key, input_digest, request_id, expires_at)
            VALUES ($1, $2, $3, $4, now() + make_interval(secs => $5::float8))
            ON CONFLICT (account_id, key) DO UPDATE
               SET input_digest = excluded.input_digest, request_id = excluded.request_id, outcome = NULL,
                   expires_at = excluded.expires_at
             WHERE held.expires_at <= now()
            RETURNING key
            """
        )

        static let known = Statement<KnownOutcome>(
            """
            SELECT input_digest, request_id, outcome IS NOT NULL AS has_outcome, outcome->'fault' AS fault,
                (outcome->'data')::text AS data, coalesce(outcome ? 'unkept', false) AS is_unkept
              FROM nave.idempotency_keys WHERE account_id = $1 AND key = $2
            """
        )

        /// Only by the call that holds it, and only before there is an outcome.
        static let release = Statement<Void>(
            """
            DELETE FROM nave.idempotency_keys
             WHERE account_id = $1 AND key = $2 AND request_id = $3 AND outcome IS NULL
            """
        )

        /// A line belongs to the organisation that its input names, or that owns the project, session or workspace.
        ///
        /// The arrays come from selects of their own, as in ``CallStore/SQL/enter``.
        static let audit = Statement<Void>(
            """
            INSERT INTO nave.audit_logs
                (id, action, owner_id, key_id, session_id, request_id, outcome, details, org_id)
            SELECT e.id, e.action, e.owner_id, (SELECT id FROM nave.api_keys WHERE id = e.key_id),
                (SELECT id FROM nave.sessions WHERE id = e.session_id), e.request_id, e.outcome, e.details,
                coalesce(
                (SELECT id FROM nave.organizations WHERE id = e.org OR slug = e.org
                  ORDER BY id = e.org DESC LIMIT 1),
                (SELECT org_id FROM nave.projects WHERE id = e.project OR name = e.project
                  ORDER BY id = e.project DESC LIMIT 1),
                (SELECT p.org_id FROM nave.sessions s JOIN nave.projects p ON p.id = s.project_id
                  WHERE s.id = e.session OR s.slug = e.session ORDER BY s.id = e.session DESC LIMIT 1),
                (SELECT p.org_id FROM nave.workspaces w JOIN nave.projects p ON p.id = w.project_id
                  WHERE w.id = e.workspace))
              FROM unnest((SELECT $1::text[]), (SELECT $2::text[]), (SELECT $3::text[]), (SELECT $4::text[]),
                (SELECT $5::text[]), (SELECT $6::text[]), (SELECT $7::text[]), (SELECT $8::jsonb[]),
                (SELECT $9::text[]), (SELECT $10::text[]), (SELECT $11::text[]), (SELECT $12::text[]))
                AS e (id, action, owner_id, key_id, session_id, request_id, outcome, details, org, project, session,
                    workspace)
            """
        )

        /// The outcome and its trail become true together. `OFFSET` hides from the planner which of the four are named,
        /// as the arrays of ``audit`` do: one plan serves all.
        static let auditAndKeep = Statement<Void>(
            """
            WITH kept AS (
                UPDATE nave.idempotency_keys
                   SET outcome = $14::jsonb, expires_at = now() + make_interval(secs => $15::float8)
                 WHERE account_id = $3 AND key = $13 AND request_id = $16 AND outcome IS NULL
            )
            INSERT INTO nave.audit_logs
                (id, action, owner_id, key_id, session_id, request_id, outcome, details, org_id)
            SELECT $1, $2, $3, (SELECT id FROM nave.api_keys WHERE id = $4),
                (SELECT id FROM nave.sessions WHERE id = $5), $6, $7, $8, coalesce(
                (SELECT id FROM nave.organizations WHERE id = about.org OR slug = about.org
                  ORDER BY id = about.org DESC LIMIT 1),
                (SELECT org_id FROM nave.projects WHERE id = about.project OR name = about.project
                  ORDER BY id = about.project DESC LIMIT 1),
                (SELECT p.org_id FROM nave.sessions s JOIN nave.projects p ON p.id = s.project_id
                  WHERE s.id = about.session OR s.slug = about.session ORDER BY s.id = about.session DESC LIMIT 1),
                (SELECT p.org_id FROM nave.workspaces w JOIN nave.projects p ON p.id = w.project_id
                  WHERE w.id = about.workspace))
              FROM (SELECT $9::text AS org, $10::text AS project, $11::text AS session, $12::text AS workspace
                     OFFSET 0) about
            """
        )

        static let prune = Statement<Void>(
            """
            DELETE FROM nave.idempotency_keys
             WHERE (account_id, key) IN (
                SELECT account_id, key FROM nave.idempotency_keys WHERE expires_at < now() LIMIT 1000)
            """
        )

        static let allowRetention = Statement<String>("SELECT set_config('nave.retention', 'on', true)")

        static let pruneAudit = Statement<Void>(
            """
            DELETE FROM nave.audit_logs
             WHERE id IN (
                SELECT id FROM nave.audit_logs WHERE created_at < now() - make_interval(days => $1) LIMIT 1000)
            """
        )
    }
}
