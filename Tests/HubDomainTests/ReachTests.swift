import HubCore
import Postgres
import Protocol
import Testing

@testable import HubDomains

/// What an input names, and who is let through to it: one gate for all operations.
struct ReachTests {
    @Test func whatAnInputNamesIsFoundAtAnyDepth() {
        let input: JSONValue = [
            "project": "p", "tasks": [["projectId": "q", "note": "projectId"], ["parentSessionId": "s"]],
            "sessionIds": ["s", "t", 7], "target": ["sessionId": .null, "workspaceId": "w"], "org": "o",
        ]
        let names = Belongings(of: input)
        #expect(
            Set(names.names) == [
                .init(.project, "p"), .init(.project, "q"), .init(.session, "s"), .init(.session, "t"),
                .init(.workspace, "w"), .init(.organization, "o"),
            ]
        )
        #expect(names.names.count == 6, "each once")
        #expect(names.first(.organization) == "o")
        #expect(!names.owned.contains { $0.kind == .organization })
        #expect(Belongings(of: "project").names.isEmpty)
    }

    /// An organisation's project with a session in a worktree, and who may see them.
    private struct Stage {
        let hub: TestHub
        let member: Caller
        let stranger: Caller

        static func make() async throws -> Stage {
            let hub = try await TestHub.make()
            let scopes = [
                "org:write", "project:admin", "session:write", "workspace:write", "salvage:write", "coord:write",
                "hub:read", "task:write", "detection:write",
            ]
            let (member, stranger) = (try await hub.stranger(scopes), try await hub.stranger(scopes))
            _ = try await hub.ask(CreateOrganization(name: "Ops"), by: member)
            let project = try await hub.ask(CreateProject(name: "plans", repoUrl: "/plans", org: "ops"), by: member)
            try await hub.database.execute(
                Statement<Void>(
                    """
                    WITH place AS (
                        INSERT INTO nave.workspaces (id, project_id, name, branch) VALUES ('w', $1, 'w', 'w')
                    ), session AS (
                        INSERT INTO nave.sessions (id, project_id, workspace_id, slug, title)
                        VALUES ('s', $1, 'w', 'slug', 'Title')
                    ), task AS (
                        INSERT INTO nave.tasks (id, project_id, slug, name) VALUES ('t', $1, 't', 'T')
                    ), detection AS (
                        INSERT INTO nave.detections (id, session_id, anomaly_type, severity)
                        VALUES ('d', 's', 'SESSION_STALL', 'medium')
                    )
                    INSERT INTO nave.mappings (id, session_id, workspace_id, status) VALUES ('m', 's', 'w', 'completed')
                    """
                ),
                [project.id]
            )
            return Stage(hub: hub, member: member, stranger: stranger)
        }
    }

    @Test func strangersFindNothingOfAnOrganisationInAnyList() async throws {
        let stage = try await Stage.make()
        let (hub, stranger) = (stage.hub, stage.stranger)
        for (caller, count) in [(stage.member, 1), (stranger, 0), (hub.admin, 1)] {
            #expect(try await hub.ask(ListProjects(), by: caller).projects.count == count)
            #expect(try await hub.ask(ListSessions(), by: caller).sessions.count == count)
            #expect(try await hub.ask(ListWorkspaces(), by: caller).workspaces.count == count)
            #expect(try await hub.ask(ListTasks(), by: caller).tasks.count == count)
            #expect(try await hub.ask(GetCoordinationStatus(), by: caller).mappings.count == count)
        }
        await hub.close()
    }

    /// Property: whatever operation has a field that names something, it is closed to strangers, with the answer that
    /// it is not there.
    @Test func everyOperationThatNamesSomethingOfAnOrganisationIsClosedToStrangers() async throws {
        let stage = try await Stage.make()
        let (hub, stranger) = (stage.hub, stage.stranger)
        let known: [Belongings.Kind: String] = [
            .project: "plans", .session: "s", .workspace: "w", .task: "t", .detection: "d",
        ]
        var tried = 0
        for spec in hub.domains.table.specs {
            guard case .object(let properties)? = spec.inputSchema["properties"] else { continue }
            for (field, kind) in Belongings.fields {
                guard let property = properties[field], let name = known[kind],
                    let example = spec.inputSchema["examples"]?.arrayValue?.first, case .object(var input) = example
                else { continue }
                input[field] = property["type"] == "array" ? [.string(name)] : .string(name)
                if (try? spec.accessControl.check(stranger.identity)) == nil { continue }  // Closed by scope already.
                let input2 = input
                if spec.type == .subscription {
                    // A door that asks before it streams hears the same.
                    let early = await refusalBeforeStreaming(hub, spec.id, .object(input2), by: stranger)
                    #expect(early?.code == .notFound, "\(spec.id) \(field)")
                }
                let fault = await #expect(throws: Fault.self, "\(spec.id) \(field)") {
                    if spec.type == .subscription {
                        try await hub.domains.table.subscribe(spec.id, input: .object(input2), by: stranger) { _ in }
                    } else {
                        _ = try await hub.domains.table.call(spec.id, input: .object(input2), by: stranger)
                    }
                }
                #expect(fault?.code == .notFound, "\(spec.id) \(field): \(fault?.message ?? "")")
                tried += 1
            }
        }
        #expect(tried >= 12, "only \(tried) were found")
        await hub.close()
    }

    private func refusalBeforeStreaming(_ hub: TestHub, _ name: String, _ input: JSONValue, by caller: Caller) async
        -> Fault?
    {
        do throws(Fault) {
            try await hub.domains.table.checkSubscription(name, input: input, by: caller)
            return nil
        } catch {
            return error
        }
    }

    @Test func whatIsFollowedInAnOrganisationEndsWithTheMembership() async throws {
        let stage = try await Stage.make()
        let hub = stage.hub
        let calls = hub.domains.calls
        var leaving = stage.stranger
        _ = try await hub.ask(AddMember(org: "ops", account: leaving.accountId.rawValue), by: stage.member)
        var open: [String: OpenCall] = [:]
        func follow(_ name: String, _ input: JSONValue, by caller: Caller, _ kind: OperationKind) async throws {
            var caller = caller
            caller.requestId = name
            let subject = CallSubject(operationId: "process.run", kind: kind)
            let call = try await calls.recorder.open(subject, input: .value(input), by: caller, waits: true)
            call.whenAborted { calls.recorder.close(call, .failed(Fault(.aborted, ""))) }
            open[name] = call
        }
        try await follow("program", ["workspaceId": "w", "command": ["make"]], by: leaving, .subscription)
        try await follow("elsewhere", ["command": ["make"]], by: leaving, .subscription)
        try await follow("member", ["workspaceId": "w"], by: stage.member, .subscription)
        try await follow("overseer", ["workspaceId": "w"], by: hub.admin, .subscription)
        try await follow("mutation", ["workspaceId": "w"], by: leaving, .mutation)
        leaving.target = CallTarget(sessionId: "s")
        try await follow("target", [:], by: leaving, .subscription)
        func ended() -> [String] { open.filter { $0.value.abortion?.code == .notFound }.keys.sorted() }
        try await calls.endOfMemberships()
        #expect(ended() == [])
        _ = try await hub.ask(RemoveMember(org: "ops", account: leaving.accountId.rawValue), by: stage.member)
        try await calls.endOfMemberships()
        #expect(ended() == ["program", "target"])
        await hub.close()
    }

    @Test func whoNamesTooMuchIsTold() async throws {
        let stage = try await Stage.make()
        let ids = (0...Limits.namesPerCall).map { SessionID("s\($0)") }
        #expect(try await stage.hub.refusal(WaitForSessions(sessionIds: ids), by: stage.stranger)?.code == .tooLarge)
        await stage.hub.close()
    }
}
