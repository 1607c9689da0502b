import HubDomains
import Postgres
import Protocol

/// Makes one row of any table by SQL, with rows of the tables that it cannot be without.
///
/// A value is SQL, or `@table` for a fresh row of that table. `~` stands for the row's own id, which is different each
/// time, so that unique columns are.
struct RowMaker {
    let database: Database

    static let values: [String: [String: String]] = [
        "accounts": ["email": "~"],
        "organizations": ["name": "~", "slug": "~", "owner_id": "@accounts"],
        "organization_members": ["org_id": "@organizations", "account_id": "@accounts"],
        "api_keys": [
            "owner_id": "@accounts", "name": "'k'", "prefix": "'12345678'",
            "key_hash": "encode(sha256(convert_to(~, 'UTF8')), 'hex')",
        ],
        "audit_logs": ["action": "'x.y'", "owner_id": "@accounts", "outcome": "'succeeded'"],
        "projects": ["name": "~", "directory": "'/srv'"],
        "workspaces": ["project_id": "@projects", "name": "~"],
        "sessions": ["project_id": "@projects", "slug": "~", "title": "~"],
        "messages": ["session_id": "@sessions", "role": "'user'"],
        "parts": ["message_id": "@messages", "session_id": "@sessions", "type": "'text'"],
        "spokes": ["name": "~", "disconnected_at": "now()"],
        "operations": [
            "namespace": "'n'", "name": "~", "type": "'query'", "description": "''", "input_schema": "'true'",
            "output_schema": "'true'", "access_control": "'{}'",
        ],
        "operation_registrations": [
            "operation_id": "@operations", "provider_type": "'spoke'", "provider_id": "@spokes",
        ],
        "clients": ["name": "~", "type": "'custom'", "owner_id": "@accounts"],
        "client_secrets": [
            "client_id": "@clients", "key": "~", "value": #"'{"keyVersion": "v1", "nonce": "", "data": ""}'"#,
        ],
        "roles": ["name": "~", "description": "''", "mode": "'primary'"],
        "mappings": ["session_id": "@sessions"],
        "detections": ["session_id": "@sessions", "anomaly_type": "'SESSION_STALL'", "severity": "'medium'"],
        "tasks": ["project_id": "@projects", "slug": "~", "name": "~"],
        "task_dependencies": ["depends_on_task_id": "@tasks", "dependent_task_id": "@tasks"],
        "call_graph_nodes": ["request_id": "~", "operation_id": "@operations"],
        "call_graph_edges": ["edge_type": "'triggered'"],
        "hubs": ["url": "''", "version": "''", "started_at": "now()", "lease_until": "now()"],
        "join_tokens": [
            "prefix": "'12345678'", "token_hash": "encode(sha256(convert_to(~, 'UTF8')), 'hex')", "uses_left": "1",
            "expires_at": "now()", "created_by": "@accounts",
        ],
        "spoke_commands": [
            "spoke_id": "@spokes", "seq": "1", "epoch": "1", "command_id": "~", "type": "'spoke.drain'",
            "payload": "'{}'", "hash": "decode(repeat('00', 32), 'hex')", "at": "0",
        ],
        "session_output": [
            "session_id": "@sessions", "stream": "'stdout'", "byte_offset": "0", "content": "''", "at": "now()",
        ],
        "salvages": [
            "workspace_id": "@workspaces", "project_id": "@projects", "ref": "''", "commit": "''", "branch": "''",
            "files": "0", "bytes": "0", "expires_at": "now()",
        ],
        "idempotency_keys": [
            "account_id": "@accounts", "key": "~", "input_digest": "''", "request_id": "~", "expires_at": "now()",
        ],
    ]

    /// Tables whose rows are not told apart by an `id`.
    static let without: Set = ["call_graph_edges", "spoke_commands", "idempotency_keys"]

    /// Stores a row and answers its id.
    ///
    /// - Parameter given: SQL of columns that shall be otherwise than usual.
    @discardableResult
    func make(_ table: String, _ given: [String: String] = [:]) async throws -> String {
        // Sortable, because calls' ids are: an edge leads from the older to the newer.
        let id = Ids.sortable()
        guard let usual = Self.values[table] else { throw Fault(.execution, "Nothing is known of \(table).") }
        var columns = usual.merging(given) { $1 }
        if !Self.without.contains(table) { columns["id"] = "~" }
        var (names, values): ([String], [String]) = ([], [])
        for (name, value) in columns.sorted(by: { $0.key < $1.key }) {
            names.append(name)
            if value.hasPrefix("@") {
                values.append("'\(try await make(String(value.dropFirst())))'")
            } else {
                values.append(value.replacing("~", with: "'\(id)'"))
            }
        }
        let sql =
            "INSERT INTO nave.\(table) (\(names.joined(separator: ", "))) VALUES (\(values.joined(separator: ", ")))"
        try await database.execute(Statement<Void>(sql))
        return id
    }
}
