import HubCore
import Postgres
import Protocol

extension VerificationStore {
    /// Everything that has a state against what that state goes with, besides sessions and tasks.
    func verifyStates(_ report: inout Report) async throws(Fault) {
        try await verifyWorkspaces(&report)
        try await verifyMessages(&report)
        try await verifyRegistrations(&report)
        for spoke in try await database.query(StateSQL.lonelySpokes, [Self.findingsMax + 1]) {
            report.find("state.spoke", spoke, "The spoke is connected, and to no hub.")
        }
        for organization in try await database.query(StateSQL.ownerless, [Self.findingsMax + 1]) {
            report.find("state.owner", organization, "The account that answers for it is no member with level owner.")
        }
        for detection in try await database.query(StateSQL.openBehindArchives, [Self.findingsMax + 1]) {
            report.find("state.detection", detection, "The detection is open, its session was put away.")
        }
        if try await database.first(StateSQL.hasAdministrator) != true {
            report.find("state.administrator", "accounts", "No account is an active administrator.")
        }
        for role in try await database.query(StateSQL.circularRoles, [Self.findingsMax + 1]) {
            report.find("role.cycle", role, "The role inherits from itself.")
        }
        for task in try await database.query(StateSQL.foreignParents, [Self.findingsMax + 1]) {
            report.find("task.parent", task, "The task is part of one of another project.")
        }
        for task in try await database.query(StateSQL.circularParents, [Self.findingsMax + 1]) {
            report.find("task.parent", task, "The task is part of itself.")
        }
    }

    /// Looks at every row, a page at a time: `$1` of the statement is the key of the row before, `$2` a page's length.
    func everyRow<Row: RowDecodable>(
        of statement: Statement<Row>,
        key: (Row) -> String,
        _ look: (Row) -> Void
    ) async throws(Fault) {
        let page = 1_000
        var after = ""
        while true {
            let rows = try await database.query(statement, [after, page])
            rows.forEach(look)
            guard rows.count == page, let last = rows.last else { return }
            after = key(last)
        }
    }

    private func verifyWorkspaces(_ report: inout Report) async throws(Fault) {
        try await everyRow(of: StateSQL.workspaces, key: \.id.rawValue) { row in
            if WorkspaceLifecycle.agrees(row.state, isWorkedOn: row.isWorkedOn) { return }
            let work = row.isWorkedOn ? "and a session works on it" : "and no session works on it"
            let message = "The workspace is \(row.state.rawValue), \(work); both cannot be."
            report.find("state.workspace", row.id.rawValue, message)
        }
    }

    private func verifyMessages(_ report: inout Report) async throws(Fault) {
        try await everyRow(of: StateSQL.messages, key: \.id.rawValue) { row in
            if MessageLifecycle.agrees(row.status, delivery: row.delivery, isOver: row.isOver) { return }
            let delivery = row.delivery.map { " and \($0.rawValue)" } ?? " and for nobody"
            let message =
                "The message is \(row.status.rawValue)\(delivery), its session is "
                + "\(row.isOver ? "over" : "not over"); that cannot be."
            report.find("state.message", row.id.rawValue, message)
        }
    }

    private func verifyRegistrations(_ report: inout Report) async throws(Fault) {
        try await everyRow(of: StateSQL.registrations, key: \.id) { row in
            if RegistrationLifecycle.agrees(row.status, isThere: row.isThere, isConnected: row.isConnected) { return }
            let provider = row.isThere ? "disconnected" : "not known"
            report.find(
                "state.registration",
                row.id,
                "The offer is \(row.status.rawValue), its spoke is \(provider); both cannot be."
            )
        }
    }

    struct WorkspaceRow: RowDecodable {
        var id: WorkspaceID
        var state: WorkspaceState
        var isWorkedOn: Bool

        init(_ row: Row) throws(Fault) {
            id = try row["id"]
            state = try row["state"]
            isWorkedOn = try row["is_worked_on"]
        }
    }

    struct MessageRow: RowDecodable {
        var id: MessageID
        var status: MessageStatus
        var delivery: Delivery?
        var isOver: Bool

        init(_ row: Row) throws(Fault) {
            id = try row["id"]
            status = try row["status"]
            delivery = try row["delivery"]
            isOver = try row["is_over"]
        }
    }

    struct OfferRow: RowDecodable {
        var id: String
        var status: RegistrationStatus
        var isThere: Bool
        var isConnected: Bool

        init(_ row: Row) throws(Fault) {
            id = try row["id"]
            status = try row["status"]
            isThere = try row["is_there"]
            isConnected = try row["is_connected"]
        }
    }

    enum StateSQL {
        static let workspaces = Statement<WorkspaceRow>(
            """
            SELECT w.id, w.state,
                   EXISTS (SELECT FROM nave.mappings m WHERE m.workspace_id = w.id AND m.status = 'active')
                       AS is_worked_on
              FROM nave.workspaces w
             WHERE w.id > $1
             ORDER BY w.id
             LIMIT $2
            """
        )

        /// What agents said is many, is delivered to nobody and is always as it may be.
        static let messages = Statement<MessageRow>(
            """
            SELECT g.id, g.status, g.delivery, s.ended_at IS NOT NULL AS is_over
              FROM nave.messages g JOIN nave.sessions s ON s.id = g.session_id
             WHERE g.id > $1 AND (g.delivery IS NOT NULL OR g.status = 'pending')
             ORDER BY g.id
             LIMIT $2
            """
        )

        /// Spokes' alone: a hub publishes what it answers before it is entered among the hubs.
        static let registrations = Statement<OfferRow>(
            """
            SELECT r.id, r.status, s.id IS NOT NULL AS is_there, coalesce(s.status = 'connected', false) AS is_connected
              FROM nave.operation_registrations r LEFT JOIN nave.spokes s ON s.id = r.provider_id
             WHERE r.provider_type = 'spoke' AND r.id > $1
             ORDER BY r.id
             LIMIT $2
            """
        )

        static let lonelySpokes = Statement<String>(
            "SELECT id FROM nave.spokes WHERE status = 'connected' AND hub_id IS NULL ORDER BY id LIMIT $1"
        )

        static let ownerless = Statement<String>(
            """
            SELECT o.id FROM nave.organizations o
             WHERE NOT EXISTS (SELECT FROM nave.organization_members m
                                WHERE m.org_id = o.id AND m.account_id = o.owner_id AND m.membership_level = 'owner')
             ORDER BY o.id LIMIT $1
            """
        )

        static let openBehindArchives = Statement<String>(
            """
            SELECT d.id FROM nave.detections d JOIN nave.sessions s ON s.id = d.session_id
             WHERE s.status = 'archived' AND d.resolved_at IS NULL
             ORDER BY d.id LIMIT $1
            """
        )

        static let hasAdministrator = Statement<Bool>(
            "SELECT EXISTS (SELECT FROM nave.accounts WHERE access_level = 'admin' AND status = 'active')"
        )

        static let circularRoles = Statement<String>(
            """
            WITH RECURSIVE up (id, above) AS (
                SELECT id, parent_id FROM nave.roles WHERE parent_id IS NOT NULL
                UNION
                SELECT up.id, r.parent_id FROM up JOIN nave.roles r ON r.id = up.above WHERE r.parent_id IS NOT NULL
            )
            SELECT id FROM up WHERE above = id ORDER BY id LIMIT $1
            """
        )

        static let foreignParents = Statement<String>(
            """
            SELECT t.id FROM nave.tasks t JOIN nave.tasks p ON p.id = t.parent_task_id
             WHERE p.project_id <> t.project_id
             ORDER BY t.id LIMIT $1
            """
        )

        static let circularParents = Statement<String>(
            """
            WITH RECURSIVE up (id, above) AS (
                SELECT id, parent_task_id FROM nave.tasks WHERE parent_task_id IS NOT NULL
                UNION
                SELECT up.id, t.parent_task_id FROM up JOIN nave.tasks t ON t.id = up.above
                 WHERE t.parent_task_id IS NOT NULL
            )
            SELECT id FROM up WHERE above = id ORDER BY id LIMIT $1
            """
        )
    }
}
