import HubCore
import Postgres
import Protocol

extension VerificationStore {
    /// Tasks against the mappings that brought them to their states, and dependencies against their rules.
    func verifyTasks(_ report: inout Report) async throws(Fault) {
        try await everyRow(of: SQL.tasks, key: \.id.rawValue) { row in
            if TaskLifecycle.agree(row.status, mapping: row.mapping, wasLeft: row.wasLeft) { return }
            report.find(
                "state.task",
                row.id.rawValue,
                "The task is \(row.status.rawValue), its mapping \(row.mapping.rawValue); both cannot be."
            )
        }
        for mapping in try await database.query(SQL.strayMappings, [Self.findingsMax + 1]) {
            report.find("state.task", mapping, "The mapping is active for a task that is in other hands.")
        }
        for pair in try await database.query(SQL.strayDependencies, [Self.findingsMax + 1]) {
            report.find("dependency.project", pair, "The two tasks belong to different projects.")
        }
        for project in try await database.query(SQL.projectsWithDependencies) {
            let graph = TaskGraph(
                tasks: try await database.query(TaskGraphStore.SQL.names, [project]),
                edges: try await database.query(TaskGraphStore.SQL.edges, [project])
            )
            for cycle in graph.cycles {
                let text = (cycle.prefix(10) + cycle.prefix(1)).joined(separator: " → ")
                report.find("dependency.cycle", project, "Its tasks wait for themselves: \(text).")
            }
        }
    }

    struct TaskRow: RowDecodable {
        var id: TaskID
        var status: TaskStatus
        var mapping: MappingStatus
        var wasLeft: Bool

        init(_ row: Row) throws(Fault) {
            id = try row["id"]
            status = try row["status"]
            mapping = try row["mapping"]
            wasLeft = try row["was_left"]
        }
    }
}
