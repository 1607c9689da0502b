public import Postgres
public import Protocol

/// What the hub remembers about operations and who offers them.
public struct OperationStore: Sendable {
    let database: Database

    public init(database: Database) { self.database = database }

    /// Makes this hub's own operations known, and its offer of them: one statement, at start.
    public func publish(_ specs: [OperationSpec], by hub: HubID) async throws(Fault) {
        try await database.execute(SQL.publish, [JSON(specs), hub])
    }

    /// The hub is gone: its offers no longer stand.
    public func withdraw(_ hub: HubID) async throws(Fault) { try await database.execute(SQL.withdraw, [hub]) }

    enum SQL {
        /// Every hub of a newer release brings a definition up to date; rows that are equal already are left alone. A
        /// further version of an operation stands beside the former, under an id of its own.
        static let publish = Statement<Void>(
            """
            WITH spec AS (
                SELECT value FROM jsonb_array_elements($1::jsonb)
            ), defined AS (
                INSERT INTO nave.operations AS known
                    (id, namespace, name, version, type, title, description, tags, input_schema, output_schema,
                    error_schemas, access_control, _meta)
                SELECT (value->>'namespace') || '.' || (value->>'name')
                    || CASE WHEN EXISTS (
                        SELECT FROM nave.operations o
                         WHERE o.namespace = value->>'namespace' AND o.name = value->>'name'
                           AND o.version <> value->>'version'
                    ) THEN '@' || (value->>'version') ELSE '' END,
                    value->>'namespace', value->>'name', value->>'version',
                    value->>'type', value->>'title', value->>'description',
                    ARRAY(SELECT jsonb_array_elements_text(coalesce(value->'tags', '[]'))), value->'inputSchema',
                    value->'outputSchema', coalesce(value->'errorSchemas', '[]'), value->'accessControl',
                    coalesce(value->'_meta', '{}')
                  FROM spec
                ON CONFLICT (namespace, name, version) DO UPDATE
                   SET version = excluded.version, type = excluded.type, title = excluded.title,
                       description = excluded.description, tags = excluded.tags, input_schema = excluded.input_schema,
                       output_schema = excluded.output_schema, error_schemas = excluded.error_schemas,
                       access_control = excluded.access_control, _meta = excluded._meta
                 WHERE (known.version, known.type, known.title, known.description, known.tags, known.input_schema,
                        known.output_schema, known.error_schemas, known.access_control, known._meta)
                    IS DISTINCT FROM
                       (excluded.version, excluded.type, excluded.title, excluded.description, excluded.tags,
                        excluded.input_schema, excluded.output_schema, excluded.error_schemas,
                        excluded.access_control, excluded._meta)
                RETURNING id
            ), offered AS (
                SELECT id FROM defined
                UNION
                SELECT o.id FROM nave.operations o JOIN spec
                    ON o.namespace = spec.value->>'namespace' AND o.name = spec.value->>'name'
                   AND o.version = spec.value->>'version'
            )
            INSERT INTO nave.operation_registrations (id, operation_id, provider_type, provider_id)
            SELECT gen_random_uuid()::text, id, 'hub', $2 FROM offered
            ON CONFLICT (operation_id, provider_id) WHERE status = 'active' DO NOTHING
            """
        )

        static let withdraw = Statement<Void>(
            """
            UPDATE nave.operation_registrations SET status = 'inactive', deactivated_at = now()
             WHERE provider_type = 'hub' AND provider_id = $1 AND status = 'active'
            """
        )
    }
}
