import Postgres
import Protocol

extension KeyStore {
    enum SQL {
        static let create = Statement<KeyRecord>(
            """
            INSERT INTO nave.api_keys
                (id, owner_id, name, prefix, key_hash, scopes, resources, expires_at, session_id, spoke_id)
            VALUES ($1, $2, $3, $4, $5, $6, $7, now() + make_interval(secs => $8::float8), $9, $10)
            RETURNING id, owner_id, name, prefix, scopes, resources, enabled, expires_at, revoked_at, rotated_to_id,
                last_used_at, session_id, spoke_id, created_at
            """
        )

        static let find = Statement<KeyRecord>(
            """
            SELECT id, owner_id, name, prefix, scopes, resources, enabled, expires_at, revoked_at, rotated_to_id,
                last_used_at, session_id, spoke_id, created_at
              FROM nave.api_keys WHERE id = $1
            """
        )

        /// By time and id, so that a page goes on exactly behind the one before, also among keys of one instant.
        static let list = Statement<KeyRecord>(
            """
            SELECT id, owner_id, name, prefix, scopes, resources, enabled, expires_at, revoked_at, rotated_to_id,
                last_used_at, session_id, spoke_id, created_at
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
                RETURNING id, owner_id, name, prefix, scopes, resources, enabled, expires_at, revoked_at,
                    rotated_to_id, last_used_at, session_id, spoke_id, created_at
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
                (id, owner_id, name, prefix, key_hash, scopes, resources, expires_at, session_id, spoke_id)
            SELECT $2, owner_id, name, $3, $4, scopes, resources, now() + (expires_at - created_at), session_id,
                spoke_id
              FROM old
            RETURNING id, owner_id, name, prefix, scopes, resources, enabled, expires_at, revoked_at, rotated_to_id,
                last_used_at, session_id, spoke_id, created_at
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
                extract(epoch FROM k.expires_at - now())::float8 AS seconds_left,
                k.enabled AND k.revoked_at IS NULL AS accepted, a.status AS account_status
              FROM nave.api_keys k JOIN nave.accounts a ON a.id = k.owner_id
             WHERE k.key_hash = $1
            """
        )
    }
}
