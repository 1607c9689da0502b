import Foundation
import HubCore
public import Postgres
public import Protocol

extension SpokeStatus: Bindable, ColumnDecodable {}
extension SpokeType: Bindable, ColumnDecodable {}
extension WorkspaceKind: Bindable, ColumnDecodable {}
extension WorkspaceState: Bindable, ColumnDecodable {}
extension SessionStatus: Bindable, ColumnDecodable {}
extension ExitReason: Bindable, ColumnDecodable {}
extension MessageRole: Bindable, ColumnDecodable {}
extension MessageStatus: Bindable, ColumnDecodable {}
extension Delivery: Bindable, ColumnDecodable {}
extension MappingStatus: Bindable, ColumnDecodable {}
extension PartKind: Bindable, ColumnDecodable, ArrayElement {}
extension AgentOutput: Bindable {}
extension Protocol.OutputStream: Bindable, ColumnDecodable, ArrayElement {}
extension CommandType: Bindable, ColumnDecodable {}

extension Row {
    /// A hash of a chain from a bytea of 32 bytes.
    func hash(_ name: String) throws(Fault) -> ChainHash {
        let bytes: [UInt8] = try self[name]
        guard let hash = ChainHash(bytes) else {
            throw Fault(.execution, "Column “\(name)” is not a hash; correct the statement or its row.")
        }
        return hash
    }
}

extension SpokeRecord: RowDecodable {
    public init(_ row: Row) throws(Fault) {
        self.init(
            id: try row["id"],
            name: try row["name"],
            status: try row["status"],
            spokeType: try row["spoke_type"],
            projectId: try row["project_id"],
            lastHeartbeat: try row["last_heartbeat"],
            hostInfo: try row["host_info"],
            labels: try row.json("labels"),
            agents: try row.json("agents"),
            connectedAt: try row["connected_at"],
            disconnectedAt: try row["disconnected_at"],
            disconnectReason: try row["disconnect_reason"],
            hubId: try row["hub_id"],
            incarnation: try row["incarnation"],
            version: try row["version"],
            load: try row["load"],
            slots: try row["slots"],
            busy: try row["busy"],
            draining: try row["draining"],
            pausedReason: try row["paused_reason"],
            journalEpoch: try row["journal_epoch"],
            journalAcknowledged: try row["journal_acknowledged"],
            commandsEpoch: try row["commands_epoch"],
            commandsNext: try row["commands_next"],
            createdAt: try row["created_at"],
            updatedAt: try row["updated_at"]
        )
    }
}

extension WorkspaceRecord: RowDecodable {
    public init(_ row: Row) throws(Fault) {
        self.init(
            id: try row["id"],
            projectId: try row["project_id"],
            spokeId: try row["spoke_id"],
            name: try row["name"],
            kind: try row["kind"],
            branch: try row["branch"],
            baseRef: try row["base_ref"],
            baseCommit: try row["base_commit"],
            headCommit: try row["head_commit"],
            directory: try row["directory"],
            state: try row["state"],
            dirty: try row["dirty"],
            ahead: try row["ahead"],
            behind: try row["behind"],
            sizeBytes: try row["size_bytes"],
            removedAt: try row["removed_at"],
            salvageRef: try row["salvage_ref"],
            createdAt: try row["created_at"],
            updatedAt: try row["updated_at"]
        )
    }
}

extension SessionRecord: RowDecodable {
    public init(_ row: Row) throws(Fault) {
        let data: [String: JSONValue] = try row.json("data")
        let facts: AgentFacts? = try data["agent"]?.decoded()
        self.init(
            id: try row["id"],
            projectId: try row["project_id"],
            workspaceId: try row["workspace_id"],
            parentId: try row["parent_id"],
            accountId: try row["account_id"],
            slug: try row["slug"],
            title: try row["title"],
            status: try row["status"],
            version: try row["version"],
            roleName: try row["role_name"],
            fence: try row["fence"],
            run: try row.json("run"),
            priority: try row["priority"],
            timeoutSeconds: try row["timeout_seconds"],
            exitCode: try row["exit_code"],
            exitSignal: try row["exit_signal"],
            exitReason: try row["exit_reason"],
            failure: try row.json("failure"),
            startedAt: try row["started_at"],
            endedAt: try row["ended_at"],
            lastActivityAt: try row["last_activity_at"],
            providerSessionId: try row["provider_session_id"],
            agent: facts.map { facts in
                AgentStanding(
                    state: facts.state,
                    model: facts.model,
                    quotaResetsAt: facts.quotaResetsAt.map { Date(milliseconds: $0) },
                    usage: facts.usage
                )
            },
            outputPrunedAt: try row["output_pruned_at"],
            createdAt: try row["created_at"],
            updatedAt: try row["updated_at"]
        )
    }
}

extension PartRecord: RowDecodable {
    public init(_ row: Row) throws(Fault) {
        self.init(
            id: try row["id"],
            messageId: try row["message_id"],
            sessionId: try row["session_id"],
            type: try row["type"],
            data: try row.json("data"),
            sequence: try row["sequence"],
            createdAt: try row["created_at"]
        )
    }
}

extension MappingRecord: RowDecodable {
    public init(_ row: Row) throws(Fault) {
        self.init(
            id: try row["id"],
            sessionId: try row["session_id"],
            spokeId: try row["spoke_id"],
            workspaceId: try row["workspace_id"],
            parentSessionId: try row["parent_session_id"],
            taskId: try row["task_id"],
            task: try row["task"],
            status: try row["status"],
            createdAt: try row["created_at"],
            updatedAt: try row["updated_at"]
        )
    }
}

extension MessageRecord: RowDecodable {
    public init(_ row: Row) throws(Fault) {
        self.init(
            id: try row["id"],
            sessionId: try row["session_id"],
            role: try row["role"],
            status: try row["status"],
            delivery: try row["delivery"],
            authorAccountId: try row["author_account_id"],
            model: try row["model"],
            error: try row["error"],
            data: try row["data"],
            createdAt: try row["created_at"],
            updatedAt: try row["updated_at"]
        )
    }
}

extension SalvageRecord: RowDecodable {
    public init(_ row: Row) throws(Fault) {
        self.init(
            id: try row["id"],
            workspaceId: try row["workspace_id"],
            projectId: try row["project_id"],
            spokeId: try row["spoke_id"],
            ref: try row["ref"],
            commit: try row["commit"],
            parents: try row["parents"],
            branch: try row["branch"],
            files: try row["files"],
            bytes: try row["bytes"],
            expiresAt: try row["expires_at"],
            restoredAt: try row["restored_at"],
            createdAt: try row["created_at"]
        )
    }
}

/// Where a list ordered by `(created_at, id)` goes on.
struct CreationCursor: Sendable {
    let microseconds: Int64?
    let id: String?
    let limit: Int

    init(_ cursor: String?, limit: Int?) throws(Fault) {
        let parts = try PageCursor.parts(of: cursor, count: 2)
        if let parts, Int64(parts[0]) == nil {
            throw .invalid("cursor", "is not one that a list answered with; start again without it.")
        }
        microseconds = parts.flatMap { Int64($0[0]) }
        id = parts?[1]
        self.limit = try PageCursor.limit(limit)
    }

    /// The values of `$1` (microseconds since 1970), `$2` (id) and `$3` (one more than the page, to see if
    /// there is one).
    var values: [(any Bindable)?] { [microseconds, id, limit + 1] }

    /// The page, and where the next begins.
    func page<Item>(_ rows: [Item], _ position: (Item) -> (Date, String)) -> (items: [Item], next: String?) {
        guard rows.count > limit, let last = rows.prefix(limit).last else { return (rows, nil) }
        let (created, id) = position(last)
        let microseconds = Int64((created.timeIntervalSince1970 * 1_000_000).rounded())
        return (Array(rows.prefix(limit)), PageCursor.text(["\(microseconds)", id]))
    }
}
