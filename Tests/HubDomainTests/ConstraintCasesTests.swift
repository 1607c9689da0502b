import Foundation
import Postgres
import Protocol
import Testing

@testable import HubDomains

/// Each rule of the database, broken by an operation: what the caller is told names what the caller said.
struct ConstraintCasesTests {
    enum Told {
        /// By the field's name, as a path of a violation or as the conflict's field.
        case field(String)
        /// By the noun and the value that is not there.
        case missing(String)
    }

    struct Case {
        let rule: String
        let operation: String
        let input: JSONValue
        let told: Told

        init(_ rule: String, _ operation: String, _ input: JSONValue, _ told: Told) {
            (self.rule, self.operation, self.input, self.told) = (rule, operation, input, told)
        }
    }

    /// Rules with words that nothing from outside can break, because what is looked at is held to the write; the words
    /// are for a look that somebody takes away one day.
    static let held: [String: String] = [
        "fk_mappings_workspace_id": "the worktree is the row that was just inserted, or updated to busy",
        "fk_workspaces_spoke_id": "the spoke's row is locked when its order is appended, before the worktree is placed",
        "fk_salvages_workspace_id": "stored from a spoke's journal by a statement that reads the worktree",
        "fk_salvages_project_id": "stored from a spoke's journal by a statement that reads the worktree",
        "fk_salvages_spoke_id": "the journal's spoke, whose row is locked while its records are applied",
        "fk_call_graph_nodes_operation_id": "the trigger that deletes an operation has reassigned its calls",
        "fk_tasks_mapping_id": "the mapping is inserted in the transaction that gives it the task",
        "unq_task_dependencies_depends_on_task": "stored by upserts alone",
        "unq_client_secrets_client_key": "stored by an upsert alone",
        "trg_mappings_move_forward": "every update looks again at the state of the row that it waited for",
        "trg_sessions_stay_over": "every update looks again at the state of the row that it waited for",
        "trg_workspaces_stay_over": "every update looks again at the state of the row that it waited for",
        "trg_tasks_stay_over": "whoever moves a task holds its row and looks at it afterwards",
    ]

    @Test func everyRuleThatACallerBreaksIsToldInTheCallersWords() async throws {
        let hub = try await TestHub.make()
        try await stage(hub)
        for one in Self.access + Self.work {
            let what = Comment(
                rawValue: "\(one.rule): \(one.operation) \(String(decoding: one.input.serialized(), as: UTF8.self))"
            )
            do {
                _ = try await hub.domains.table.call(one.operation, input: one.input, by: hub.admin)
                Issue.record("it is taken: \(what)")
            } catch {
                let said = Comment(rawValue: "\(what) → \(error) \(String(describing: error.details))")
                #expect(error.details?["constraint"] == nil && error.details?["sqlstate"] == nil, said)
                switch one.told {
                case .field(let field):
                    let paths = error.details?.arrayValue?.compactMap { $0["path"]?.stringValue } ?? []
                    #expect(paths.contains(field) || error.details?["field"]?.stringValue == field, said)
                    #expect([.validation, .conflict].contains(error.code), said)
                case .missing(let words):
                    #expect(error.message.contains(words), said)
                    #expect([.notFound, .conflict].contains(error.code), said)
                }
            }
        }
        await hub.close()
    }

    @Test func everyRuleWithWordsIsBrokenHereOrByARaceOrHeld() {
        let cases = Set((Self.access + Self.work).map(\.rule)).subtracting(["null characters", "large numbers"])
        let broken = cases.union(ConstraintRacesTests.broken)
        let told = Set(ConstraintWords.table.split(separator: "\n").map { String($0.prefix { $0 != ":" }) })
        #expect(told.subtracting(broken).symmetricDifference(Self.held.keys) == [])
        #expect(broken.subtracting(told) == [])
    }

    /// Something of everything, so that what is named beside the wrong value is there.
    private func stage(_ hub: TestHub) async throws {
        for (name, scopes) in [("owner", "org:write"), ("busy", "token:write"), ("seller", "client:write")] {
            let account = try await hub.ask(CreateAccount(email: "\(name)@example.org"))
            let identity = Identity(id: account.id.rawValue, scopes: [scopes])
            let caller = Caller(Principal(identity: identity, accountId: account.id))
            switch name {
            case "owner": _ = try await hub.ask(CreateOrganization(name: "Hers"), by: caller)
            case "busy": _ = try await hub.ask(CreateJoinToken(), by: caller)
            default: _ = try await hub.ask(CreateClient(name: "svc2", type: .custom), by: caller)
            }
        }
        _ = try await hub.ask(CreateAccount(email: "ada@example.org"))
        _ = try await hub.ask(CreateOrganization(name: "Ops"))
        _ = try await hub.ask(CreateOrganization(name: "Other"))
        _ = try await hub.ask(CreateClient(name: "svc", type: .custom))
        _ = try await hub.project("app")
        _ = try await hub.project("web")
        try await hub.tasks(["base", "late"])
        try await hub.tasks(["foreign"], in: "web")
        var spoke = try await ScriptedSpoke.join(hub, "one")
        let session = try await hub.spawn()
        spoke.start(session)
        spoke.exit(session)
        try await spoke.flush()
        try await hub.database.execute(
            Statement<Void>("UPDATE nave.sessions SET slug = 'done' WHERE id = $1"),
            [session.sessionId]
        )
        var once = SpawnOrder(project: "app", run: RunOrder(command: ["true"]))
        once.idempotencyKey = "once"
        _ = try await hub.spawn(once)
        let rows = RowMaker(database: hub.database)
        for name in ["first", "second"] {
            let who = #"'{"id": "x", "scopes": []}'"#
            try await rows.make("call_graph_nodes", ["request_id": "'\(name)'", "identity": who])
        }
    }
}
