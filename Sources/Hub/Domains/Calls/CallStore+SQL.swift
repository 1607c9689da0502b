import Postgres
import Protocol

extension CallStore {
    enum SQL {
        static let find = Statement<CallRecord>(
            """
            SELECT n.id, n.request_id, coalesce(n.metadata->>'operation', n.operation_id) AS operation_id,
                   n.parent_request_id, n.identity, n.caller_account_id, n.provider_type, n.provider_id, n.session_id,
                   n.status, n.input, n.output, n.metadata, n.error, n.idempotency_key, n.deadline, n.created_at,
                   n.started_at, n.completed_at, n.updated_at
              FROM nave.call_graph_nodes n
             WHERE (n.request_id = $1 OR n.id = $1)
               AND ($2::text IS NULL OR n.caller_account_id = $2) AND ($3::text IS NULL OR n.session_id = $3)
             ORDER BY n.request_id = $1 DESC
             LIMIT 1
            """
        )

        static let list = Statement<CallRecord>(
            """
            SELECT n.id, n.request_id, coalesce(n.metadata->>'operation', n.operation_id) AS operation_id,
                   n.parent_request_id, n.identity, n.caller_account_id, n.provider_type, n.provider_id, n.session_id,
                   n.status, NULL::jsonb AS input, NULL::jsonb AS output, n.metadata, n.error, n.idempotency_key,
                   n.deadline, n.created_at, n.started_at, n.completed_at, n.updated_at
              FROM nave.call_graph_nodes n
             WHERE ($1::int8 IS NULL
                    OR (n.created_at, n.id) < ('epoch'::timestamptz + $1::int8 * interval '1 microsecond', $2::text))
               AND ($4::text IS NULL OR n.caller_account_id = $4) AND ($5::text IS NULL OR n.session_id = $5)
               AND ($6::text IS NULL OR n.operation_id = $6) AND ($7::text IS NULL OR n.status = $7)
               AND ($8::text IS NULL OR n.caller_account_id = $8) AND ($9::text IS NULL OR n.session_id = $9)
               AND ($10::timestamptz IS NULL OR n.created_at >= $10)
               AND ($11::timestamptz IS NULL OR n.created_at < $11)
             ORDER BY n.created_at DESC, n.id DESC
             LIMIT $3
            """
        )

        static let records = Statement<CallRecord>(
            """
            SELECT n.id, n.request_id, coalesce(n.metadata->>'operation', n.operation_id) AS operation_id,
                   n.parent_request_id, n.identity, n.caller_account_id, n.provider_type, n.provider_id, n.session_id,
                   n.status, NULL::jsonb AS input, NULL::jsonb AS output, n.metadata, n.error, n.idempotency_key,
                   n.deadline, n.created_at, n.started_at, n.completed_at, n.updated_at
              FROM nave.call_graph_nodes n
             WHERE n.id = ANY ($1::text[])
            """
        )

        /// Breadth first, so that a limit cuts off what is farthest away. Nothing comes twice: a call has one parent.
        static let below = Statement<CallPlace>(
            """
            WITH RECURSIVE root AS (
                SELECT n.id FROM nave.call_graph_nodes n
                 WHERE (n.request_id = $1 OR n.id = $1)
                   AND ($2::text IS NULL OR n.caller_account_id = $2) AND ($3::text IS NULL OR n.session_id = $3)
                 ORDER BY n.request_id = $1 DESC
                 LIMIT 1
            ), below AS (
                SELECT id, NULL::text AS parent_id FROM root
                UNION ALL
                SELECT e.target_id, e.source_id
                  FROM below b
                  JOIN nave.call_graph_edges e ON e.source_id = b.id AND e.edge_type = 'triggered'
            )
            SELECT b.id, b.parent_id, n.request_id, n.status, n.hub_id,
                   coalesce(n.metadata->>'operation', n.operation_id) AS operation_id
              FROM (SELECT id, parent_id FROM below LIMIT $4) b
              JOIN nave.call_graph_nodes n ON n.id = b.id
            """
        )

        static let above = Statement<String>(
            """
            WITH RECURSIVE above AS (
                SELECT $1::text AS id, 0 AS height
                UNION ALL
                SELECT e.source_id, a.height + 1
                  FROM above a
                  JOIN nave.call_graph_edges e ON e.target_id = a.id AND e.edge_type = 'triggered'
            )
            SELECT id FROM (SELECT id, height FROM above LIMIT $2) near ORDER BY height DESC
            """
        )

        static let dependencies = Statement<String>(
            """
            SELECT source_id FROM nave.call_graph_edges
             WHERE target_id = $1 AND edge_type = 'depends_on' ORDER BY source_id LIMIT $2
            """
        )

        static let depend = Statement<Void>(
            """
            INSERT INTO nave.call_graph_edges (source_id, target_id, edge_type)
            SELECT DISTINCT source, $1, 'depends_on' FROM unnest($2::text[]) AS source
            ON CONFLICT DO NOTHING
            """
        )

        /// Subscriptions last as long as their consumers like, which says nothing about the operation.
        static let latency = Statement<CallLatency>(
            """
            SELECT timed.operation_id, count(*) AS calls,
                   count(*) FILTER (WHERE timed.status <> 'completed') AS failures,
                   percentile_cont(0.5) WITHIN GROUP (ORDER BY timed.took) AS p50,
                   percentile_cont(0.9) WITHIN GROUP (ORDER BY timed.took) AS p90,
                   percentile_cont(0.99) WITHIN GROUP (ORDER BY timed.took) AS p99, max(timed.took) AS longest
              FROM (
                SELECT coalesce(n.metadata->>'operation', n.operation_id) AS operation_id, n.status,
                       extract(epoch FROM n.completed_at - n.started_at)::float8 * 1000 AS took
                  FROM nave.call_graph_nodes n JOIN nave.operations o ON o.id = n.operation_id
                 WHERE n.started_at >= now() - make_interval(secs => $2::float8) AND n.completed_at IS NOT NULL
                   AND o.type <> 'subscription' AND ($1::text IS NULL OR n.operation_id = $1)
                   AND ($3::text IS NULL OR n.caller_account_id = $3) AND ($4::text IS NULL OR n.session_id = $4)
              ) AS timed
             GROUP BY timed.operation_id
             ORDER BY count(*) DESC, timed.operation_id
             LIMIT $5
            """
        )

        /// Guarded by the state: what is over stays as it is. Whoever runs one of them elsewhere is rung.
        static let abort = Statement<AbortedCall>(
            """
            WITH held AS MATERIALIZED (
                SELECT id, status FROM nave.call_graph_nodes WHERE id = ANY ($1::text[]) ORDER BY id FOR NO KEY UPDATE
            ), aborted AS (
                UPDATE nave.call_graph_nodes n
                   SET status = 'aborted', completed_at = greatest(now(), n.started_at), error = $3::jsonb
                  FROM held
                 WHERE n.id = held.id AND (n.status = 'pending' OR $2::bool AND n.status = 'running')
                RETURNING n.id, n.request_id, n.hub_id, held.status = 'running' AS was_running,
                          coalesce(n.metadata->>'operation', n.operation_id) AS operation_id
            )
            SELECT id, request_id, operation_id, was_running,
                   CASE WHEN hub_id IS DISTINCT FROM $4 THEN pg_notify($5, id)::text END AS rung
              FROM aborted
            """
        )

        /// Only of what was aborted: nothing else has a proof to wait for.
        static let prove = Statement<Void>(
            """
            UPDATE nave.call_graph_nodes n SET error = proof.error
              FROM unnest($1::text[], $2::jsonb[]) AS proof (id, error)
             WHERE n.id = proof.id AND n.status = 'aborted'
            """
        )

        static let stops = Statement<ProvenCall>(
            """
            SELECT id, error -> 'details' AS stop FROM nave.call_graph_nodes
             WHERE id = ANY ($1::text[]) AND error -> 'details' ? 'outcome'
            """
        )

        static let over = Statement<String>(
            "SELECT id FROM nave.sessions WHERE id = ANY ($1::text[]) AND ended_at IS NOT NULL"
        )

        /// A hub that renews its lease looks after its own calls; one that does not has none any more.
        static let endOrphans = Statement<Void>(
            """
            UPDATE nave.call_graph_nodes n
               SET status = CASE n.status WHEN 'pending' THEN 'aborted' ELSE 'failed' END,
                   completed_at = greatest(now(), n.started_at),
                   error = CASE n.status
                       WHEN 'pending' THEN
                           '{"code": "ABORTED", "message": "Its hub went away before it was begun; call again."}'::jsonb
                       ELSE '{"code": "UNAVAILABLE",
                              "message": "Its hub went away while it ran; see whether it took effect."}'::jsonb
                   END
             WHERE n.status IN ('pending', 'running')
               AND n.created_at < now() - make_interval(secs => $3::float8)
               AND CASE WHEN n.hub_id = $1 THEN n.id <> ALL ($2::text[])
                   ELSE NOT EXISTS (SELECT FROM nave.hubs h WHERE h.id = n.hub_id AND h.lease_until > now()) END
            """
        )

        /// What still runs is not forgotten, however old it is. Edges go with their nodes.
        static let prune = Statement<Void>(
            """
            DELETE FROM nave.call_graph_nodes
             WHERE id IN (
                SELECT id FROM nave.call_graph_nodes
                 WHERE created_at < now() - make_interval(days => $1) AND completed_at IS NOT NULL
                 ORDER BY created_at LIMIT $2)
            """
        )
    }
}
