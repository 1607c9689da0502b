import Postgres
import Protocol

extension KeyStore {
    enum SQL {
        static let create = Statement<KeyRecord>(
            """
            INSERT INTO nave.api_keys
                (id, owner_id, name, prefix, key_hash, scopes, resources, expires_at, session_id, spoke_id,
                calls_per_second, calls_burst)
            VALUES ($1, $2, $3, $4, $5, $6, $7, now() + make_interval(secs => $8::float8), $9, $10, $11, $12)
            RETURNING id, owner_id,
                (SELECT a.email FROM nave.accounts a WHERE a.id = owner_id) AS owner_email,
                name, prefix, scopes, resources, enabled, expires_at, revoked_at, rotated_to_id,
                last_used_at, session_id, spoke_id, calls_per_second, calls_burst, created_at
            """
        )

        static let find = Statement<KeyRecord>(
            """
            SELECT id, owner_id,
                (SELECT a.email FROM nave.accounts a WHERE a.id = owner_id) AS owner_email,
                name, prefix, scopes, resources, enabled, expires_at, revoked_at, rotated_to_id,
                last_used_at, session_id, spoke_id, calls_per_second, calls_burst, created_at
              FROM nave.api_keys WHERE id = $1
            """
        )

        /// By time and id, so that a page goes on exactly behind the one before, also among keys of one instant.
        static let list = Statement<KeyRecord>(
            """
            SELECT id, owner_id,
                (SELECT a.email FROM nave.accounts a WHERE a.id = owner_id) AS owner_email,
                name, prefix, scopes, resources, enabled, expires_at, revoked_at, rotated_to_id,
                last_used_at, session_id, spoke_id, calls_per_second, calls_burst, created_at
              FROM nave.api_keys
             WHERE ($1::text IS NULL OR owner_id = $1)
               AND ($2 OR (revoked_at IS NULL AND enabled AND (expires_at IS NULL OR expires_at > now())))
               AND ($3::text IS NULL OR (created_at, id) < (
                    SELECT before.created_at, before.id FROM nave.api_keys AS before WHERE before.id = $3))
             ORDER BY created_at DESC, id DESC
             LIMIT $4
            """
        )

        /// The first revocation's time stays. The bell tells every hub to forget what it remembered of the key.
        static let revoke = Statement<KeyRecord>(
            """
            WITH revoked AS (
                UPDATE nave.api_keys SET revoked_at = coalesce(revoked_at, now()) WHERE id = $1
                RETURNING id, owner_id,
                    (SELECT a.email FROM nave.accounts a WHERE a.id = owner_id) AS owner_email,
                    name, prefix, scopes, resources, enabled, expires_at, revoked_at,
                    rotated_to_id, last_used_at, session_id, spoke_id, calls_per_second, calls_burst, created_at
            ), bell AS MATERIALIZED (SELECT pg_notify('nave_keys', id) FROM revoked)
            SELECT revoked.* FROM revoked LEFT JOIN bell ON true
            """
        )

        /// The row is locked, so of two rotations at once the second finds the key rotated. A lifetime is carried over
        /// at its full length.
        static let copy = Statement<KeyRecord>(
            """
            WITH old AS MATERIALIZED (
                SELECT * FROM nave.api_keys
                 WHERE id = $1 AND revoked_at IS NULL AND enabled AND rotated_to_id IS NULL
                   AND (expires_at IS NULL OR expires_at > now())
                   FOR UPDATE
            )
            INSERT INTO nave.api_keys
                (id, owner_id, name, prefix, key_hash, scopes, resources, expires_at, session_id, spoke_id,
                calls_per_second, calls_burst)
            SELECT $2, owner_id, name, $3, $4, scopes, resources, now() + (expires_at - created_at), session_id,
                spoke_id, calls_per_second, calls_burst
              FROM old
            RETURNING id, owner_id,
                (SELECT a.email FROM nave.accounts a WHERE a.id = owner_id) AS owner_email,
                name, prefix, scopes, resources, enabled, expires_at, revoked_at, rotated_to_id,
                last_used_at, session_id, spoke_id, calls_per_second, calls_burst, created_at
            """
        )

        /// The old key ends after the overlap, or earlier if it was to end earlier anyway.
        static let retire = Statement<String>(
            """
            WITH retired AS (
                UPDATE nave.api_keys
                   SET rotated_to_id = $2,
                       expires_at = least(expires_at, now() + make_interval(secs => $3::float8))
                 WHERE id = $1
                RETURNING id
            )
            SELECT pg_notify('nave_keys', id)::text FROM retired
            """
        )

        /// What a key may do is not among it. A rate of 0 brings the common one back. Every hub forgets the key: it may
        /// be switched off now.
        static let update = Statement<KeyRecord>(
            """
            WITH changed AS (
                UPDATE nave.api_keys
                   SET name = coalesce($2, name), enabled = coalesce($3, enabled),
                       calls_per_second = CASE WHEN $4::float8 IS NULL THEN calls_per_second
                                               ELSE nullif($4::float8, 0) END,
                       calls_burst = CASE WHEN $4::float8 IS NULL THEN calls_burst
                                          WHEN $4::float8 > 0 THEN $5::integer END
                 WHERE id = $1
                RETURNING id, owner_id,
                    (SELECT a.email FROM nave.accounts a WHERE a.id = owner_id) AS owner_email,
                    name, prefix, scopes, resources, enabled, expires_at, revoked_at,
                    rotated_to_id, last_used_at, session_id, spoke_id, calls_per_second, calls_burst, created_at
            ), bell AS MATERIALIZED (SELECT pg_notify('nave_keys', id) FROM changed)
            SELECT changed.* FROM changed LEFT JOIN bell ON true
            """
        )

        /// Only forwards: hubs report in any order.
        static let touch = Statement<Void>(
            """
            UPDATE nave.api_keys
               SET last_used_at = used.at
              FROM unnest($1::text[], $2::timestamptz[]) AS used (id, at)
             WHERE api_keys.id = used.id AND (last_used_at IS NULL OR last_used_at < used.at)
            """
        )

        /// Judged by the database's clock; the caller is told why a key is not accepted, because only its holder asks.
        static let credential = Statement<Credential>(
            """
            SELECT k.id, k.owner_id, k.key_hash, k.scopes, k.resources, k.session_id, k.spoke_id,
                k.calls_per_second, k.calls_burst,
                extract(epoch FROM k.expires_at - now())::float8 AS seconds_left,
                k.enabled, k.revoked_at IS NOT NULL AS revoked, a.status AS account_status,
                k.session_id IS NOT NULL AND NOT EXISTS (
                    SELECT FROM nave.mappings m WHERE m.session_id = k.session_id AND m.status = 'active') AS over
              FROM nave.api_keys k JOIN nave.accounts a ON a.id = k.owner_id
             WHERE k.key_hash = $1
            """
        )

        /// Those of these keys that would be let in now: what ``credential`` decides for one, for many at once.
        static let accepted = Statement<String>(
            """
            SELECT k.id
              FROM nave.api_keys k JOIN nave.accounts a ON a.id = k.owner_id
             WHERE k.id = ANY ($1::text[]) AND k.enabled AND k.revoked_at IS NULL AND a.status = 'active'
               AND (k.expires_at IS NULL OR k.expires_at > now())
               AND (k.session_id IS NULL OR EXISTS (
                    SELECT FROM nave.mappings m WHERE m.session_id = k.session_id AND m.status = 'active'))
            """
        )
    }
}
