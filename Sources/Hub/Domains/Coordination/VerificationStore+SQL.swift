import Postgres
import Protocol

extension VerificationStore {
    struct Chain: RowDecodable {
        var spokeId: SpokeID
        var epoch: Int64
        var next: Int64
        var head: ChainHash
        var pruned: Int64
        var prunedHash: ChainHash

        init(_ row: Row) throws(Fault) {
            spokeId = try row["id"]
            epoch = try row["commands_epoch"]
            next = try row["commands_next"]
            head = try row.hash("commands_hash")
            pruned = try row["commands_pruned"]
            prunedHash = try row.hash("commands_pruned_hash")
        }
    }

    struct SessionRow: RowDecodable {
        var id: SessionID
        var status: SessionStatus
        var fence: Int64
        var reason: ExitReason?
        var exitCode: Int32?
        var mapping: MappingStatus?
        var sums: [OutputSum]
        var hasSums: Bool
        var isPruned: Bool

        init(_ row: Row) throws(Fault) {
            id = try row["id"]
            status = try row["status"]
            fence = try row["fence"]
            reason = try row["exit_reason"]
            exitCode = try row["exit_code"]
            mapping = try row["mapping"]
            let stored: [OutputSum]? = try row.json("output_sums")
            sums = stored ?? []
            hasSums = stored != nil
            isPruned = try row["is_pruned"]
        }
    }

    enum SQL {
        static let chains = Statement<Chain>(
            """
            SELECT id, commands_epoch, commands_next, commands_hash, commands_pruned, commands_pruned_hash
              FROM nave.spokes ORDER BY id
            """
        )

        static let commands = Statement<CommandStore.Stored>(
            """
            SELECT epoch, seq, at, type, payload, hash, command_id
              FROM nave.spoke_commands WHERE spoke_id = $1 AND seq > $2 ORDER BY seq LIMIT $3
            """
        )

        static let sessions = Statement<SessionRow>(
            """
            SELECT s.id, s.status, greatest(s.fence, 1) AS fence, s.exit_reason, s.exit_code, s.output_sums,
                   s.output_pruned_at IS NOT NULL AS is_pruned,
                   (SELECT m.status FROM nave.mappings m WHERE m.session_id = s.id
                     ORDER BY m.created_at DESC, m.id DESC LIMIT 1) AS mapping
              FROM nave.sessions s
             WHERE s.id > $1 AND ($3::text IS NULL OR s.id = $3)
             ORDER BY s.id
             LIMIT $2
            """
        )

        static let chunks = Statement<OutputStore.Chunk>(
            """
            SELECT id, byte_offset, content, gap
              FROM nave.session_output
             WHERE session_id = $1 AND session_number = $2 AND stream = $3 AND byte_offset >= $4
             ORDER BY byte_offset
             LIMIT $5
            """
        )

        static let tasks = Statement<TaskRow>(
            """
            SELECT t.id, t.status, m.status AS mapping, t.safe_exit <> '{}' AS was_left
              FROM nave.tasks t JOIN nave.mappings m ON m.id = t.mapping_id
             WHERE t.id > $1
             ORDER BY t.id
             LIMIT $2
            """
        )

        static let strayMappings = Statement<String>(
            """
            SELECT m.id FROM nave.mappings m JOIN nave.tasks t ON t.id = m.task_id
             WHERE m.status = 'active' AND t.mapping_id IS DISTINCT FROM m.id
             ORDER BY m.id LIMIT $1
            """
        )

        static let strayDependencies = Statement<String>(
            """
            SELECT d.id FROM nave.task_dependencies d
              JOIN nave.tasks t ON t.id = d.dependent_task_id
              JOIN nave.tasks p ON p.id = d.depends_on_task_id
             WHERE t.project_id <> p.project_id
             ORDER BY d.id LIMIT $1
            """
        )

        static let projectsWithDependencies = Statement<String>(
            """
            SELECT DISTINCT t.project_id
              FROM nave.task_dependencies d JOIN nave.tasks t ON t.id = d.dependent_task_id
             ORDER BY 1
            """
        )
    }
}
