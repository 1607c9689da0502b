import Foundation
import Logging
import Postgres
import Protocol
import Testing

@testable import HubDomains

/// Nothing that a caller may write keeps a mutation's line from being written.
@Suite(.timeLimit(.minutes(5))) struct TrailTests {
    private static let hostile = ["a\u{0}b", String(repeating: "x", count: 4_096), "\u{1B}[2J\u{202E}\u{7F}"]

    /// Names in an input, replaced by something that is no name.
    private static func spoilt(_ input: JSONValue, _ text: String) -> JSONValue {
        switch input {
        case .object(let members):
            .object(
                members.reduce(into: [:]) { spoilt, member in
                    let isName =
                        ["account", "project", "session", "org", "name", "title"].contains(member.key)
                        || member.key.hasSuffix("Id")
                    let isText = member.value.stringValue != nil
                    spoilt[member.key] = isName && isText ? .string(text) : Self.spoilt(member.value, text)
                }
            )
        case .array(let elements): .array(elements.map { spoilt($0, text) })
        case .null, .bool, .integer, .number, .string: input
        }
    }

    private func lines(_ hub: TestHub, _ action: String) async throws -> Int64 {
        try await hub.count("SELECT count(*) FROM nave.audit_logs WHERE action = $1", [action])
    }

    @Test func everyMutationLeavesExactlyOneLineWhateverItsCallerWrites() async throws {
        let hub = try await TestHub.make()
        for spec in hub.domains.table.specs where spec.type == .mutation {
            let example = spec.inputSchema["examples"]?.arrayValue?.first ?? [:]
            for text in Self.hostile {
                var caller = hub.admin
                caller.deadline = Date(timeIntervalSinceNow: 5)
                caller.requestId = text
                // Of an account that may nothing, and of a session that nobody knows.
                var poor = hub.caller("nothing:read")
                poor.requestId = text
                poor.act(as: SessionID(text == Self.hostile[0] ? "gone" : text))
                let few: JSONValue = ["account": .string(text), "project": .string(text)]
                for (caller, input) in [(caller, Self.spoilt(example, text)), (poor, few)] {
                    let before = try await lines(hub, spec.id)
                    // Its line says how it ended.
                    _ = try? await hub.domains.table.call(spec.id, input: input, by: caller)
                    let after = try await lines(hub, spec.id)
                    #expect(after == before + 1, "\(spec.id) \(text.prefix(9).debugDescription)")
                }
            }
        }
        await hub.close()
    }

    @Test func whatSomebodyElseCarriesOutLeavesItsLineUnderItsNode() async throws {
        let hub = try await TestHub.make()
        let input: JSONValue = [
            "project": "a\u{0}b", "account": .string(String(repeating: "é", count: 500)), "org": "o\u{7}",
        ]
        var caller = hub.admin
        caller.callId = "node-1"
        caller.act(as: "gone")
        caller.idempotencyKey = "k"
        _ = try await hub.domains.table.recorded(Elsewhere.spec, input: input, by: caller, of: nil) {
            () async throws(Fault) in Elsewhere.answer(#"{"n":1}"#)
        }
        let line = try #require(try await hub.ask(ListAudit(action: Elsewhere.spec.id)).entries.first)
        #expect(line.outcome == .succeeded && line.sessionId == nil && line.keyId == caller.keyId)
        #expect(line.details["callId"] == "node-1" && line.details["org"] == "o\u{FFFD}")
        #expect(line.details["account"]?.stringValue == String(repeating: "é", count: Limits.nameBytes / 2))
        await hub.close()
    }

    /// A line that names a key, session or organisation that is removed in the same moment is written without it.
    @Test func aLineThatTheDatabaseRefusesIsWrittenBare() async throws {
        let hub = try await TestHub.make()
        try await hub.database.execute(
            Statement<Void>(
                "ALTER TABLE nave.audit_logs ADD CONSTRAINT test CHECK (details ? 'unkept' OR outcome <> 'succeeded')"
            )
        )
        var caller = hub.admin
        for key in [nil, "k"] {
            caller.idempotencyKey = key
            _ = try await hub.domains.table.recorded(Elsewhere.spec, input: 1, by: caller, of: nil) {
                () async throws(Fault) in Elsewhere.answer("2")
            }
        }
        let lines = try await hub.ask(ListAudit(action: Elsewhere.spec.id)).entries
        #expect(lines.count == 2 && lines.allSatisfy { $0.keyId == nil && $0.details["inputDigest"] != nil })
        await hub.close()
    }

    @Test func aSpokeThatJoinsLeavesALineOfWhoseTokenItWas() async throws {
        let hub = try await TestHub.make()
        let issued = try await hub.ask(CreateJoinToken(uses: 2))
        let spokes = hub.domains.coordination.spokes
        let joined = try await spokes.join(JoinRequest(token: issued.token, name: "one"), requestId: "r-1")
        await #expect(throws: Fault.self) { try await spokes.join(JoinRequest(token: issued.token, name: "one")) }
        let lines = try await hub.ask(ListAudit(action: "spoke.join")).entries
        #expect(lines.count == 1, "what did not join left nothing, as its use of the token was given back")
        #expect(lines.first?.accountId == hub.admin.accountId && lines.first?.requestId == "r-1")
        #expect(lines.first?.details["spokeId"]?.stringValue == joined.spokeId.rawValue)
        #expect(lines.first?.details["joinTokenId"]?.stringValue != nil && lines.first?.details["keyId"] != nil)
        let said = String(decoding: (lines.first?.details ?? .null).serialized(), as: UTF8.self)
        #expect(!said.contains(issued.token) && !said.contains(joined.credential))
        await hub.close()
    }

    @Test func theJanitorForgetsAllThatMayGoInOneRound() async throws {
        let hub = try await TestHub.make()
        try await hub.database.execute(
            Statement<Void>(
                """
                INSERT INTO nave.idempotency_keys (account_id, key, input_digest, request_id, expires_at)
                SELECT $1, 'k' || n, '', '', now() + make_interval(hours => CASE n WHEN 1 THEN 1 ELSE -1 END)
                  FROM generate_series(1, 2501) AS n
                """
            ),
            [hub.admin.accountId]
        )
        try await Janitor(domains: hub.domains).sweep()
        #expect(try await hub.count("SELECT count(*) FROM nave.idempotency_keys") == 1)
        await hub.close()
    }
}

/// A mutation that somebody else carries out.
enum Elsewhere {
    static let spec = OperationSpec(
        namespace: "demo",
        name: "write",
        version: "1",
        type: .mutation,
        description: "Writes.",
        inputSchema: true,
        outputSchema: true,
        accessControl: AccessControl(requiredScopes: [])
    )

    static func answer(_ data: String) -> Answer {
        Answer(data: Array(data.utf8), operationId: spec.id, requestId: "r")
    }
}
