import Foundation
public import HubCore
public import Postgres
public import Protocol

extension TaskStatus: Bindable, ColumnDecodable, ArrayElement {}
extension TaskScope: Bindable, ColumnDecodable {}
extension TaskRisk: Bindable, ColumnDecodable {}
extension TaskImpact: Bindable, ColumnDecodable {}
extension TaskLevel: Bindable, ColumnDecodable, ArrayElement {}
extension TaskPriority: Bindable, ColumnDecodable, ArrayElement {}
extension TaskCategory: Bindable, ColumnDecodable {}
extension TaskType: Bindable, ColumnDecodable {}

extension TaskRecord: RowDecodable {
    public init(_ row: Row) throws(Fault) {
        self.init(
            id: try row["id"],
            projectId: try row["project_id"],
            slug: try row["slug"],
            name: try row["name"],
            createdAt: try row["created_at"],
            updatedAt: try row["updated_at"]
        )
        path = try row["path"]
        body = try row["body"]
        status = try row["status"]
        scope = try row["scope"]
        risk = try row["risk"]
        impact = try row["impact"]
        level = try row["level"]
        priority = try row["priority"]
        tags = try row["tags"]
        assignee = try row["assignee"]
        dueAt = try row["due_at"]
        let left: JSONValue = try row["safe_exit"]
        safeExit = left == .object([:]) ? nil : try left.decoded()
        dependsOn = try row["depends_on"]
        parentTaskId = try row["parent_task_id"]
        type = try row["type"]
        category = try row["category"]
        sortOrder = try row["sort_order"]
        summary = try row["summary"]
        retryCount = try row["retry_count"]
        queuedAt = try row["queued_at"]
        mappingId = try row["mapping_id"]
        metadata = try row["metadata"]
    }
}

extension TaskDependencyRecord: RowDecodable {
    public init(_ row: Row) throws(Fault) {
        self.init(
            dependsOn: try row["depends_on"],
            dependsOnTaskId: try row["depends_on_task_id"],
            dependent: try row["dependent"],
            dependentTaskId: try row["dependent_task_id"],
            qualityRetention: try row["quality_retention"]
        )
    }
}

extension TaskNode: RowDecodable {
    public init(_ row: Row) throws(Fault) {
        self.init(
            id: try row["id"],
            slug: try row["slug"],
            name: try row["name"],
            status: try row["status"],
            scope: try row["scope"],
            risk: try row["risk"],
            impact: try row["impact"]
        )
    }
}

extension TaskEdge: RowDecodable {
    public init(_ row: Row) throws(Fault) {
        self.init(
            from: try row["depends_on_task_id"],
            to: try row["dependent_task_id"],
            qualityRetention: try row["quality_retention"]
        )
    }
}

/// A task under its row's lock, as far as moving it goes.
struct HeldTask: RowDecodable {
    var id: TaskID
    var projectId: ProjectID
    var slug: String
    var name: String
    var status: TaskStatus
    var priority: TaskPriority?
    /// The session that works on it and is not over.
    var session: SessionID?

    var isWorkedOn: Bool { session != nil }

    init(_ row: Row) throws(Fault) {
        id = try row["id"]
        projectId = try row["project_id"]
        slug = try row["slug"]
        name = try row["name"]
        status = try row["status"]
        priority = try row["priority"]
        session = try row["session_id"]
    }
}

extension TaskFilter {
    /// The nine values of a statement's filter, in the order of the fields.
    var values: [(any Bindable)?] {
        [status, level, priority, tags, assignee, pathPrefix, parentTaskId, dueBefore, slugs]
    }
}
