import Postgres
import Protocol

/// What stands in the way of removing a project.
struct ProjectUse: RowDecodable {
    let sessions: Int64
    let workspaces: Int64
    /// Saved work that nobody restored yet.
    let salvages: [String]

    init(sessions: Int64, workspaces: Int64, salvages: [String]) {
        self.sessions = sessions
        self.workspaces = workspaces
        self.salvages = salvages
    }

    init(_ row: Row) throws(Fault) {
        self.init(
            sessions: try row["sessions"],
            workspaces: try row["workspaces"],
            salvages: try row["salvages"]
        )
    }

    /// What to do about it; `nil` if nothing stands in the way.
    func fault(_ project: ProjectRecord) -> Fault? {
        var ways: [String] = []
        if sessions > 0 { ways.append("\(sessions) sessions that are not over: abort them or wait") }
        if workspaces > 0 {
            ways.append("\(workspaces) worktrees: remove them with workspace.remove, which saves what is in them")
        }
        if !salvages.isEmpty {
            ways.append(
                "salvaged work that would be lost (\(Wording.naming(salvages))): restore it, or say discardSalvaged"
            )
        }
        guard !ways.isEmpty else { return nil }
        return Fault(
            .conflict,
            "“\(project.name)” has \(ways.joined(separator: "; ")).",
            details: [
                "field": "project", "sessions": .integer(sessions), "workspaces": .integer(workspaces),
                "salvages": .array(salvages.map(JSONValue.string)),
            ]
        )
    }
}
