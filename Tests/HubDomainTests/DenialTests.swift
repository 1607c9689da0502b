import Foundation
import Postgres
import Protocol
import Testing

@testable import HubDomains

/// Default deny: every operation of the table, and every way in which a key may be no good.
struct DenialTests {
    /// Operations that need no more than an identity: who one is, and what one may ask.
    static let open: Set = ["account.get", "operation.list", "operation.schema", "operation.search"]

    @Test func everyOperationIsClosedToAKeyWithoutScopes() async throws {
        let hub = try await TestHub.make()
        let nobody = try await hub.stranger()
        for spec in hub.domains.table.specs {
            let isOpen = spec.accessControl == .anyone
            // What neither needs a scope nor is listed here was forgotten.
            #expect(!isOpen || Self.open.contains(spec.id) || spec.namespace == "coord", "\(spec.id) is open to all")
            guard !isOpen else { continue }
            let input = spec.inputSchema["examples"]?.arrayValue?.first ?? [:]
            let fault = await #expect(throws: Fault.self, "\(spec.id)") {
                if spec.type == .subscription {
                    try await hub.domains.table.subscribe(spec.id, input: input, by: nobody) { _ in }
                } else {
                    _ = try await hub.domains.table.call(spec.id, input: input, by: nobody)
                }
            }
            #expect(fault?.code == .accessDenied, "\(spec.id)")
            // The requirement is one that can be met by a key: a scope of the contract's form.
            let needed = spec.accessControl.requiredScopes + (spec.accessControl.requiredScopesAny ?? [])
            #expect(!needed.isEmpty || spec.accessControl.resourceType != nil, "\(spec.id)")
        }
        await hub.close()
    }

    @Test func aKeyThatIsNoGoodIsRefusedHoweverItCameToThat() async throws {
        let hub = try await TestHub.make()
        let authenticator = hub.domains.authenticator
        func make(_ name: String) async throws -> IssuedKey {
            let key = try await hub.ask(CreateKey(name: name, scopes: ["project:read"]))
            // Remembered: what follows must be felt in spite of that.
            _ = try await authenticator.principal(bearer: key.key)
            return key
        }
        func why(_ key: IssuedKey) async -> String? {
            do {
                _ = try await authenticator.principal(bearer: key.key)
                return nil
            } catch {
                #expect(error.code == .unauthenticated)
                return error.message
            }
        }
        let revoked = try await make("revoked")
        _ = try await hub.ask(RevokeKey(id: revoked.record.id))
        #expect(await why(revoked)?.contains("revoked") == true)

        let rotated = try await make("rotated")
        _ = try await hub.ask(RotateKey(id: rotated.record.id, overlapSeconds: 0))
        #expect(await why(rotated)?.contains("expired") == true)

        let disabled = try await make("disabled")
        #expect(try await hub.ask(UpdateKey(id: disabled.record.id, enabled: false)).enabled == false)
        #expect(await why(disabled)?.contains("switched off") == true)
        _ = try await hub.ask(UpdateKey(id: disabled.record.id, enabled: true))
        #expect(await why(disabled) == nil)

        let expired = try await make("expired")
        try await hub.database.execute(
            Statement<Void>("UPDATE nave.api_keys SET expires_at = now() WHERE id = $1"),
            [expired.record.id]
        )
        authenticator.forgetAll()
        #expect(await why(expired)?.contains("expired") == true)
        let accepted = try await hub.domains.keys.accepted(
            among: [revoked, rotated, disabled, expired].map(\.record.id) + ["none"]
        )
        #expect(accepted == [disabled.record.id])
        await hub.close()
    }

    @Test func aSessionsKeyEndsTheMomentTheSessionDoes() async throws {
        let hub = try await TestHub.make()
        let project = try await hub.ask(CreateProject(name: "p", repoUrl: "/p"))
        try await hub.database.execute(
            Statement<Void>(
                """
                WITH session AS (
                    INSERT INTO nave.sessions (id, project_id, slug, title) VALUES ('s', $1, 's', 's')
                )
                INSERT INTO nave.mappings (id, session_id, status) VALUES ('m', 's', 'active')
                """
            ),
            [project.id]
        )
        var session = hub.caller("key:write", "project:read")
        session.act(as: "s")
        // What a session makes for itself is the session's, whatever it was granted.
        let issued = try await hub.ask(CreateKey(name: "mine", scopes: ["project:read"]), by: session)
        #expect(issued.record.sessionId == "s")
        let more = CreateKey(name: "more", scopes: ["project:write"])
        #expect(try await hub.refusal(more, by: session)?.code == .accessDenied)
        let authenticator = hub.domains.authenticator
        #expect(try await authenticator.principal(bearer: issued.key).sessionId == "s")
        try await hub.database.execute(Statement<Void>("UPDATE nave.mappings SET status = 'completed'"))
        let over = await #expect(throws: Fault.self) { try await authenticator.principal(bearer: issued.key) }
        #expect(over?.code == .unauthenticated && over?.message.contains("session") == true)
        await hub.close()
    }

    @Test func aRemovedSpokesCredentialIsRefusedAtOnceAndALockedAccountsSessionsAskNothing() async throws {
        let hub = try await TestHub.make()
        let spokes = hub.domains.coordination.spokes
        let joined = try await spokes.join(JoinRequest(token: hub.joinToken.revealed, name: "s1"))
        let authenticator = hub.domains.authenticator
        let principal = try await authenticator.principal(bearer: joined.credential)
        #expect(principal.spokeId == joined.spokeId && principal.identity.scopes == ["spoke:link"])
        let news = hub.database.listen([KeyHolders.channel])
        var heard = news.makeAsyncIterator()
        #expect(await heard.next() == .reconnected)
        _ = try await hub.ask(RemoveSpoke(spoke: "s1"))
        guard case .notified(_, let text)? = await heard.next() else { return #expect(Bool(false), "nothing was told") }
        #expect(KeyHolders(text) == .spoke(joined.spokeId) && KeyHolders(text).include(principal))
        authenticator.forget(KeyHolders(text))
        await #expect(throws: Fault.self) { try await authenticator.principal(bearer: joined.credential) }
        let kept = try await hub.domains.keys.accepted(among: principal.keyId.map { [$0] } ?? [])
        #expect(kept.isEmpty)
        await hub.close()
    }

    @Test func newsOfKeysSaysWhoseTheyAre() {
        #expect(KeyHolders("account:a:b") == .account("a:b"))
        #expect(KeyHolders("spoke:s") == .spoke("s"))
        #expect(KeyHolders("6f1f4f0e") == .key("6f1f4f0e"))
        #expect(KeyHolders("") == .key(""))
    }
}
