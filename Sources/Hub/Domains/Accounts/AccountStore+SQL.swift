import Postgres
import Protocol

extension AccountStore {
    enum SQL {
        static let hasAdministrator = Statement<Bool>(
            "SELECT EXISTS (SELECT FROM nave.accounts WHERE access_level = 'admin')"
        )

        /// Two hubs may start at once on a fresh database: one of them makes the account. An administrator who took
        /// another name is still one.
        static let begin = Statement<AccountRecord>(
            """
            INSERT INTO nave.accounts (id, email, display_name, access_level)
            SELECT $1, $2, $3, $4 WHERE NOT EXISTS (SELECT FROM nave.accounts WHERE access_level = 'admin')
            ON CONFLICT (email) DO NOTHING
            RETURNING id, email, display_name, access_level, status, gitea_username, created_at, updated_at
            """
        )

        /// An email that is taken inserts nothing, so that the answer can say so in the caller's words.
        static let create = Statement<AccountRecord>(
            """
            INSERT INTO nave.accounts (id, email, display_name, access_level, gitea_username)
            VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (email) DO NOTHING
            RETURNING id, email, display_name, access_level, status, gitea_username, created_at, updated_at
            """
        )

        static let find = Statement<AccountRecord>(
            """
            SELECT id, email, display_name, access_level, status, gitea_username, created_at, updated_at
              FROM nave.accounts WHERE id = $1
            """
        )

        static let findByEither = Statement<AccountRecord>(
            """
            SELECT id, email, display_name, access_level, status, gitea_username, created_at, updated_at
              FROM nave.accounts WHERE id = $1 OR email = lower($1)
             ORDER BY id = $1 DESC LIMIT 1
            """
        )

        static let list = Statement<AccountRecord>(
            """
            SELECT id, email, display_name, access_level, status, gitea_username, created_at, updated_at
              FROM nave.accounts
             WHERE ($1::text IS NULL OR status = $1) AND ($2::text IS NULL OR access_level = $2)
               AND ($3::text IS NULL OR strpos(lower(email), lower($3)) > 0
                    OR strpos(lower(coalesce(display_name, '')), lower($3)) > 0)
               AND ($4::text IS NULL OR email > $4)
             ORDER BY email
             LIMIT $5
            """
        )

        /// Held to the end of the transaction: of two that would take the last two administrators away one sees the
        /// other's work.
        static let lockAdministrators = Statement<String>(
            "SELECT id FROM nave.accounts WHERE access_level = 'admin' ORDER BY id FOR UPDATE"
        )

        static let update = Statement<AccountRecord>(
            """
            UPDATE nave.accounts a
               SET email = coalesce($2, email), display_name = coalesce($3, display_name),
                   access_level = coalesce($4, access_level), gitea_username = coalesce($5, gitea_username)
             WHERE id = $1
               AND (access_level <> 'admin' OR status <> 'active' OR coalesce($4, 'admin') = 'admin'
                    OR EXISTS (SELECT FROM nave.accounts other
                                WHERE other.access_level = 'admin' AND other.status = 'active' AND other.id <> a.id))
            RETURNING id, email, display_name, access_level, status, gitea_username, created_at, updated_at
            """
        )

        static let use = Statement<AccountUse>(
            """
            SELECT ARRAY(SELECT name FROM nave.organizations WHERE owner_id = $1 ORDER BY name LIMIT 20)
                       AS organizations,
                   ARRAY(SELECT name FROM nave.clients WHERE owner_id = $1 ORDER BY name LIMIT 20) AS clients,
                   ARRAY(SELECT s.name FROM nave.api_keys k JOIN nave.spokes s ON s.id = k.spoke_id
                          WHERE k.owner_id = $1 ORDER BY s.name LIMIT 20) AS spokes,
                   (SELECT count(*) FROM nave.audit_logs WHERE owner_id = $1) AS audit
            """
        )

        /// Guarded: no row back means that it is gone, or that it is the last administrator.
        static let delete = Statement<String>(
            """
            WITH gone AS (
                DELETE FROM nave.accounts a
                 WHERE id = $1
                   AND (access_level <> 'admin' OR status <> 'active'
                        OR EXISTS (SELECT FROM nave.accounts other
                                    WHERE other.access_level = 'admin' AND other.status = 'active'
                                      AND other.id <> a.id))
                RETURNING id
            ), bell AS MATERIALIZED (SELECT pg_notify('nave_keys', 'account:' || id) FROM gone)
            SELECT gone.id FROM gone LEFT JOIN bell ON true
            """
        )

        /// Guarded: no row back means that the account is elsewhere, or is the last administrator.
        static let move = Statement<AccountRecord>(
            """
            WITH moved AS (
                UPDATE nave.accounts a SET status = $2
                 WHERE id = $1 AND status = ANY ($3::text[])
                   AND ($2 = 'active' OR access_level <> 'admin' OR status <> 'active'
                        OR EXISTS (SELECT FROM nave.accounts other
                                    WHERE other.access_level = 'admin' AND other.status = 'active'
                                      AND other.id <> a.id))
                RETURNING id, email, display_name, access_level, status, gitea_username, created_at, updated_at
            ), bell AS MATERIALIZED (SELECT pg_notify('nave_keys', 'account:' || id) FROM moved)
            SELECT moved.* FROM moved LEFT JOIN bell ON true
            """
        )
    }
}
