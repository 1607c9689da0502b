import HubCore
import Postgres
import Protocol

extension SpokeStore {
    /// What the hub remembers of a spoke that says hello.
    struct KnownSpoke: RowDecodable {
        var admission: SpokeAdmission.Known
        var joinLabels: [String: String]
        /// The digest of the operations that it offered last, if all of them were taken.
        var operationsHash: String?

        init(_ row: Row) throws(Fault) {
            admission = SpokeAdmission.Known(
                incarnation: try row["incarnation"],
                formerIncarnations: try row["former_incarnations"],
                journal: StreamMark(
                    epoch: try row["journal_epoch"],
                    seq: try row["journal_acknowledged"],
                    hash: try row.hash("journal_hash")
                )
            )
            joinLabels = try row.json("join_labels")
            operationsHash = try row["operations_hash"]
        }
    }

    /// The commands' stream, and the hash that it has at some record.
    struct CommandsAt: RowDecodable {
        var epoch: Int64
        var next: Int64
        var acknowledged: Int64
        /// `nil` for a record that is not stored (any more).
        var hash: ChainHash?

        init(_ row: Row) throws(Fault) {
            epoch = try row["commands_epoch"]
            next = try row["commands_next"]
            acknowledged = try row["acknowledged"]
            let bytes: [UInt8]? = try row["hash"]
            hash = bytes.flatMap { ChainHash($0) }
        }
    }

    /// A session that the spoke reported or that the hub believes there.
    struct KnownSessionRow: RowDecodable {
        var session: Reconciliation.KnownSession

        init(_ row: Row) throws(Fault) {
            let isHere: Bool = try row["is_here"]
            let isActive: Bool = try row["is_active"]
            session = Reconciliation.KnownSession(
                sessionId: try row["id"],
                fence: try row["fence"],
                state: isHere ? .here : isActive ? .elsewhere : .ended,
                isOrderTaken: try row["is_order_taken"]
            )
        }
    }
}

extension SpokeStore.SQL {
    static let lockForHello = Statement<SpokeStore.KnownSpoke>(
        """
        SELECT incarnation, former_incarnations, journal_epoch, journal_acknowledged, journal_hash, join_labels,
               operations_hash
          FROM nave.spokes WHERE id = $1 FOR NO KEY UPDATE
        """
    )

    static let commandsAt = Statement<SpokeStore.CommandsAt>(
        """
        SELECT s.commands_epoch, s.commands_next,
               greatest(s.commands_pruned, coalesce((
                   SELECT max(c.seq) FROM nave.spoke_commands c
                    WHERE c.spoke_id = s.id AND c.acknowledged_at IS NOT NULL), 0)) AS acknowledged,
               CASE WHEN $2::bigint = 0 THEN decode(repeat('00', 32), 'hex')
                    WHEN $2 = s.commands_next - 1 THEN s.commands_hash
                    WHEN $2 = s.commands_pruned THEN s.commands_pruned_hash
                    ELSE (SELECT c.hash FROM nave.spoke_commands c WHERE c.spoke_id = s.id AND c.seq = $2)
               END AS hash
          FROM nave.spokes s WHERE s.id = $1
        """
    )

    /// An order to start is taken unless it stands unacknowledged in the stream.
    static let knownSessions = Statement<SpokeStore.KnownSessionRow>(
        """
        SELECT s.id, s.fence, coalesce(m.spoke_id = $1, false) AS is_here, m.id IS NOT NULL AS is_active,
               NOT EXISTS (
                   SELECT FROM nave.spoke_commands c
                    WHERE c.spoke_id = $1 AND c.acknowledged_at IS NULL AND c.type = 'session.start'
                      AND c.payload ->> 'sessionId' = s.id) AS is_order_taken
          FROM nave.sessions s
          LEFT JOIN nave.mappings m ON m.session_id = s.id AND m.status = 'active'
         WHERE s.id = ANY ($2::text[]) OR m.spoke_id = $1
        """
    )

    static let connect = Statement<Void>(
        """
        UPDATE nave.spokes
           SET status = 'connected', connected_at = now(), disconnected_at = NULL, disconnect_reason = NULL,
               last_heartbeat = now(), hub_id = $2, incarnation = $3, former_incarnations = $4, spoke_type = $5,
               host_info = $6::jsonb, labels = $7::jsonb, version = $8, slots = $9,
               paused_reason = CASE WHEN draining THEN NULL ELSE $10 END,
               journal_epoch = $11, journal_acknowledged = $12, journal_hash = $13, agents = $14::jsonb
         WHERE id = $1
        """
    )

    /// A spoke's word counts for its own worktrees only.
    static let seeWorktrees = Statement<Void>(
        """
        UPDATE nave.workspaces w
           SET branch = t.branch, head_commit = nullif(t.head, ''), dirty = t.dirty,
               state = CASE WHEN w.state = 'lost' THEN 'ready' ELSE w.state END
          FROM unnest($2::text[], $3::text[], $4::text[], $5::bool[]) AS t (id, branch, head, dirty)
         WHERE w.id = t.id AND w.spoke_id = $1 AND w.state <> 'removed'
        """
    )

    /// What the hub believes there and the spoke did not name: judged when the journal was applied up to its head.
    static let owe = Statement<Void>(
        """
        UPDATE nave.spokes s
           SET owed_seq = CASE WHEN o.owed IS NULL THEN NULL ELSE $2::bigint END, owed = o.owed
          FROM (
            SELECT nullif(
                   jsonb_build_object(
                       'sessions', (
                           SELECT coalesce(jsonb_agg(id ORDER BY id), '[]') FROM unnest($3::text[]) AS id),
                       'workspaces', (
                           SELECT coalesce(jsonb_agg(w.id ORDER BY w.id), '[]') FROM nave.workspaces w
                            WHERE w.spoke_id = $1 AND w.state IN ('ready', 'busy') AND w.id <> ALL ($4::text[]))),
                   '{"sessions": [], "workspaces": []}'::jsonb) AS owed
          ) o
         WHERE s.id = $1
        """
    )
}
