import HubDomains
import Postgres
import Protocol
import Testing

/// Every combination of states that tables can be in together, made by SQL past all guards: `hub.verify` names each
/// that must not be, and none that may.
struct StateCombinationTests {
    /// What `hub.verify` says of a kind, by subject.
    private func found(_ kind: String, _ hub: TestHub) async throws -> Set<String> {
        let output = try await hub.ask(VerifyHub())
        #expect(!output.truncated)
        return Set(output.findings.filter { $0.kind == kind }.map(\.subject))
    }

    /// Session, why it ended, its exit code, its mapping: all that may be (coordination.md). `-` is none, `*` any.
    private static let sessions: Set = [
        "busy - - active", "retry - - active", "idle - - completed", "idle - - failed", "idle - - aborted",
        "idle exited 0 completed", "idle exited 1 failed", "idle exited - failed", "idle aborted * aborted",
        "idle timeout * failed", "idle failed * failed", "idle lost * failed", "archived exited 0 completed",
        "archived exited 1 failed", "archived exited - failed", "archived aborted * aborted",
        "archived timeout * failed", "archived failed * failed", "archived lost * failed",
    ]

    @Test func everySessionWithEveryMapping() async throws {
        let hub = try await TestHub.make()
        let rows = RowMaker(database: hub.database)
        let project = ["project_id": "'\(try await rows.make("projects"))'"]
        var names: [String: String] = [:]
        var wrong: Set<String> = []
        for status in SessionStatus.allCases {
            for reason in [nil] + ExitReason.allCases.map(Optional.some) {
                for code in [nil, "0", "1"] as [String?] {
                    for mapping in MappingStatus.allCases {
                        let parts = [status.rawValue, reason?.rawValue ?? "-", code ?? "-", mapping.rawValue]
                        let any = [parts[0], parts[1], "*", parts[3]]
                        var given = project.merging(["status": "'\(status.rawValue)'"]) { $1 }
                        if let reason {
                            given["exit_reason"] = "'\(reason.rawValue)'"
                            given["ended_at"] = "now()"
                        }
                        given["exit_code"] = code
                        let mayBe =
                            Self.sessions.contains(parts.joined(separator: " "))
                            || Self.sessions.contains(any.joined(separator: " "))
                        guard let id = try? await rows.make("sessions", given) else {
                            #expect(!mayBe, "\(parts) is refused by the database itself")
                            continue  // What a CHECK refuses cannot be found.
                        }
                        try await rows.make(
                            "mappings",
                            ["session_id": "'\(id)'", "status": "'\(mapping.rawValue)'"]
                        )
                        names[id] = parts.joined(separator: " ")
                        if !mayBe { wrong.insert(id) }
                    }
                }
            }
        }
        #expect(names.count > 100 && wrong.count > 50)
        let found = try await found("state.combination", hub)
        #expect(found.subtracting(wrong).compactMap { names[$0] }.sorted() == [], "found and right")
        #expect(wrong.subtracting(found).compactMap { names[$0] }.sorted() == [], "wrong and not found")
        let alone = try await rows.make("sessions", project)
        #expect(try await self.found("state.mapping", hub) == [alone])
        await hub.close()
    }

    /// Task, the mapping that brought it there, whether it was left undone with a reason.
    private static let tasks: Set = [
        "in-progress active", "blocked active", "in-progress active left", "blocked active left",
        "completed completed", "pending completed left", "failed failed", "failed failed left", "pending aborted",
        "pending aborted left",
    ]

    @Test func everyTaskWithEveryMapping() async throws {
        let hub = try await TestHub.make()
        let rows = RowMaker(database: hub.database)
        let project = ["project_id": "'\(try await rows.make("projects"))'"]
        var wrong: [String: String] = [:]
        for status in TaskStatus.allCases {
            for mapping in MappingStatus.allCases {
                for left in ["", " left"] {
                    let session = try await rows.make("sessions", project)
                    let given = ["session_id": "'\(session)'", "status": "'\(mapping.rawValue)'"]
                    let by = try await rows.make("mappings", given)
                    var task = project.merging(["status": "'\(status.rawValue)'", "mapping_id": "'\(by)'"]) { $1 }
                    if !left.isEmpty { task["safe_exit"] = #"'{"reason": "x"}'"# }
                    let id = try await rows.make("tasks", task)
                    let name = "\(status.rawValue) \(mapping.rawValue)\(left)"
                    if !Self.tasks.contains(name) { wrong[id] = name }
                }
            }
        }
        #expect(wrong.count == 30)
        let task = try await rows.make("tasks", project.merging(["status": "'in-progress'"]) { $1 })
        let session = try await rows.make("sessions", project.merging(["status": "'busy'"]) { $1 })
        let stray = try await rows.make("mappings", ["session_id": "'\(session)'", "task_id": "'\(task)'"])
        let found = try await found("state.task", hub)
        #expect(found.subtracting(wrong.keys) == [stray])
        #expect(Set(wrong.keys).subtracting(found).compactMap { wrong[$0] } == [])
        await hub.close()
    }

    @Test func everyWorkspaceWorkedOnOrNot() async throws {
        let hub = try await TestHub.make()
        let rows = RowMaker(database: hub.database)
        let wrongly: Set = ["busy not", "salvaging worked on", "removed worked on", "lost worked on"]
        var wrong: Set<String> = []
        for state in WorkspaceState.allCases {
            for work in ["worked on", "not"] {
                var given = ["state": "'\(state.rawValue)'"]
                if state == .removed { given["removed_at"] = "now()" }
                let id = try await rows.make("workspaces", given)
                let status = work == "not" ? "'completed'" : "'active'"
                try await rows.make("mappings", ["workspace_id": "'\(id)'", "status": status])
                if wrongly.contains("\(state.rawValue) \(work)") { wrong.insert(id) }
            }
        }
        #expect(wrong.count == wrongly.count)
        #expect(try await found("state.workspace", hub) == wrong)
        await hub.close()
    }

    @Test func everyMessageHoweverFarItHasCome() async throws {
        let hub = try await TestHub.make()
        let rows = RowMaker(database: hub.database)
        let ended = ["ended_at": "now()", "exit_reason": "'exited'", "exit_code": "0"]
        let rightly: Set = [
            "pending queued going on", "streaming - going on", "streaming - over", "complete - going on",
            "complete - over", "complete delivered going on", "complete delivered over", "complete consumed going on",
            "complete consumed over",
        ]
        var wrong: [String: String] = [:]
        for (time, session) in [("going on", [:]), ("over", ended)] {
            let session = try await rows.make("sessions", session)
            for status in MessageStatus.allCases {
                for delivery in [nil] + Delivery.allCases.map(Optional.some) {
                    var given = ["session_id": "'\(session)'", "status": "'\(status.rawValue)'"]
                    given["delivery"] = delivery.map { "'\($0.rawValue)'" }
                    let id = try await rows.make("messages", given)
                    let name = "\(status.rawValue) \(delivery?.rawValue ?? "-") \(time)"
                    // An error says what went wrong, wherever it did. What agents say is not asked for delivery.
                    let isRight = status == .error || rightly.contains(name)
                    if !isRight, delivery != nil || status == .pending { wrong[id] = name }
                }
            }
        }
        let found = try await found("state.message", hub)
        #expect(found.subtracting(wrong.keys) == [])
        #expect(Set(wrong.keys).subtracting(found).compactMap { wrong[$0] } == [])
        await hub.close()
    }

    @Test func everyOfferWithItsSpoke() async throws {
        let hub = try await TestHub.make()
        let rows = RowMaker(database: hub.database)
        let hubId = try await rows.make("hubs")
        let here = [
            "status": "'connected'", "connected_at": "now()", "disconnected_at": "NULL", "incarnation": "'i'",
        ]
        let connected = try await rows.make("spokes", here.merging(["hub_id": "'\(hubId)'"]) { $1 })
        let away = try await rows.make("spokes")
        let lonely = try await rows.make("spokes", here)
        var wrong: Set<String> = []
        for (spoke, isThere, isHere) in [(connected, true, true), (away, true, false), ("nobody", false, false)] {
            for status in RegistrationStatus.allCases {
                var given = ["provider_id": "'\(spoke)'", "status": "'\(status.rawValue)'"]
                if status == .inactive { given["deactivated_at"] = "now()" }
                let id = try await rows.make("operation_registrations", given)
                if !isThere || status == .active && !isHere { wrong.insert(id) }
            }
        }
        #expect(wrong.count == 3)
        #expect(try await found("state.registration", hub) == wrong)
        #expect(try await found("state.spoke", hub) == [lonely])
        await hub.close()
    }

    @Test func everyDetectionWithItsSession() async throws {
        let hub = try await TestHub.make()
        let rows = RowMaker(database: hub.database)
        let ended = ["ended_at": "now()", "exit_reason": "'exited'", "exit_code": "0"]
        let resolved = ["resolved_at": "now()", "resolution": "'dismissed'"]
        var wrong: Set<String> = []
        for status in SessionStatus.allCases {
            let isEnded = status == .idle || status == .archived
            let given = (isEnded ? ended : [:]).merging(["status": "'\(status.rawValue)'"]) { $1 }
            let session = ["session_id": "'\(try await rows.make("sessions", given))'"]
            let open = try await rows.make("detections", session)
            try await rows.make("detections", session.merging(resolved) { $1 })
            if status == .archived { wrong.insert(open) }
        }
        #expect(try await found("state.detection", hub) == wrong)
        await hub.close()
    }

    @Test func whatRefersToItselfOrToNobodyIsFound() async throws {
        let hub = try await TestHub.make()
        let rows = RowMaker(database: hub.database)
        #expect(try await hub.ask(VerifyHub()).complete)
        let organization = try await rows.make("organizations")
        #expect(try await found("state.owner", hub) == [organization])
        let (one, two) = (try await rows.make("roles"), try await rows.make("roles"))
        let parent = Statement<Void>("UPDATE nave.roles SET parent_id = $2 WHERE id = $1")
        try await hub.database.execute(parent, [one, two])
        try await hub.database.execute(parent, [two, one])
        #expect(try await found("role.cycle", hub) == [one, two])
        let whole = try await rows.make("tasks")
        let part = try await rows.make("tasks", ["parent_task_id": "'\(whole)'"])
        #expect(try await found("task.parent", hub) == [part])
        try await hub.database.execute(
            Statement<Void>("UPDATE nave.tasks SET parent_task_id = $2 WHERE id = $1"),
            [whole, part]
        )
        #expect(try await found("task.parent", hub) == [whole, part])
        try await hub.database.execute(Statement<Void>("UPDATE nave.accounts SET status = 'suspended'"))
        #expect(try await found("state.administrator", hub) == ["accounts"])
        await hub.close()
    }
}
