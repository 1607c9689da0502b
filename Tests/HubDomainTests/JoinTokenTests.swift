import Foundation
import HubDomains
import Postgres
import Protocol
import Testing

/// Join tokens: short, few uses, and never used more often than allowed.
struct JoinTokenTests {
    private func redeem(_ token: String, at hub: TestHub) async throws(Fault) -> JoinTokenStore.Redemption {
        let tokens = hub.domains.joinTokens
        return try await hub.database.transaction { transaction async throws(Fault) in
            try await tokens.redeem(token, in: transaction)
        }
    }

    @Test func aTokenIsRedeemedWithItsLabels() async throws {
        let hub = try await TestHub.make()
        let issued = try await hub.ask(CreateJoinToken(ttlSeconds: 60, labels: ["region": "eu"]))
        #expect(issued.token.hasPrefix("navejoin_"))
        #expect(abs(issued.expiresAt.timeIntervalSinceNow - 60) < 10)
        let redeemed = try await redeem(issued.token, at: hub)
        #expect(redeemed.labels == ["region": "eu"])
        #expect(redeemed.createdBy == hub.admin.accountId)
        let fault = await #expect(throws: Fault.self) { try await redeem(issued.token, at: hub) }
        #expect(fault?.code == .unauthenticated)
        #expect(fault?.message.contains("used up") == true)
        await hub.close()
    }

    @Test func theFirstStartsTokenOpensOneSpoke() async throws {
        let hub = try await TestHub.make()
        _ = try await redeem(hub.joinToken.revealed, at: hub)
        await #expect(throws: Fault.self) { try await redeem(hub.joinToken.revealed, at: hub) }
        await hub.close()
    }

    @Test func ofTwentySpokesAtOnceAsManyJoinAsTheTokenHasUses() async throws {
        let hub = try await TestHub.make()
        let issued = try await hub.ask(CreateJoinToken(uses: 3))
        let joined = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<20 {
                group.addTask { (try? await redeem(issued.token, at: hub)) != nil }  // Refused or not is the question.
            }
            return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        #expect(joined == 3)
        #expect(try await hub.ask(ListJoinTokens()).tokens.map(\.prefix) == [hub.joinToken.prefix])
        await hub.close()
    }

    @Test func aUseIsGivenBackWhenTheSpokeIsNotMade() async throws {
        let hub = try await TestHub.make()
        let (tokens, token) = (hub.domains.joinTokens, hub.joinToken.revealed)
        await #expect(throws: Fault.self) {
            try await hub.database.transaction { transaction async throws(Fault) -> Void in
                _ = try await tokens.redeem(token, in: transaction)
                throw Fault(.conflict, "There is a spoke of this name already.")
            }
        }
        _ = try await redeem(token, at: hub)
        await hub.close()
    }

    @Test func expiredRevokedUnknownAndForeignTokensAreRefused() async throws {
        let hub = try await TestHub.make()
        let revoked = try await hub.ask(CreateJoinToken())
        #expect(try await hub.ask(RevokeJoinToken(id: revoked.id)).usesLeft == 0)
        let expired = try await hub.ask(CreateJoinToken())
        try await hub.database.execute(
            Statement<Void>("UPDATE nave.join_tokens SET expires_at = now() WHERE id = $1"),
            [expired.id]
        )
        for token in [revoked.token, expired.token, Secret(.joinToken).revealed, hub.adminKey.revealed, ""] {
            let fault = await #expect(throws: Fault.self) { try await redeem(token, at: hub) }
            #expect(fault?.code == .unauthenticated)
        }
        #expect(try await hub.refusal(RevokeJoinToken(id: "none"))?.code == .notFound)
        await hub.close()
    }

    @Test func wrongFieldsAreNamed() async throws {
        let hub = try await TestHub.make()
        let fault = try await hub.refusal(
            CreateJoinToken(ttlSeconds: 0, uses: 10_001, labels: ["-k": "v", "ok": "-v", "odd": "a\u{7}b"])
        )
        #expect(
            fault?.details?.arrayValue?.compactMap { $0["path"]?.stringValue } == [
                "ttlSeconds", "uses", "labels.-k", "labels.odd", "labels.ok",
            ]
        )
        #expect(try await hub.refusal(CreateJoinToken(), by: hub.caller("token:read"))?.code == .accessDenied)
        await hub.close()
    }
}
