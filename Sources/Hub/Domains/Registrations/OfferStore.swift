import Foundation
public import Postgres
public import Protocol

/// What the hub remembers of who offers what, for those who look it up. Written by ``RegistrationStore``.
struct OfferStore: Sendable {
    let database: Database

    /// Offers, newest first.
    func list(_ request: ListRegistrations, _ cursor: CreationCursor) async throws(Fault) -> [RegistrationRecord] {
        try await database.query(
            SQL.list,
            cursor.values + [request.operationId, request.providerType, request.providerId, request.status]
        )
    }

    /// Forgets a definition whose offers do not stand; `nil` if it is not there or somebody offers it.
    func delete(_ id: String) async throws(Fault) -> DeleteOperation.Output? {
        try await database.transaction { transaction async throws(Fault) -> DeleteOperation.Output? in
            // Nobody defines or offers anything meanwhile.
            _ = try await transaction.first(RegistrationStore.SQL.lock)
            guard let gone = try await transaction.first(SQL.use, [id]),
                try await transaction.execute(SQL.delete, [id]) == 1
            else { return nil }
            return DeleteOperation.Output(operationId: id, registrations: gone.registrations, calls: gone.calls)
        }
    }

    /// Who offers a definition now, by name.
    func providers(of id: String) async throws(Fault) -> [String] { try await database.query(SQL.providers, [id]) }

    struct Use: RowDecodable {
        var registrations: Int
        var calls: Int

        init(_ row: Row) throws(Fault) {
            registrations = try row["registrations"]
            calls = try row["calls"]
        }
    }

    enum SQL {
        static let list = Statement<RegistrationRecord>(
            """
            SELECT id, operation_id, provider_type, provider_id, status, metadata->>'reason' AS reason, pre_remap_name,
                   activated_at, deactivated_at, created_at
              FROM nave.operation_registrations
             WHERE ($1::int8 IS NULL
                    OR (created_at, id) < ('epoch'::timestamptz + $1::int8 * interval '1 microsecond', $2::text))
               AND ($4::text IS NULL OR operation_id = $4) AND ($5::text IS NULL OR provider_type = $5)
               AND ($6::text IS NULL OR provider_id = $6) AND ($7::text IS NULL OR status = $7)
             ORDER BY created_at DESC, id DESC
             LIMIT $3
            """
        )

        static let use = Statement<Use>(
            """
            SELECT (SELECT count(*) FROM nave.operation_registrations r WHERE r.operation_id = o.id) AS registrations,
                   (SELECT count(*) FROM nave.call_graph_nodes c WHERE c.operation_id = o.id) AS calls
              FROM nave.operations o WHERE o.id = $1
            """
        )

        /// Its calls are reassigned by the database itself (`keep_calls`); the sentinel that takes them stays.
        static let delete = Statement<Void>(
            """
            DELETE FROM nave.operations o
             WHERE o.id = $1 AND o.id <> '__removed__'
               AND NOT EXISTS (SELECT FROM nave.operation_registrations r
                                WHERE r.operation_id = o.id AND r.status = 'active')
            """
        )

        static let providers = Statement<String>(
            """
            SELECT coalesce(s.name, c.name, r.provider_type || ' ' || r.provider_id)
              FROM nave.operation_registrations r LEFT JOIN nave.spokes s ON s.id = r.provider_id
              LEFT JOIN nave.clients c ON c.id = r.provider_id
             WHERE r.operation_id = $1 AND r.status = 'active'
             ORDER BY 1 LIMIT 20
            """
        )
    }
}

extension RegistrationRecord: RowDecodable {
    public init(_ row: Row) throws(Fault) {
        self.init(
            id: try row["id"],
            operationId: try row["operation_id"],
            providerType: try row["provider_type"],
            providerId: try row["provider_id"],
            status: try row["status"],
            reason: try row["reason"],
            preRemapName: try row["pre_remap_name"],
            activatedAt: try row["activated_at"],
            deactivatedAt: try row["deactivated_at"],
            createdAt: try row["created_at"]
        )
    }
}
