import Foundation
import HubDomains
import Postgres
import Protocol
import Testing

/// Rows that are looked up, renamed and removed by those who look after the hub.
struct KeepingTests {
    private func ended(_ hub: TestHub, on spoke: inout ScriptedSpoke) async throws -> SpawnedSession {
        let session = try await hub.spawn()
        spoke.start(session)
        spoke.exit(session)
        try await spoke.flush()
        return session
    }

    @Test func mappingsAreListedByWhatTheyTieTogether() async throws {
        let hub = try await TestHub.make()
        let project = try await hub.project()
        let other = try await hub.project("web")
        var spoke = try await ScriptedSpoke.join(hub, "one")
        let first = try await ended(hub, on: &spoke)
        let second = try await hub.spawn()
        let third = try await hub.spawn("web")
        func ids(_ request: ListMappings) async throws -> [MappingID] { try await hub.ask(request).mappings.map(\.id) }
        #expect(try await ids(ListMappings()) == [third.mappingId, second.mappingId, first.mappingId])
        #expect(try await ids(ListMappings(projectId: other.id)) == [third.mappingId])
        #expect(try await ids(ListMappings(projectId: project.id, status: .completed)) == [first.mappingId])
        #expect(try await ids(ListMappings(sessionId: second.sessionId)) == [second.mappingId])
        #expect(try await ids(ListMappings(workspaceId: third.workspaceId)) == [third.mappingId])
        #expect(try await ids(ListMappings(spokeId: spoke.id)).count == 3)
        #expect(try await ids(ListMappings(parentSessionId: first.sessionId)).isEmpty)
        let page = try await hub.ask(ListMappings(limit: 2))
        let rest = try await hub.ask(ListMappings(limit: 2, cursor: page.nextCursor))
        #expect(rest.mappings.map(\.id) == [first.mappingId] && rest.nextCursor == nil)
        #expect(try await hub.ask(GetMapping(mappingId: first.mappingId)).status == .completed)
        #expect(try await hub.refusal(GetMapping(mappingId: "nope"))?.code == .notFound)
        #expect(try await hub.ask(GetWorkspace(workspaceId: first.workspaceId)).id == first.workspaceId)
        #expect(try await hub.refusal(GetWorkspace(workspaceId: "nope"))?.code == .notFound)
        await hub.close()
    }

    @Test func anOrganisationsMappingsAreItsMembersAlone() async throws {
        let hub = try await TestHub.make()
        let scopes = ["org:write", "project:admin", "coord:write", "coord:read", "workspace:read"]
        let (ada, bob) = (try await hub.stranger(scopes), try await hub.stranger(scopes))
        _ = try await hub.ask(CreateOrganization(name: "Ops"), by: ada)
        _ = try await hub.ask(CreateProject(name: "plans", repoUrl: "/plans", org: "ops"), by: ada)
        let order = SpawnOrder(project: "plans", run: RunOrder(command: ["true"]))
        let spawned = try await hub.ask(SpawnSessions(order), by: ada)
        let (mapping, workspace) = (try #require(spawned.mappingId), try #require(spawned.workspaceId))
        #expect(try await hub.ask(ListMappings(), by: ada).mappings.map(\.id) == [mapping])
        #expect(try await hub.ask(ListMappings(), by: bob).mappings.isEmpty)
        #expect(try await hub.ask(GetMapping(mappingId: mapping), by: ada).id == mapping)
        #expect(try await hub.refusal(GetMapping(mappingId: mapping), by: bob)?.code == .notFound)
        #expect(try await hub.ask(GetWorkspace(workspaceId: workspace), by: ada).id == workspace)
        #expect(try await hub.refusal(GetWorkspace(workspaceId: workspace), by: bob)?.code == .notFound)
        await hub.close()
    }

    @Test func aSessionIsRenamedFoundAndRemovedOnceItWasPutAway() async throws {
        let hub = try await TestHub.make()
        _ = try await hub.project()
        var spoke = try await ScriptedSpoke.join(hub, "one")
        let session = try await ended(hub, on: &spoke)
        let id = session.sessionId.rawValue
        let named = try await hub.ask(UpdateSession(sessionId: id, title: "Tests", roleName: "architect"))
        #expect(named.title == "Tests" && named.roleName == "architect")
        #expect(try await hub.refusal(UpdateSession(sessionId: id, title: "-x"))?.code == .validation)
        _ = try await hub.spawn()
        func found(_ request: ListSessions) async throws -> [SessionID] {
            try await hub.ask(request).sessions.map(\.id)
        }
        #expect(try await found(ListSessions(roleName: "architect")) == [session.sessionId])
        #expect(try await found(ListSessions(workspaceId: session.workspaceId)) == [session.sessionId])
        #expect(try await found(ListSessions(accountId: hub.admin.accountId)).count == 2)
        #expect(try await found(ListSessions(accountId: "nobody")).isEmpty)
        #expect(try await hub.ask(UpdateSession(sessionId: id, roleName: "")).roleName == nil)
        let early = try await hub.refusal(DeleteSession(sessionId: id))
        #expect(early?.code == .invalidTransition && early?.details?["status"] == "idle")
        _ = try await hub.ask(ArchiveSession(sessionId: id))
        #expect(try await hub.ask(DeleteSession(sessionId: id)).id == session.sessionId)
        #expect(try await hub.refusal(GetSession(sessionId: id))?.code == .notFound)
        #expect(try await hub.refusal(GetMapping(mappingId: session.mappingId))?.code == .notFound)
        #expect(try await hub.ask(GetWorkspace(workspaceId: session.workspaceId)).state == .ready, "the worktree stays")
        #expect(try await hub.ask(VerifyHub()).complete)
        await hub.close()
    }

    @Test func anAccountThatLeftNoTraceIsRemovedAndOthersSayWhatUsesThem() async throws {
        let hub = try await TestHub.make()
        let ada = try await hub.ask(CreateAccount(email: "ada@example.org"))
        let key = try await hub.ask(CreateKey(name: "hers", scopes: ["org:write"], account: "ada@example.org"))
        let caller = Caller(try await hub.domains.authenticator.principal(bearer: key.key))
        _ = try await hub.ask(CreateOrganization(name: "Engines"), by: caller)
        _ = try await hub.ask(CreateClient(name: "svc", type: .custom))
        _ = try await hub.ask(UpdateClient(client: "svc", owner: "ada@example.org"))
        let used = try await hub.refusal(DeleteAccount(account: "ada@example.org"))
        #expect(used?.code == .conflict && used?.details?["field"] == "account")
        #expect(used?.details?["organizations"] == ["Engines"] && used?.details?["clients"] == ["svc"])
        #expect(used?.details?["auditEntries"] == 1)
        for word in ["Engines", "svc", "org.transferOwnership", "client.update", "account.deactivate"] {
            #expect(used?.message.contains(word) == true, "\(word)")
        }
        _ = try await hub.ask(CreateAccount(email: "bob@example.org"))
        let bobs = try await hub.ask(CreateKey(name: "his", scopes: ["org:read"], account: "bob@example.org"))
        _ = try await hub.domains.authenticator.principal(bearer: bobs.key)
        #expect(try await hub.ask(DeleteAccount(account: "bob@example.org")).email == "bob@example.org")
        await #expect(throws: Fault.self) { try await hub.domains.authenticator.principal(bearer: bobs.key) }
        #expect(try await hub.refusal(GetAccount(account: "bob@example.org"))?.code == .notFound)
        #expect(try await hub.refusal(DeleteAccount(account: "admin"))?.details?["field"] == "account", "not oneself")
        let denied = hub.caller("account:write")
        #expect(try await hub.refusal(DeleteAccount(account: ada.id.rawValue), by: denied)?.code == .accessDenied)
        let locked = try await hub.ask(SuspendAccount(account: ada.id.rawValue))
        let handed = try await hub.refusal(UpdateClient(client: "svc", owner: locked.email))
        #expect(handed?.details?["field"] == "owner")
        await hub.close()
    }

    @Test func aSpokeIsKeptForAProjectAndGivenBack() async throws {
        let hub = try await TestHub.make()
        let project = try await hub.project()
        _ = try await hub.project("web")
        let spoke = try await ScriptedSpoke.join(hub, "one")
        #expect(try await hub.ask(UpdateSpoke(spoke: "one", project: "web")).projectId != nil)
        let waiting = try await hub.spawn()
        #expect(waiting.spokeId == nil)
        let why = try await hub.ask(ExplainWaiting(sessionId: waiting.sessionId.rawValue))
        #expect(why.spokes.map(\.reason) == [.project])
        #expect(try await hub.spawn("web").spokeId == spoke.id)
        #expect(try await hub.ask(ListSpokes(projectId: project.id)).spokes.isEmpty)
        #expect(try await hub.ask(UpdateSpoke(spoke: "one", project: "")).projectId == nil)
        #expect(try await hub.domains.coordination.placeWaiting() == 1)
        #expect(try await hub.refusal(UpdateSpoke(spoke: "one", project: "nope"))?.code == .notFound)
        await hub.close()
    }

    @Test func savedWorkKeepsItsProjectUntilSomebodyGivesItUp() async throws {
        let hub = try await TestHub.make()
        let project = try await hub.project()
        let rows = RowMaker(database: hub.database)
        let place = ["project_id": "'\(project.id)'", "state": "'removed'", "removed_at": "now()"]
        let workspace = try await rows.make("workspaces", place)
        let saved = try await rows.make(
            "salvages",
            [
                "project_id": "'\(project.id)'", "workspace_id": "'\(workspace)'",
                "expires_at": "now() + interval '1 day'",
            ]
        )
        let refused = try await hub.refusal(DeleteProject(project: "app"))
        #expect(refused?.code == .conflict && refused?.details?["salvages"] == [.string(saved)])
        #expect(refused?.message.contains("discardSalvaged") == true)
        #expect(try await hub.ask(DeleteProject(project: "app", discardSalvaged: true)).id == project.id)
        #expect(try await hub.count("SELECT count(*) FROM nave.salvages") == 0)
        await hub.close()
    }

    @Test func offersAreListedAndADefinitionThatNobodyOffersIsForgotten() async throws {
        let hub = try await TestHub.make()
        let rows = RowMaker(database: hub.database)
        let here = [
            "status": "'connected'", "connected_at": "now()", "disconnected_at": "NULL", "incarnation": "'i'",
        ]
        let spoke = try await rows.make("spokes", here)
        let operation = try await rows.make("operations")
        let offer = try await rows.make(
            "operation_registrations",
            ["operation_id": "'\(operation)'", "provider_id": "'\(spoke)'"]
        )
        try await rows.make("operation_registrations")
        try await rows.make("call_graph_nodes", ["operation_id": "'\(operation)'"])
        #expect(try await hub.ask(ListRegistrations(operationId: operation)).registrations.map(\.id) == [offer])
        #expect(try await hub.ask(ListRegistrations(providerId: spoke, status: .active)).registrations.count == 1)
        #expect(try await hub.ask(ListRegistrations(providerType: .hub)).registrations.isEmpty)
        let page = try await hub.ask(ListRegistrations(limit: 1))
        let rest = try await hub.ask(ListRegistrations(limit: 1, cursor: page.nextCursor))
        #expect(rest.registrations.map(\.id) == [offer] && rest.nextCursor == nil)
        let offered = try await hub.refusal(DeleteOperation(operationId: operation))
        #expect(offered?.code == .conflict && offered?.details?["providers"] == [.string(spoke)])
        try await hub.database.execute(
            Statement<Void>("UPDATE nave.spokes SET status = 'disconnected', disconnected_at = now() WHERE id = $1"),
            [spoke]
        )
        let gone = try await hub.ask(DeleteOperation(operationId: operation))
        #expect(gone == .init(operationId: operation, registrations: 1, calls: 1))
        #expect(try await hub.refusal(DeleteOperation(operationId: operation))?.code == .notFound)
        #expect(try await hub.refusal(DeleteOperation(operationId: "__removed__"))?.code == .notFound)
        await hub.close()
    }

    @Test func joinTokensAreListedPageByPage() async throws {
        let hub = try await TestHub.make()
        for ttl in [600, 300, 900] { _ = try await hub.ask(CreateJoinToken(ttlSeconds: ttl)) }
        let all = try await hub.ask(ListJoinTokens()).tokens.map(\.id)
        var (paged, cursor): ([JoinTokenID], String?) = ([], nil)
        repeat {
            let page = try await hub.ask(ListJoinTokens(limit: 1, cursor: cursor))
            paged += page.tokens.map(\.id)
            cursor = page.nextCursor
        } while cursor != nil
        #expect(all.count == 4 && paged == all)
        await hub.close()
    }
}
