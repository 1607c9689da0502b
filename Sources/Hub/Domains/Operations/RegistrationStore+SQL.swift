import Postgres
import Protocol

extension RegistrationStore {
    enum SQL {
        static let lock = Statement<String>(
            "SELECT pg_advisory_xact_lock(hashtextextended('nave.operations', 0))::text"
        )

        static let ring = Statement<String>("SELECT pg_notify($1, $2)::text")

        static let hash = Statement<Void>(
            """
            UPDATE nave.spokes SET operations_hash = $3
             WHERE id = $1 AND incarnation = $2 AND status = 'connected'
            """
        )

        static let isKnown = Statement<String>(
            """
            SELECT id FROM nave.spokes
             WHERE id = $1 AND incarnation = $2 AND operations_hash = $3 AND status = 'connected'
               FOR NO KEY UPDATE
            """
        )

        static let known = Statement<StoredDefinition>(
            """
            SELECT o.id, (extract(epoch FROM o.updated_at) * 1000000)::bigint AS stamp, o.namespace, o.name, o.version,
                   o.type, o.title, o.description, o.tags, o.input_schema, o.output_schema, o.error_schemas,
                   o.access_control, o._meta,
                   EXISTS (SELECT FROM nave.operation_registrations r
                            WHERE r.operation_id = o.id AND r.provider_id <> $3) AS offered_elsewhere
              FROM nave.operations o
              JOIN unnest($1::text[], $2::text[]) AS wanted (namespace, name)
                ON wanted.namespace = o.namespace AND wanted.name = o.name
             ORDER BY o.id
            """
        )

        static let definitions = Statement<StoredDefinition>(
            """
            SELECT o.id, (extract(epoch FROM o.updated_at) * 1000000)::bigint AS stamp, o.namespace, o.name, o.version,
                   o.type, o.title, o.description, o.tags, o.input_schema, o.output_schema, o.error_schemas,
                   o.access_control, o._meta, false AS offered_elsewhere
              FROM nave.operations o WHERE o.id = ANY ($1::text[])
            """
        )

        static let define = Statement<Void>(
            """
            INSERT INTO nave.operations
                (id, namespace, name, version, type, title, description, tags, input_schema, output_schema,
                 error_schemas, access_control, _meta)
            SELECT value->>'id', value->>'namespace', value->>'name', value->>'version', value->>'type',
                   value->>'title', value->>'description',
                   ARRAY(SELECT jsonb_array_elements_text(coalesce(value->'tags', '[]'))), value->'inputSchema',
                   value->'outputSchema', coalesce(value->'errorSchemas', '[]'), value->'accessControl',
                   coalesce(value->'_meta', '{}')
              FROM jsonb_array_elements($1::jsonb)
            ON CONFLICT (id) DO UPDATE
               SET title = excluded.title, description = excluded.description, tags = excluded.tags,
                   input_schema = excluded.input_schema, output_schema = excluded.output_schema,
                   error_schemas = excluded.error_schemas, _meta = excluded._meta
            """
        )

        static let withdraw = Statement<Void>(
            """
            DELETE FROM nave.operation_registrations
             WHERE provider_type = 'spoke' AND provider_id = $1 AND operation_id <> ALL ($2::text[])
            """
        )

        static let offer = Statement<Void>(
            """
            INSERT INTO nave.operation_registrations (id, operation_id, provider_type, provider_id, pre_remap_name)
            SELECT gen_random_uuid()::text, offered.id, 'spoke', $1, offered.name
              FROM unnest($2::text[], $3::text[]) AS offered (id, name)
            ON CONFLICT (operation_id, provider_id) WHERE provider_type = 'spoke' DO UPDATE
               SET status = 'active', activated_at = now(), deactivated_at = NULL
            """
        )

        static let resume = Statement<Void>(
            """
            UPDATE nave.operation_registrations SET status = 'active', activated_at = now(), deactivated_at = NULL
             WHERE provider_type = 'spoke' AND provider_id = $1 AND status = 'inactive'
            """
        )

        static let spokes = Statement<OfferingSpoke>(
            """
            SELECT s.id, s.name, s.labels, s.draining, s.status = 'connected' AS is_connected,
                   to_char(s.disconnected_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS disconnected_since,
                   s.hub_id, h.url, coalesce(offered.definitions, '{}') AS definitions,
                   coalesce(offered.stamps, '{}') AS stamps
              FROM nave.spokes s
              LEFT JOIN nave.hubs h ON h.id = s.hub_id
              LEFT JOIN LATERAL (
                SELECT array_agg(o.id ORDER BY o.id) AS definitions,
                       array_agg((extract(epoch FROM o.updated_at) * 1000000)::bigint ORDER BY o.id) AS stamps
                  FROM nave.operation_registrations r JOIN nave.operations o ON o.id = r.operation_id
                 WHERE r.provider_type = 'spoke' AND r.provider_id = s.id
              ) offered ON true
             WHERE $1::text[] IS NULL OR s.id = ANY ($1)
            """
        )

        static let holder = Statement<String>(
            """
            SELECT spoke_id FROM (
                SELECT m.spoke_id, 0 AS rank FROM nave.mappings m
                 WHERE m.session_id = $1 AND m.status = 'active'
                UNION ALL
                SELECT w.spoke_id, 1 FROM nave.workspaces w WHERE w.id = $2
                UNION ALL
                SELECT w.spoke_id, 2 FROM nave.sessions s JOIN nave.workspaces w ON w.id = s.workspace_id
                 WHERE s.id = $1
            ) AS held WHERE spoke_id IS NOT NULL ORDER BY rank LIMIT 1
            """
        )
    }
}
