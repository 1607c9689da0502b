import Postgres
import Protocol

extension CallStore.SQL {
    /// Nodes and, in the same statement, the edges to parents and children that are there: whichever of two calls is
    /// written first, the second finds it. An operation that nobody defined is the sentinel, under its own name in the
    /// metadata; accounts and sessions that are gone are left out. Fails whole if one of the nodes is there already, or
    /// another with its request id: then ``enterAmongOthers`` writes the batch. Postgres takes an eighth longer for
    /// rows that may be left out.
    ///
    /// `LIMIT` and `OFFSET` within the laterals keep the planner from joining the whole table, of which it knows too
    /// little while it grows: one look into an index for each call, however many there are. For
    /// the same reason the arrays come from selects of their own: without their lengths the planner keeps one plan,
    /// where it would make one for each batch, which takes longer than writing a small one.
    static let enter = Statement<Void>(
        """
        WITH given AS (
            SELECT * FROM unnest((SELECT $1::text[]), (SELECT $2::text[]), (SELECT $3::text[]), (SELECT $4::text[]),
                (SELECT $5::jsonb[]), (SELECT $6::text[]), (SELECT $7::text[]), (SELECT $8::text[]),
                (SELECT $9::timestamptz[]), (SELECT $10::timestamptz[]), (SELECT $11::jsonb[]), (SELECT $12::text[]),
                (SELECT $13::text[]), (SELECT $14::text[]), (SELECT $15::timestamptz[]), (SELECT $16::timestamptz[]),
                (SELECT $17::jsonb[]), (SELECT $18::jsonb[]), (SELECT $19::jsonb[]))
                AS g (id, request_id, operation_id, parent_request_id, identity, account_id, session_id, key,
                    deadline, created_at, input, provider_type, provider_id, status, started_at, completed_at, output,
                    error, metadata)
        ), added AS (
            INSERT INTO nave.call_graph_nodes
                (id, request_id, operation_id, parent_request_id, identity, caller_account_id, session_id,
                idempotency_key, deadline, created_at, input, provider_type, provider_id, status, started_at,
                completed_at, output, error, metadata, hub_id)
            SELECT g.id, g.request_id, coalesce(o.id, '__removed__'), g.parent_request_id, g.identity, a.id, s.id,
                g.key, g.deadline, g.created_at, g.input, g.provider_type, g.provider_id, g.status, g.started_at,
                g.completed_at, g.output, g.error,
                CASE WHEN o.id IS NULL THEN g.metadata || jsonb_build_object('operation', g.operation_id)
                    ELSE g.metadata END, $20
              FROM given g
              LEFT JOIN nave.operations o ON o.id = g.operation_id
              LEFT JOIN nave.accounts a ON a.id = g.account_id
              LEFT JOIN nave.sessions s ON s.id = g.session_id
            RETURNING id, request_id, parent_request_id
        )
        INSERT INTO nave.call_graph_edges (source_id, target_id, edge_type)
        SELECT p.id, c.id, 'triggered'
          FROM added c CROSS JOIN LATERAL (
            SELECT n.id FROM nave.call_graph_nodes n WHERE n.request_id = c.parent_request_id LIMIT 1) p
         WHERE c.parent_request_id IS NOT NULL AND p.id COLLATE "C" < c.id COLLATE "C"
        UNION ALL
        SELECT p.id, c.id, 'triggered'
          FROM added c JOIN added p ON p.request_id = c.parent_request_id
         WHERE c.parent_request_id IS NOT NULL AND p.id COLLATE "C" < c.id COLLATE "C"
        UNION ALL
        SELECT p.id, c.id, 'triggered'
          FROM added p CROSS JOIN LATERAL (
            SELECT n.id FROM nave.call_graph_nodes n WHERE n.parent_request_id = p.request_id OFFSET 0) c
         WHERE p.id COLLATE "C" < c.id COLLATE "C"
        ON CONFLICT DO NOTHING
        """
    )

    /// The same for a batch of which some nodes may be there, which are left alone, and of which others have request
    /// ids: there the node's own id stands in, and what the caller gave is kept beside it. Answers how many were not
    /// written because somebody took their ids at this moment: then it is to be done again.
    static let enterAmongOthers = Statement<Int64>(
        """
        WITH given AS (
            SELECT * FROM unnest((SELECT $1::text[]), (SELECT $2::text[]), (SELECT $3::text[]), (SELECT $4::text[]),
                (SELECT $5::jsonb[]), (SELECT $6::text[]), (SELECT $7::text[]), (SELECT $8::text[]),
                (SELECT $9::timestamptz[]), (SELECT $10::timestamptz[]), (SELECT $11::jsonb[]), (SELECT $12::text[]),
                (SELECT $13::text[]), (SELECT $14::text[]), (SELECT $15::timestamptz[]), (SELECT $16::timestamptz[]),
                (SELECT $17::jsonb[]), (SELECT $18::jsonb[]), (SELECT $19::jsonb[]))
                AS g (id, request_id, operation_id, parent_request_id, identity, account_id, session_id, key,
                    deadline, created_at, input, provider_type, provider_id, status, started_at, completed_at, output,
                    error, metadata)
        ), fresh AS (
            SELECT g.*,
                row_number() OVER (PARTITION BY g.request_id ORDER BY g.id) > 1
                OR coalesce((SELECT true FROM nave.call_graph_nodes n WHERE n.request_id = g.request_id), false)
                AS is_taken
              FROM given g
             WHERE (SELECT true FROM nave.call_graph_nodes n WHERE n.id = g.id) IS NULL
        ), added AS (
            INSERT INTO nave.call_graph_nodes
                (id, request_id, operation_id, parent_request_id, identity, caller_account_id, session_id,
                idempotency_key, deadline, created_at, input, provider_type, provider_id, status, started_at,
                completed_at, output, error, metadata, hub_id)
            SELECT g.id, CASE WHEN g.is_taken THEN g.id ELSE g.request_id END, coalesce(o.id, '__removed__'),
                g.parent_request_id, g.identity, a.id, s.id, g.key, g.deadline, g.created_at, g.input,
                g.provider_type, g.provider_id, g.status, g.started_at, g.completed_at, g.output, g.error, g.metadata
                || CASE WHEN g.is_taken THEN jsonb_build_object('givenRequestId', g.request_id) ELSE '{}' END
                || CASE WHEN o.id IS NULL THEN jsonb_build_object('operation', g.operation_id) ELSE '{}' END, $20
              FROM fresh g
              LEFT JOIN nave.operations o ON o.id = g.operation_id
              LEFT JOIN nave.accounts a ON a.id = g.account_id
              LEFT JOIN nave.sessions s ON s.id = g.session_id
            ON CONFLICT DO NOTHING
            RETURNING id, request_id, parent_request_id
        ), tied AS (
            INSERT INTO nave.call_graph_edges (source_id, target_id, edge_type)
            SELECT p.id, c.id, 'triggered'
              FROM added c CROSS JOIN LATERAL (
                SELECT n.id FROM nave.call_graph_nodes n WHERE n.request_id = c.parent_request_id LIMIT 1) p
             WHERE c.parent_request_id IS NOT NULL AND p.id COLLATE "C" < c.id COLLATE "C"
            UNION ALL
            SELECT p.id, c.id, 'triggered'
              FROM added c JOIN added p ON p.request_id = c.parent_request_id
             WHERE c.parent_request_id IS NOT NULL AND p.id COLLATE "C" < c.id COLLATE "C"
            UNION ALL
            SELECT p.id, c.id, 'triggered'
              FROM added p CROSS JOIN LATERAL (
                SELECT n.id FROM nave.call_graph_nodes n WHERE n.parent_request_id = p.request_id OFFSET 0) c
             WHERE p.id COLLATE "C" < c.id COLLATE "C"
            ON CONFLICT DO NOTHING
        )
        SELECT (SELECT count(*) FROM fresh) - (SELECT count(*) FROM added)
        """
    )

    /// Guarded by the state: what is over, such as aborted from elsewhere, stays as it is. Rows are locked in the order
    /// of their ids. The limit leaves nothing out: it has the planner expect few of them, and so look each up by index.
    static let change = Statement<Void>(
        """
        WITH given AS (
            SELECT * FROM unnest((SELECT $1::text[]), (SELECT $2::text[]), (SELECT $3::text[]), (SELECT $4::text[]),
                (SELECT $5::timestamptz[]), (SELECT $6::timestamptz[]), (SELECT $7::jsonb[]), (SELECT $8::jsonb[]),
                (SELECT $9::jsonb[]))
                WITH ORDINALITY AS g (id, status, provider_type, provider_id, started_at, completed_at, output, error,
                    metadata, place)
        ), last AS (
            SELECT DISTINCT ON (id) * FROM given ORDER BY id, place DESC
        ), held AS MATERIALIZED (
            SELECT last.* FROM last CROSS JOIN LATERAL (
                SELECT FROM nave.call_graph_nodes n WHERE n.id = last.id AND n.completed_at IS NULL
                   FOR NO KEY UPDATE) AS mine
             LIMIT (SELECT count(*) FROM last)
        )
        UPDATE nave.call_graph_nodes n
           SET status = held.status, provider_type = coalesce(held.provider_type, n.provider_type),
               provider_id = coalesce(held.provider_id, n.provider_id), started_at = held.started_at,
               completed_at = held.completed_at, output = held.output, error = held.error,
               metadata = n.metadata || held.metadata
          FROM held
         WHERE n.id = held.id AND n.completed_at IS NULL
        """
    )
}
