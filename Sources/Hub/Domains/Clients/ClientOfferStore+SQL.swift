import Postgres
import Protocol

extension ClientOfferStore {
    enum SQL {
        static let clients = Statement<ServedClient>(
            """
            SELECT c.id, c.name, c.enabled, c.org_id, c.config->'openapi' AS openapi, c.metadata->'offer' AS offer,
                   ARRAY(SELECT s.key FROM nave.client_secrets s
                          WHERE s.client_id = c.id AND (s.expires_at IS NULL OR s.expires_at > now())
                          ORDER BY s.key) AS secrets
              FROM nave.clients c
             WHERE ($1::text[] IS NULL OR c.id = ANY ($1))
               AND (c.config ? 'openapi' OR c.metadata ? 'offer')
             ORDER BY c.id
            """
        )

        static let offers = Statement<StoredOffer>(
            """
            SELECT r.provider_id, r.status = 'active' AS is_active, r.metadata->>'reason' AS reason,
                   r.metadata->'plan' AS plan, r.metadata->>'server' AS server, r.metadata->>'digest' AS digest,
                   o.id, (extract(epoch FROM o.updated_at) * 1000000)::bigint AS stamp, o.namespace, o.name, o.version,
                   o.type, o.title, o.description, o.tags, o.input_schema, o.output_schema, o.error_schemas,
                   o.access_control, o._meta, false AS offered_elsewhere
              FROM nave.operation_registrations r JOIN nave.operations o ON o.id = r.operation_id
             WHERE r.provider_type = 'client' AND r.provider_id = ANY ($1::text[])
             ORDER BY o.id
            """
        )

        /// The digest of what is known, if the client still is what was looked at.
        static let current = Statement<String>(
            """
            SELECT coalesce(metadata->>'offerDigest', '') FROM nave.clients
             WHERE id = $1 AND config->'openapi' IS NOT DISTINCT FROM $2::jsonb AND enabled = $3
               FOR NO KEY UPDATE
            """
        )

        /// Who else offers operations of a namespace; an organisation's client is not named.
        static let taken = Statement<String>(
            """
            SELECT CASE WHEN r.provider_type = 'spoke' THEN 'spokes' ELSE 'another client' END
              FROM nave.operation_registrations r JOIN nave.operations o ON o.id = r.operation_id
             WHERE o.namespace = $2 AND r.provider_type <> 'hub'
               AND NOT (r.provider_type = 'client' AND r.provider_id = $1)
             ORDER BY r.provider_type DESC LIMIT 1
            """
        )

        static let note = Statement<Void>(
            """
            UPDATE nave.clients
               SET metadata = metadata || jsonb_build_object('offer', $2::jsonb, 'offerDigest', $3::text)
             WHERE id = $1
            """
        )

        static let forget = Statement<Void>(
            "UPDATE nave.clients SET metadata = metadata - 'offer' - 'offerDigest' WHERE id = $1"
        )

        static let withdraw = Statement<Void>(
            """
            DELETE FROM nave.operation_registrations
             WHERE provider_type = 'client' AND provider_id = $1
               AND operation_id <> ALL ($2::text[]) AND coalesce(pre_remap_name, '') <> ALL ($3::text[])
            """
        )

        static let deactivate = Statement<Void>(
            """
            UPDATE nave.operation_registrations
               SET status = 'inactive', deactivated_at = coalesce(deactivated_at, now()),
                   metadata = metadata || jsonb_build_object('reason', $2::text)
             WHERE provider_type = 'client' AND provider_id = $1
            """
        )

        static let refuse = Statement<Void>(
            """
            UPDATE nave.operation_registrations
               SET status = 'inactive', deactivated_at = coalesce(deactivated_at, now()),
                   metadata = metadata || jsonb_build_object('reason', $3::text)
             WHERE provider_type = 'client' AND provider_id = $1 AND pre_remap_name = $2
            """
        )

        static let renew = Statement<Void>(
            """
            UPDATE nave.operation_registrations r
               SET status = 'active', deactivated_at = NULL, metadata = offered.note, pre_remap_name = offered.name,
                   activated_at = CASE WHEN r.status = 'active' THEN r.activated_at ELSE now() END
              FROM unnest($2::text[], $3::text[], $4::jsonb[]) AS offered (id, name, note)
             WHERE r.provider_type = 'client' AND r.provider_id = $1 AND r.operation_id = offered.id
            """
        )

        static let offer = Statement<Void>(
            """
            INSERT INTO nave.operation_registrations
                (id, operation_id, provider_type, provider_id, pre_remap_name, metadata)
            SELECT gen_random_uuid()::text, offered.id, 'client', $1, offered.name, offered.note
              FROM unnest($2::text[], $3::text[], $4::jsonb[]) AS offered (id, name, note)
             WHERE NOT EXISTS (SELECT FROM nave.operation_registrations r
                                WHERE r.provider_type = 'client' AND r.provider_id = $1
                                  AND r.operation_id = offered.id)
            """
        )

        /// Organisations among these that an account is a member of.
        static let memberships = Statement<String>(
            """
            SELECT org_id FROM nave.organization_members WHERE account_id = $1 AND org_id = ANY ($2::text[])
            """
        )
    }
}
