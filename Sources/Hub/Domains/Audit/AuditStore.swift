import Foundation
public import Postgres
public import Protocol

/// The audit trail as it is read. It is written by ``MutationStore`` alone.
struct AuditStore: Sendable {
    let database: Database

    /// Lines, newest first, that the reader may see: its own, and those about organisations that it looks after.
    ///
    /// - Parameter reader: `nil` sees everything.
    func list(
        _ request: ListAudit,
        seenBy reader: AccountID?,
        _ cursor: CreationCursor
    ) async throws(Fault) -> [AuditRecord] {
        let namespace = request.action.flatMap { $0.hasSuffix(".*") ? String($0.dropLast()) : nil }
        return try await database.query(
            SQL.list,
            cursor.values + [
                request.account, namespace == nil ? request.action : nil, namespace, request.outcome, request.org,
                request.sessionId, request.keyId, request.requestId, request.since, request.until, reader,
            ]
        )
    }

    /// Whether there is an account of this id or email, as far as the reader may know: itself, or one that shares an
    /// organisation with it.
    func knows(account: String, seenBy reader: AccountID?) async throws(Fault) -> Bool {
        try await database.first(SQL.knowsAccount, [account, reader]) ?? false
    }

    /// Whether there is an organisation of this id or slug, as far as the reader may know: one that it is in.
    func knows(organization: String, seenBy reader: AccountID?) async throws(Fault) -> Bool {
        try await database.first(SQL.knowsOrganization, [organization, reader]) ?? false
    }

    enum SQL {
        static let knowsAccount = Statement<Bool>(
            """
            SELECT EXISTS (
                SELECT FROM nave.accounts a
                 WHERE (a.id = $1 OR a.email = lower($1))
                   AND ($2::text IS NULL OR a.id = $2 OR EXISTS (
                        SELECT FROM nave.organization_members mine
                          JOIN nave.organization_members theirs ON theirs.org_id = mine.org_id
                         WHERE mine.account_id = $2 AND theirs.account_id = a.id)))
            """
        )

        static let knowsOrganization = Statement<Bool>(
            """
            SELECT EXISTS (
                SELECT FROM nave.organizations o
                 WHERE (o.id = $1 OR o.slug = $1)
                   AND ($2::text IS NULL OR EXISTS (
                        SELECT FROM nave.organization_members m WHERE m.account_id = $2 AND m.org_id = o.id)))
            """
        )

        static let list = Statement<AuditRecord>(
            """
            SELECT l.id, l.action, l.owner_id, a.email, l.key_id, l.session_id, l.org_id, l.request_id, l.outcome,
                   l.details, l.created_at
              FROM nave.audit_logs l JOIN nave.accounts a ON a.id = l.owner_id
             WHERE ($1::int8 IS NULL
                    OR (l.created_at, l.id) < ('epoch'::timestamptz + $1::int8 * interval '1 microsecond', $2::text))
               AND ($4::text IS NULL
                    OR l.owner_id = (SELECT id FROM nave.accounts WHERE id = $4 OR email = lower($4)
                                      ORDER BY id = $4 DESC LIMIT 1))
               AND ($5::text IS NULL OR l.action = $5) AND ($6::text IS NULL OR starts_with(l.action, $6))
               AND ($7::text IS NULL OR l.outcome = $7)
               AND ($8::text IS NULL
                    OR l.org_id = (SELECT id FROM nave.organizations WHERE id = $8 OR slug = $8
                                    ORDER BY id = $8 DESC LIMIT 1))
               AND ($9::text IS NULL OR l.session_id = $9) AND ($10::text IS NULL OR l.key_id = $10)
               AND ($11::text IS NULL OR l.request_id = $11)
               AND ($12::timestamptz IS NULL OR l.created_at >= $12)
               AND ($13::timestamptz IS NULL OR l.created_at < $13)
               AND ($14::text IS NULL OR l.owner_id = $14
                    OR l.org_id IN (SELECT m.org_id FROM nave.organization_members m
                                     WHERE m.account_id = $14 AND m.membership_level IN ('owner', 'admin')))
             ORDER BY l.created_at DESC, l.id DESC
             LIMIT $3
            """
        )
    }
}

extension AuditRecord: RowDecodable {
    public init(_ row: Row) throws(Fault) {
        self.init(
            id: try row["id"],
            action: try row["action"],
            accountId: try row["owner_id"],
            email: try row["email"],
            keyId: try row["key_id"],
            sessionId: try row["session_id"],
            orgId: try row["org_id"],
            requestId: try row["request_id"],
            outcome: try row["outcome"],
            details: try row["details"],
            createdAt: try row["created_at"]
        )
    }
}
