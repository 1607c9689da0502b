import Foundation
import Postgres
import Protocol

extension StateStore {
    enum SQL {
        /// Of the present fence, of a session that is not over, from the spoke that its active mapping names.
        static let start = Statement<Void>(
            """
            WITH begun AS (
                UPDATE nave.sessions s
                   SET started_at = coalesce(s.started_at, $4), last_activity_at = now(),
                       data = s.data || jsonb_build_object('pid', $5::int8),
                       transcript = CASE WHEN $7::text IS NULL THEN NULL ELSE jsonb_build_object(
                           'isDone', false, 'output', $7, 'fence', s.fence,
                           'sequence', coalesce((s.transcript ->> 'sequence')::int8, 0)) END
                 WHERE s.id = $1 AND s.fence = $2 AND s.ended_at IS NULL
                   AND EXISTS (SELECT FROM nave.mappings m
                                WHERE m.session_id = s.id AND m.spoke_id = $3 AND m.status = 'active')
                RETURNING s.workspace_id
            )
            UPDATE nave.workspaces w SET state = 'busy'
              FROM begun
             WHERE w.id = $6 AND w.id = begun.workspace_id AND w.spoke_id = $3 AND w.state IN ('pending', 'ready')
            """
        )

        static let sample = Statement<Void>(
            """
            UPDATE nave.sessions s
               SET data = s.data || jsonb_build_object('sampled', coalesce(s.data -> 'sampled', '{}') || $4::jsonb)
             WHERE s.id = $1 AND s.fence = $2 AND s.ended_at IS NULL
               AND EXISTS (SELECT FROM nave.mappings m
                            WHERE m.session_id = s.id AND m.spoke_id = $3 AND m.status = 'active')
            """
        )

        /// Deliveries only go forward: an old record that comes again finds its step done.
        static let deliver = Statement<Void>(
            """
            UPDATE nave.messages g
               SET delivery = CASE WHEN $5::text IS NULL THEN $4 ELSE g.delivery END,
                   status = CASE WHEN $5::text IS NOT NULL THEN 'error'
                                 WHEN $4 = 'queued' THEN g.status
                                 ELSE 'complete' END,
                   error = $5
             WHERE g.id = $1 AND g.session_id = $2
               AND array_position(ARRAY['queued', 'delivered', 'consumed'], coalesce(g.delivery, 'queued'))
                   <= array_position(ARRAY['queued', 'delivered', 'consumed'], $4)
               AND EXISTS (SELECT FROM nave.mappings m WHERE m.session_id = g.session_id AND m.spoke_id = $3)
            """
        )

        static let failMessage = Statement<Void>(
            """
            UPDATE nave.messages SET status = 'error', error = $3
             WHERE id = $1 AND session_id = $2 AND delivery IS DISTINCT FROM 'consumed'
            """
        )

        static let leaveGap = Statement<Void>(
            """
            INSERT INTO nave.session_output (id, session_id, session_number, stream, byte_offset, content, gap, at)
            SELECT $1, s.id, $3, $4, $5, '', $6::jsonb, $7
              FROM nave.sessions s
             WHERE s.id = $2 AND s.fence >= $3
               AND EXISTS (SELECT FROM nave.mappings m WHERE m.session_id = s.id AND m.spoke_id = $8)
            ON CONFLICT (session_id, session_number, stream, byte_offset) DO NOTHING
            """
        )

        static let createWorkspace = Statement<Void>(
            """
            UPDATE nave.workspaces
               SET state = CASE state WHEN 'pending' THEN 'ready' ELSE state END,
                   branch = $3, directory = $4, base_commit = $5, head_commit = $6
             WHERE id = $1 AND spoke_id = $2 AND state IN ('pending', 'ready', 'busy')
            """
        )

        /// What is seen of a workspace that was removed since is history.
        static let observeWorkspace = Statement<Void>(
            """
            UPDATE nave.workspaces
               SET branch = coalesce($3, branch), head_commit = coalesce($4, head_commit), ahead = $5, behind = $6,
                   dirty = $7, size_bytes = $8
             WHERE id = $1 AND spoke_id = $2 AND state IN ('pending', 'ready', 'busy', 'salvaging')
            """
        )

        static let removeWorkspace = Statement<Void>(
            """
            UPDATE nave.workspaces
               SET state = 'removed', removed_at = now(), head_commit = coalesce($3, head_commit)
             WHERE id = $1 AND spoke_id = $2 AND state <> 'removed'
            """
        )

        /// Only of a workspace that is the spoke's own; the project is the workspace's, whatever the record says.
        static let salvage = Statement<Void>(
            """
            WITH saved AS (
                INSERT INTO nave.salvages
                       (id, workspace_id, project_id, spoke_id, ref, commit, parents, branch, files, bytes,
                        expires_at, bundle)
                SELECT $1, w.id, w.project_id, $3, $4, $5, $6, $7, $8, $9, $10, $11
                  FROM nave.workspaces w WHERE w.id = $2 AND w.spoke_id = $3
                ON CONFLICT (id) DO NOTHING
                RETURNING workspace_id
            )
            UPDATE nave.workspaces w SET salvage_ref = $4 FROM saved WHERE w.id = saved.workspace_id
            """
        )

        static let complete = Statement<Sent>(
            """
            UPDATE nave.spoke_commands
               SET completed_at = now(), result = $3::jsonb, error = $4::jsonb
             WHERE command_id = $1 AND spoke_id = $2 AND completed_at IS NULL
            RETURNING type, payload
            """
        )

        /// A restore that failed leaves no workspace behind; one that worked marks its salvage.
        static let finishRestore = Statement<Void>(
            """
            WITH placed AS (
                UPDATE nave.workspaces
                   SET state = CASE WHEN $3 THEN 'ready' ELSE 'removed' END,
                       removed_at = CASE WHEN $3 THEN NULL ELSE now() END,
                       directory = coalesce($4, directory)
                 WHERE id = $1 AND spoke_id = $2 AND state IN ('pending', 'ready')
                RETURNING id
            )
            UPDATE nave.salvages v SET restored_at = now()
              FROM nave.workspaces w
             WHERE $3 AND w.id = $1 AND v.ref = $5 AND v.project_id = w.project_id
               AND EXISTS (SELECT FROM placed)
            """
        )

        /// A removal that the spoke refused leaves the workspace as it was.
        static let keepWorkspace = Statement<Void>(
            """
            UPDATE nave.workspaces SET state = 'ready' WHERE id = $1 AND spoke_id = $2 AND state = 'salvaging'
            """
        )

        /// The spoke has heard whether it drains: its row says it from here on.
        static let resume = Statement<Void>("UPDATE nave.spokes SET paused_reason = NULL WHERE id = $1")
    }
}
