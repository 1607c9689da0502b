import HubCore
import Postgres
import Protocol

extension DetectionStore {
    /// A finding as it was stored.
    struct RaisedDetection: RowDecodable {
        var record: DetectionRecord
        var isNew: Bool

        init(_ row: Row) throws(Fault) {
            record = try DetectionRecord(row)
            isNew = try row["is_new"]
        }
    }

    enum SQL {
        /// Of several hubs that want to look, one does. Compiling the statement that follows would take longer than the
        /// statement: 140 of 220 ms for a thousand sessions, measured.
        static let lock = Statement<Bool>(
            """
            SELECT pg_try_advisory_xact_lock(hashtextextended('nave.detections', 7422))
               AND set_config('jit', 'off', true) = 'off'
            """
        )

        /// The next sessions that a look is for: those that run, agents that ended a moment ago and whose last words
        /// may have been read since, and those of which something is open. Each branch goes along an index.
        static let next = Statement<String>(
            """
            SELECT id FROM (
                (SELECT m.session_id AS id FROM nave.mappings m
                  WHERE m.status = 'active' AND m.session_id > $1 ORDER BY m.session_id LIMIT $2)
                UNION
                (SELECT s.id FROM nave.sessions s
                  WHERE s.ended_at IS NOT NULL AND s.transcript IS NOT NULL AND s.id > $1
                    AND s.last_activity_at > now() - interval '10 minutes' ORDER BY s.id LIMIT $2)
                UNION
                (SELECT d.session_id FROM nave.detections d
                  WHERE d.resolved_at IS NULL AND d.session_id > $1 AND d.anomaly_type = ANY ($3::text[])
                  ORDER BY d.session_id LIMIT $2)
            ) AS due
             ORDER BY id LIMIT $2
            """
        )

        /// The running sessions of a project.
        static let running = Statement<String>(
            """
            SELECT m.session_id FROM nave.mappings m JOIN nave.sessions s ON s.id = m.session_id
             WHERE m.status = 'active' AND ($1::text IS NULL OR s.project_id = $1)
               AND ($2::text IS NULL OR s.project_id IN (
                    SELECT p.id FROM nave.projects p
                     WHERE p.org_id IS NULL OR p.org_id IN (
                        SELECT g.org_id FROM nave.organization_members g WHERE g.account_id = $2)))
             ORDER BY m.session_id LIMIT $3
            """
        )

        /// Everything that is known of many sessions, in one statement. What is printed is not read: the id of the last
        /// chunk of each stream says when the hub took it in.
        static let signs = Statement<SessionSignsRow>(
            """
            SELECT s.id, s.status, s.fence, s.started_at IS NOT NULL AS has_started, s.ended_at IS NOT NULL AS is_over,
                   s.last_activity_at, s.run ->> 'agent' AS agent, s.transcript ->> 'output' AS agent_output,
                   s.data -> 'agent' AS facts, s.transcript -> 'machine' -> 'signs' AS transcript_signs,
                   s.data -> 'sampled' AS sampled, m.created_at AS mapped_at,
                   k.name AS spoke_name, k.status AS spoke_status, k.connected_at, k.disconnected_at,
                   k.disconnect_reason, k.last_heartbeat, k.paused_reason, (k.load ->> 'cpu')::float8 AS cpu_load,
                   (SELECT min(h.started_at) FROM nave.hubs h WHERE h.lease_until > now()) AS watched_since,
                   w.directory, w.updated_at AS observed_at, t.scope AS task_scope,
                   t.metadata -> 'expectedFiles' AS expected_files,
                   o.last_chunk, g.told_at, c.called_at, r.reports, now() AS at
              FROM nave.sessions s
              LEFT JOIN nave.mappings m ON m.session_id = s.id AND m.status = 'active'
              LEFT JOIN nave.spokes k ON k.id = m.spoke_id
              LEFT JOIN nave.workspaces w ON w.id = s.workspace_id
              LEFT JOIN nave.tasks t ON t.id = m.task_id
              LEFT JOIN LATERAL (
                    SELECT max(e.id) AS last_chunk
                      FROM (VALUES ('stdout'), ('stderr'), ('pty'), ('agent')) AS x (stream)
                     CROSS JOIN LATERAL (
                            SELECT p.id FROM nave.session_output p
                             WHERE p.session_id = s.id AND p.session_number = greatest(s.fence, 1)
                               AND p.stream = x.stream
                             ORDER BY p.byte_offset DESC LIMIT 1) e) o ON true
              LEFT JOIN LATERAL (
                    SELECT max(i.updated_at) AS told_at FROM nave.messages i
                     WHERE i.session_id = s.id AND i.delivery IS NOT NULL) g ON true
              LEFT JOIN LATERAL (
                    SELECT max(n.created_at) AS called_at FROM nave.call_graph_nodes n WHERE n.session_id = s.id) c
                ON true
              LEFT JOIN LATERAL (
                    SELECT jsonb_agg(f) AS reports FROM (
                        SELECT d.anomaly_type AS type, coalesce(d.details ->> 'context', '') AS context,
                               max((d.details ->> 'mark')::int8) FILTER (WHERE d.resolved_at IS NULL) AS "openMark",
                               max((d.details ->> 'mark')::int8) FILTER (WHERE d.resolved_at IS NOT NULL)
                                   AS "resolvedMark",
                               max(d.id) FILTER (WHERE d.resolved_at IS NULL) AS "openId"
                          FROM nave.detections d WHERE d.session_id = s.id
                         GROUP BY 1, 2 LIMIT 200) f) r ON true
             WHERE s.id = ANY ($1::text[])
             ORDER BY s.id
            """
        )

        /// Sessions are held in order, so that no two looks can deadlock; the shared lock keeps an archive waiting, or
        /// is kept waiting by one and then finds it done: nothing is raised behind an archive's back.
        static let raise = Statement<RaisedDetection>(
            """
            WITH found AS (
                SELECT * FROM unnest(
                    $1::text[], $2::text[], $3::text[], $4::text[], $5::jsonb[], $6::jsonb[], $7::float8[], $8::text[]
                ) AS f (id, session_id, anomaly_type, severity, details, evidence, confidence, dedup_key)
            ), held AS MATERIALIZED (
                SELECT s.id FROM nave.sessions s
                 WHERE s.id IN (SELECT session_id FROM found) AND s.status <> 'archived'
                 ORDER BY s.id FOR SHARE OF s
            )
            INSERT INTO nave.detections AS d
                   (id, session_id, anomaly_type, severity, details, evidence, confidence, dedup_key)
            SELECT f.id, f.session_id, f.anomaly_type, f.severity, f.details, f.evidence, f.confidence, f.dedup_key
              FROM found f JOIN held ON held.id = f.session_id
             ORDER BY f.dedup_key
            ON CONFLICT (dedup_key) WHERE resolved_at IS NULL DO UPDATE
               SET occurrence_count = d.occurrence_count + 1, severity = excluded.severity,
                   details = excluded.details, evidence = excluded.evidence, confidence = excluded.confidence
             WHERE $9::float8 = 0 OR d.updated_at < now() - make_interval(secs => $9::float8)
                OR d.details ->> 'mark' IS DISTINCT FROM excluded.details ->> 'mark'
            RETURNING d.*, d.occurrence_count = 1 AS is_new
            """
        )

        /// What lasted is over.
        static let settle = Statement<Void>(
            """
            UPDATE nave.detections d
               SET resolved_at = now(), resolution = 'fixed',
                   metadata = d.metadata || jsonb_build_object('note', s.note)
              FROM unnest($1::text[], $2::text[]) AS s (id, note)
             WHERE d.id = s.id AND d.resolved_at IS NULL
            """
        )

        static let open = Statement<ShownDetection>(
            """
            SELECT d.* FROM unnest($1::text[]) AS s (id)
             CROSS JOIN LATERAL (
                    SELECT o.*, count(*) OVER () AS total FROM nave.detections o
                     WHERE o.session_id = s.id AND o.resolved_at IS NULL
                     ORDER BY o.created_at, o.id LIMIT $2) d
             ORDER BY d.session_id, d.created_at, d.id
            """
        )

        static let openByKey = Statement<DetectionRecord>(
            "SELECT * FROM nave.detections WHERE dedup_key = ANY ($1::text[]) AND resolved_at IS NULL"
        )

        static let find = Statement<DetectionRecord>("SELECT * FROM nave.detections WHERE id = $1")

        static let list = Statement<DetectionRecord>(
            """
            SELECT d.* FROM nave.detections d JOIN nave.sessions s ON s.id = d.session_id
             WHERE ($1::int8 IS NULL
                    OR (d.created_at, d.id) < ('epoch'::timestamptz + $1::int8 * interval '1 microsecond', $2::text))
               AND ($4::text IS NULL OR d.session_id = $4) AND ($5::text IS NULL OR s.project_id = $5)
               AND ($6::text IS NULL OR d.anomaly_type = $6) AND ($7::text IS NULL OR d.severity = $7)
               AND ($8::bool IS NULL OR (d.resolved_at IS NULL) = $8)
               AND ($9::text IS NULL OR s.project_id IN (
                    SELECT p.id FROM nave.projects p
                     WHERE p.org_id IS NULL OR p.org_id IN (
                        SELECT m.org_id FROM nave.organization_members m WHERE m.account_id = $9)))
             ORDER BY d.created_at DESC, d.id DESC
             LIMIT $3
            """
        )

        static let resolve = Statement<DetectionRecord>(
            """
            UPDATE nave.detections
               SET resolved_at = now(), resolved_by = $2, resolution = $3,
                   metadata = CASE WHEN $4::text IS NULL THEN metadata
                                   ELSE metadata || jsonb_build_object('note', $4::text) END
             WHERE id = $1 AND resolved_at IS NULL
            RETURNING *
            """
        )

        /// With their session they are put away.
        static let dismiss = Statement<Void>(
            """
            UPDATE nave.detections
               SET resolved_at = now(), resolved_by = $2, resolution = 'dismissed',
                   metadata = metadata || jsonb_build_object('note', 'Its session was archived.')
             WHERE session_id = $1 AND resolved_at IS NULL
            """
        )

        static let openByType = Statement<OpenCount>(
            """
            SELECT anomaly_type, count(*) AS open FROM nave.detections WHERE resolved_at IS NULL
             GROUP BY anomaly_type ORDER BY anomaly_type LIMIT 100
            """
        )
    }
}
