import HubCore
import Postgres
import Protocol
import Testing

@testable import HubDomains

/// What spokes offer: what is taken, what is refused, and what everybody may know of it.
struct RegistrationTests {
    static func spec(
        _ id: String,
        version: String = "1",
        input: JSONValue = ["type": "object"],
        access: AccessControl = .scopes("demo:read"),
        description: String = "Does it."
    ) -> OperationSpec {
        let parts = id.split(separator: ".", maxSplits: 1)
        return OperationSpec(
            namespace: String(parts[0]),
            name: String(parts[1]),
            version: version,
            type: .query,
            description: description,
            inputSchema: input,
            outputSchema: true,
            accessControl: access
        )
    }

    @Test func whatMayTakeLongToCheckIsKnownBeforehand() throws {
        let quick: [JSONValue] = [
            true, ["type": "object", "properties": ["path": ["type": "string"]], "required": ["path"]],
            ["type": "array", "items": ["enum": [1, 2, 3]]],
        ]
        let slow: [JSONValue] = [
            ["type": "string", "pattern": "^(a+)+$"], ["items": ["uniqueItems": true]],
            ["properties": ["a": ["$ref": "#"]]],
            ["patternProperties": ["^a": true]], ["items": ["$dynamicRef": "#"]],
            ["enum": .array((0..<300).map { .integer($0) })],
        ]
        for schema in quick { #expect(try OperationContract(Self.spec("demo.a", input: schema)).isQuick) }
        for schema in slow { #expect(try !OperationContract(Self.spec("demo.a", input: schema)).isQuick, "\(schema)") }
    }

    private static func outcome(_ specs: [OperationSpec]) -> RegistrationCheck.Outcome {
        RegistrationCheck(served: ["project"]).read(specs.map { JSONValue(encoding: $0) })
    }

    private static func register(
        _ specs: [OperationSpec],
        hash: String = "h",
        of spoke: ScriptedSpoke
    ) async throws -> OperationsTaken {
        let domains = spoke.hub.domains
        let taken = try await domains.registrations.register(
            outcome(specs),
            hash: hash,
            of: spoke.id,
            incarnation: spoke.incarnation
        )
        try await domains.providers.refresh([spoke.id])
        return taken
    }

    @Test func whatIsWrongWithOneOperationKeepsNoOtherFromBeingTaken() {
        let deep = (0..<40).reduce(JSONValue.bool(true)) { inner, _ in ["not": inner] }
        let large: JSONValue = ["description": .string(String(repeating: "x", count: Limits.schemaBytes))]
        let check = RegistrationCheck(served: ["project"])
        let offers: [JSONValue] = [
            JSONValue(encoding: Self.spec("demo.good")), JSONValue(encoding: Self.spec("demo.good")),
            JSONValue(encoding: Self.spec("project.list")), JSONValue(encoding: Self.spec("dev.x")),
            JSONValue(encoding: Self.spec("1demo.x")), JSONValue(encoding: Self.spec("demo.x y")),
            JSONValue(encoding: Self.spec("demo.a..b")), JSONValue(encoding: Self.spec("demo.v", version: "1@2")),
            JSONValue(encoding: Self.spec("demo.deep", input: deep)),
            JSONValue(encoding: Self.spec("demo.large", input: large)),
            JSONValue(encoding: Self.spec("demo.list", input: [1])), ["name": "nothing"], 7,
            JSONValue(encoding: Self.spec("demo.a.b-c_d")),
        ]
        let outcome = check.read(offers)
        #expect(outcome.specs.map(\.id) == ["demo.a.b-c_d", "demo.good"])
        #expect(outcome.refusals.count == offers.count - 2)
        let codes = Dictionary(outcome.refusals.map { ($0.operation, $0.code) }, uniquingKeysWith: { one, _ in one })
        #expect(codes["demo.good"] == .conflict && codes["project.list"] == .conflict && codes["dev.x"] == .conflict)
        #expect(codes["demo.deep"] == .validation && codes["the operation at 12"] == .validation)
        let many = (0...Limits.operationsPerSpoke).map { JSONValue(encoding: Self.spec("demo.op\($0)")) }
        #expect(check.read(many).specs.count == Limits.operationsPerSpoke)
        #expect(check.read(many).refusals.map(\.code) == [.tooLarge])
    }

    @Test func whatNoDatabaseCanKeepIsRefusedForItsOwnOperationAlone() async throws {
        let hub = try await TestHub.make()
        let spoke = try await ScriptedSpoke.join(hub, "a")
        var (noted, schooled) = (Self.spec("demo.noted"), Self.spec("demo.schooled"))
        noted._meta = ["tool": ["from": ["a\0b"]]]
        schooled.inputSchema = ["type": "object", "properties": ["a\0": true]]
        let offer = [
            Self.spec("demo.good"), Self.spec("demo.said", description: "One\0two."), noted, schooled,
            Self.spec("demo.na\0me"), Self.spec("demo.better"),
        ]
        let taken = try await Self.register(offer, of: spoke)
        #expect(taken.registered == 2)
        #expect(taken.refusals.map(\.operation) == [1, 2, 3, 4].map { "the operation at \($0)" })
        #expect(taken.refusals.allSatisfy { $0.code == .validation && $0.message.contains("U+0000") })
        let paths = taken.refusals.map { String($0.message.prefix { $0 != ":" }) }
        #expect(paths == ["description", "_meta.tool.from[0]", "inputSchema.properties", "name"])
        await hub.close()
    }

    @Test func anOperationIsOfOneKindInAllVersionsThatAreOffered() async throws {
        let hub = try await TestHub.make()
        let (one, two) = (try await ScriptedSpoke.join(hub, "a"), try await ScriptedSpoke.join(hub, "b"))
        var (mutation, query) = (Self.spec("demo.op"), Self.spec("demo.op", version: "2"))
        mutation.type = .mutation
        #expect(try await Self.register([mutation], of: one).refusals.isEmpty)
        let refused = try await Self.register([query, Self.spec("demo.other")], of: two)
        #expect(refused.registered == 1 && refused.refusals.map(\.code) == [.conflict])
        let said = try #require(refused.refusals.first?.message)
        #expect(said.contains("Version 1") && said.contains("mutation") && said.contains("version 2"))
        #expect(hub.domains.providers.contracts(of: "demo.op").map(\.spec.type) == [.mutation])
        // Once nobody offers it any more it may become something else.
        #expect(try await Self.register([query], of: one).refusals.isEmpty)
        #expect(try await Self.register([query], of: two).refusals.isEmpty)
        #expect(hub.domains.providers.contracts(of: "demo.op").map(\.spec.type) == [.query])
        await hub.close()
    }

    @Test func anOfferStandsWhileItsSpokeIsThereAndComesBackWithIt() async throws {
        let hub = try await TestHub.make()
        var spoke = try await ScriptedSpoke.join(hub, "a")
        let taken = try await Self.register([Self.spec("demo.one"), Self.spec("demo.two")], of: spoke)
        #expect(taken == OperationsTaken(hash: "h", registered: 2, refusals: []))
        let active = "SELECT count(*) FROM nave.operation_registrations WHERE status = 'active'"
        #expect(try await hub.count(active) == 2)

        // A listener sees it with its provider, as far as access allows.
        let seen = try await hub.ask(ListOperations(namespace: "demo")).operations
        #expect(seen.map(\.id) == ["demo.one", "demo.two"] && seen[0].spokes == ["a"])
        #expect(try await hub.ask(ListOperations(namespace: "demo"), by: hub.caller("x:read")).operations.isEmpty)
        let schema = try await hub.ask(GetOperationSchema(operation: "demo.one"))
        #expect(schema.providers?.map(\.name) == ["a"] && schema.providers?.first?.type == .spoke)

        // Another hub of the database has its link: that one is to be asked. Its own hub would know of the link.
        let board = hub.domains.providers
        #expect(board.facts(of: "demo.one") { _ in nil }.first?.presence == .elsewhere(url: "http://127.0.0.1:1"))
        board.belongs(to: ScriptedSpoke.hubId)
        #expect(board.facts(of: "demo.one") { _ in nil }.first?.presence == .away(since: nil))

        try await spoke.disconnect()
        #expect(try await hub.count(active) == 0)
        try await hub.domains.providers.refresh([spoke.id])
        #expect(try await hub.ask(ListOperations(namespace: "demo")).operations.isEmpty)
        // Its definition stays, and says who would answer.
        let away = try await hub.ask(GetOperationSchema(operation: "demo.one"))
        #expect(away.providers?.map(\.status) == [.inactive] && away.inputSchema == schema.inputSchema)
        let denied = try await hub.refusal(GetOperationSchema(operation: "demo.one"), by: hub.caller("x:read"))
        #expect(denied?.code == .operationNotFound)
        let facts = hub.domains.providers.facts(of: "demo.one") { _ in nil }
        #expect(facts.map(\.version) == ["1"])
        guard case .away? = facts.first?.presence else {
            Issue.record("a spoke that is away is not known to be")
            return
        }

        // It returns with the same set, known by its hash; with another hash it is asked for the whole.
        _ = try await spoke.connect()
        #expect(try await hub.domains.registrations.resume(spoke.id, incarnation: spoke.incarnation, hash: "h"))
        #expect(try await hub.count(active) == 2)
        #expect(try await !hub.domains.registrations.resume(spoke.id, incarnation: spoke.incarnation, hash: "other"))
        // A new set replaces the former.
        _ = try await Self.register([Self.spec("demo.two")], hash: "h2", of: spoke)
        #expect(try await hub.count("SELECT count(*) FROM nave.operation_registrations") == 1)
        #expect(hub.domains.providers.address("demo.one") == nil)
        // Only the start of the spoke that is connected may say.
        spoke.restart()
        await #expect(throws: Fault.self) { _ = try await Self.register([], of: spoke) }
        await hub.close()
    }

    @Test func anIncompatibleChangeIsRefusedAndStandsUnderANewVersion() async throws {
        let hub = try await TestHub.make()
        let (one, two) = (try await ScriptedSpoke.join(hub, "a"), try await ScriptedSpoke.join(hub, "b"))
        let strict: JSONValue = ["type": "object", "required": ["path"]]
        // Neither could stand for the other; what only accepts less is what an older spoke offers.
        let unlike: JSONValue = ["type": "array"]
        _ = try await Self.register([Self.spec("demo.op"), Self.spec("demo.other")], of: one)
        let refused = try await Self.register(
            [Self.spec("demo.op", input: unlike), Self.spec("demo.other", description: "Better words.")],
            of: two
        )
        #expect(refused.registered == 1 && refused.refusals.map(\.operation) == ["demo.op"])
        #expect(refused.refusals.first?.code == .conflict)
        #expect(
            refused.refusals.first?.message
                == "Version 1 is defined otherwise (inputSchema no longer accepts object); "
                + "offer the change under a new version."
        )
        let alerts = "SELECT count(*) FROM nave.alerts WHERE alert_type = 'operations.refused'"
        #expect(try await hub.count(alerts) == 1)
        #expect(try await hub.ask(GetOperationSchema(operation: "demo.other")).description == "Better words.")
        // What was not taken whole is asked for again.
        #expect(try await !hub.domains.registrations.resume(two.id, incarnation: two.incarnation, hash: "h"))
        // Nobody weakens what the first asked for.
        let weaker = try await Self.register([Self.spec("demo.op", access: .anyone)], of: two)
        #expect(weaker.refusals.first?.message.contains("accessControl") == true)

        // A change that hurts nobody takes the definition's place, and who offers the former stays welcome.
        let wider: JSONValue = ["type": ["object", "null"]]
        #expect(try await Self.register([Self.spec("demo.op", input: wider)], of: two).refusals.isEmpty)
        #expect(try await hub.ask(GetOperationSchema(operation: "demo.op")).inputSchema == wider)
        #expect(try await Self.register([Self.spec("demo.op"), Self.spec("demo.other")], of: one).refusals.isEmpty)
        #expect(try await hub.ask(GetOperationSchema(operation: "demo.op")).inputSchema == wider)

        let versions = try await Self.register([Self.spec("demo.op", version: "2", input: strict)], of: two)
        #expect(versions.refusals.isEmpty)
        let ids = try await hub.database.query(
            Statement<String>("SELECT id FROM nave.operations WHERE namespace = 'demo' ORDER BY id")
        )
        #expect(ids == ["demo.op", "demo.op@2", "demo.other"])
        #expect(try await hub.ask(GetOperationSchema(operation: "demo.op")).version == "2")
        #expect(try await hub.ask(GetOperationSchema(operation: "demo.op@1")).version == "1")
        #expect(try await hub.ask(ListOperations(namespace: "demo")).operations.map(\.version) == ["2", nil, nil])
        let board = hub.domains.providers
        #expect(board.contract(of: "demo.op", on: one.id)?.spec.version == "1")
        #expect(board.contract(of: "demo.op", on: two.id)?.spec.version == "2")
        await hub.close()
    }

    @Test func anAddressNamesAnOperationAndPerhapsASpoke() async throws {
        let hub = try await TestHub.make()
        let (one, dotted) = (try await ScriptedSpoke.join(hub, "a"), try await ScriptedSpoke.join(hub, "my.host"))
        _ = try await Self.register([Self.spec("demo.op.deep")], of: one)
        _ = try await Self.register([Self.spec("demo.op.deep")], of: dotted)
        let board = hub.domains.providers
        #expect(board.address("demo.op.deep") == .init(operationId: "demo.op.deep"))
        #expect(board.address("dev.a.demo.op.deep") == .init(operationId: "demo.op.deep", spokeName: "a"))
        #expect(board.address("dev.my.host.demo.op.deep")?.spokeName == "my.host")
        #expect(board.address("dev.nobody.demo.op.deep@2")?.version == "2")
        #expect(board.address("dev.a.demo.nothing") == nil && board.address("demo") == nil)
        // A spoke that is removed takes its offers with it.
        try await one.disconnect()
        _ = try await hub.ask(RemoveSpoke(spoke: "a"))
        try await board.refresh([one.id])
        #expect(board.facts(of: "demo.op.deep") { _ in nil }.map(\.name) == ["my.host"])
        // Another process reads all of it at its start.
        let other = ProviderBoard(store: hub.domains.registrations)
        try await other.refresh()
        #expect(other.specs.map(\.id) == ["demo.op.deep"])
        await hub.close()
    }

    @Test func aSessionAndItsWorkspaceAreWhereTheyWerePlaced() async throws {
        let hub = try await TestHub.make()
        _ = try await hub.project()
        let spoke = try await ScriptedSpoke.join(hub, "a")
        let session = try await hub.spawn()
        let store = hub.domains.registrations
        #expect(try await store.holder(ofSession: session.sessionId, workspace: nil) == spoke.id)
        #expect(try await store.holder(ofSession: nil, workspace: session.workspaceId) == spoke.id)
        #expect(try await store.holder(ofSession: "none", workspace: "none") == nil)
        await hub.close()
    }
}
