import Foundation
import Postgres
import Protocol
import Synchronization
import Testing

@testable import HubDomains

/// A key's life: made, shown once, used, rotated, revoked, expired.
struct KeyTests {
    @Test func aSecretIsReadBackAndNeverPrinted() {
        for kind in Secret.Kind.allCases {
            let secret = Secret(kind)
            #expect(Secret(secret.revealed, kind: kind) == secret)
            #expect(secret.revealed.utf8.count == kind.rawValue.utf8.count + 62)
            #expect(!"\(secret) \(String(reflecting: secret))".contains(secret.revealed.suffix(52)))
        }
        let text = Secret(.key).revealed
        #expect(Secret(text, kind: .joinToken) == nil)
        #expect(Secret(text.uppercased(), kind: .key) == nil)
        #expect(Secret(text + "a", kind: .key) == nil)
        #expect(Secret("", kind: .key) == nil)
    }

    @Test func theFirstStartHappensOnce() async throws {
        let hub = try await TestHub.make()
        #expect(try await !hub.domains.accounts.isFirstStart())
        #expect(try await !hub.domains.accounts.begin(key: Secret(.key), joinToken: Secret(.joinToken)))
        let me = try await hub.ask(GetAccount())
        #expect(me.account.email == "admin")
        #expect(me.account.accessLevel == .admin)
        #expect(me.scopes == ["*"])
        #expect(me.keyId == hub.admin.keyId)
        await hub.close()
    }

    @Test func aKeyCanDoWhatItWasMadeForAndNoMore() async throws {
        let hub = try await TestHub.make()
        let issued = try await hub.ask(
            CreateKey(name: "ci", scopes: ["project:read"], resources: ["project:1": ["deploy"]], ttlSeconds: 60)
        )
        #expect(issued.record.prefix == issued.key.split(separator: "_")[1])
        #expect(issued.record.expiresAt.map { abs($0.timeIntervalSinceNow - 60) < 10 } == true)
        let caller = Caller(try await hub.domains.authenticator.principal(bearer: issued.key))
        #expect(caller.identity.resources == ["project:1": ["deploy"]])
        _ = try await hub.ask(ListProjects(), by: caller)
        #expect(try await hub.refusal(CreateProject(name: "x", repoUrl: "/x"), by: caller)?.code == .accessDenied)
        await hub.close()
    }

    @Test func nobodyMakesAKeyThatCanDoMore() async throws {
        let hub = try await TestHub.make()
        let caller = hub.caller("key:write", "project:read")
        #expect(try await hub.refusal(CreateKey(name: "a", scopes: ["project:read"]), by: caller) == nil)
        for scopes in [["project:write"], ["*"], ["project:read", "key:admin"]] {
            let fault = try await hub.refusal(CreateKey(name: "a", scopes: scopes), by: caller)
            #expect(fault?.code == .accessDenied)
        }
        let resources = CreateKey(name: "a", scopes: [], resources: ["project:1": ["deploy"]])
        #expect(try await hub.refusal(resources, by: caller)?.code == .accessDenied)
        await hub.close()
    }

    @Test func aKeyWithWrongFieldsIsRefusedWithAllOfThem() async throws {
        let hub = try await TestHub.make()
        let wrong = CreateKey(name: "-x", scopes: ["project", "a:b:read"], resources: [":": ["a"]], ttlSeconds: 0)
        let fault = try await hub.refusal(wrong)
        #expect(fault?.code == .validation)
        #expect(
            fault?.details?.arrayValue?.compactMap { $0["path"]?.stringValue } == [
                "name", "scopes[0]", "scopes[1]", "resources.:", "ttlSeconds",
            ]
        )
        await hub.close()
    }

    @Test func aRevokedKeyIsRefusedAtOnce() async throws {
        let hub = try await TestHub.make()
        let issued = try await hub.ask(CreateKey(name: "ci", scopes: ["project:read"]))
        _ = try await hub.domains.authenticator.principal(bearer: issued.key)
        let revoked = try await hub.ask(RevokeKey(id: issued.record.id))
        #expect(revoked.revokedAt != nil)
        #expect(try await hub.ask(RevokeKey(id: issued.record.id)).revokedAt == revoked.revokedAt)
        await #expect(throws: Fault.self) { try await hub.domains.authenticator.principal(bearer: issued.key) }
        #expect(try await hub.refusal(RevokeKey(id: "none"))?.code == .notFound)
        await hub.close()
    }

    @Test func aRotatedKeyIsAcceptedBesideItsSuccessorUntilTheOverlapEnds() async throws {
        let hub = try await TestHub.make()
        let old = try await hub.ask(CreateKey(name: "ci", scopes: ["project:read"], ttlSeconds: 100_000))
        let new = try await hub.ask(RotateKey(id: old.record.id, overlapSeconds: 600))
        for key in [old.key, new.key] {
            #expect(try await hub.domains.authenticator.principal(bearer: key).identity.scopes == ["project:read"])
        }
        let listed = try await hub.ask(ListKeys()).keys.first { $0.id == old.record.id }
        #expect(listed?.rotatedToId == new.record.id)
        #expect(listed?.expiresAt.map { abs($0.timeIntervalSinceNow - 600) < 10 } == true)
        #expect(new.record.expiresAt.map { abs($0.timeIntervalSinceNow - 100_000) < 10 } == true)
        #expect(try await hub.refusal(RotateKey(id: old.record.id))?.code == .conflict)
        let last = try await hub.ask(RotateKey(id: new.record.id, overlapSeconds: 0))
        await #expect(throws: Fault.self) { try await hub.domains.authenticator.principal(bearer: new.key) }
        _ = try await hub.domains.authenticator.principal(bearer: last.key)
        await hub.close()
    }

    @Test func ofTwoRotationsAtOnceOneWins() async throws {
        let hub = try await TestHub.make()
        let old = try await hub.ask(CreateKey(name: "ci", scopes: ["project:read"]))
        let codes = try await withThrowingTaskGroup(of: Fault.Code?.self) { group in
            for _ in 0..<4 { group.addTask { try await hub.refusal(RotateKey(id: old.record.id))?.code } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(codes.filter { $0 == nil }.count == 1)
        #expect(codes.filter { $0 == .conflict }.count == 3)
        #expect(try await hub.count("SELECT count(*) FROM nave.api_keys WHERE name = 'ci'") == 2)
        await hub.close()
    }

    @Test func keysThatAreUnknownExpiredDisabledOrOfALockedAccountAreRefused() async throws {
        let hub = try await TestHub.make()
        let key = try await hub.ask(CreateKey(name: "ci", scopes: []))
        let states = [
            "UPDATE nave.api_keys SET expires_at = now() WHERE id = $1",
            "UPDATE nave.api_keys SET enabled = false, expires_at = NULL WHERE id = $1",
            "UPDATE nave.accounts SET status = 'suspended' WHERE $1 <> ''",
        ]
        for state in states {
            try await hub.database.execute(Statement<Void>(state), [key.record.id])
            let fault = await #expect(throws: Fault.self) {
                try await Authenticator(keys: hub.domains.keys).principal(bearer: key.key)
            }
            #expect(fault?.code == .unauthenticated)
        }
        for text in ["", "nave_", Secret(.key).revealed, hub.joinToken.revealed, "nave_' OR 1=1 --_x"] {
            let fault = await #expect(throws: Fault.self) {
                try await hub.domains.authenticator.principal(bearer: text)
            }
            #expect(fault?.code == .unauthenticated)
        }
        await hub.close()
    }

    @Test func aThousandCallsOfOneKeyAskTheDatabaseOnce() async throws {
        final class Count: Sendable {
            let value = Atomic<Int>(0)
        }
        let asked = Count()
        let question = SharedQuestion<String, Int>()
        let (gate, open) = AsyncStream<Void>.makeStream()
        let (asking, begun) = AsyncStream<Void>.makeStream()
        let answers = try await withThrowingTaskGroup(of: Int.self) { group in
            for number in 0..<1_000 {
                // All others come while the first one's question is under way.
                if number == 1 { for await _ in asking { break } }
                group.addTask {
                    try await question.answer(to: "key") { () async throws(Fault) in
                        asked.value.add(1, ordering: .relaxed)
                        begun.yield()
                        for await _ in gate { break }
                        return 7
                    }
                }
            }
            // Another question does not wait for the first.
            let other = try await question.answer(to: "other") { () async throws(Fault) in 8 }
            #expect(other == 8)
            open.finish()
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(answers == [Int](repeating: 7, count: 1_000) && asked.value.load(ordering: .relaxed) < 1_000)
        // Whoever asks and leaves does not answer for the others.
        let leaving = Task {
            try await question.answer(to: "left") { () async throws(Fault) in
                throw Fault(.aborted, "Gone.")
            }
        }
        _ = await leaving.result
        #expect(try await question.answer(to: "left") { () async throws(Fault) in 9 } == 9)

        let hub = try await TestHub.make()
        let key = try await hub.ask(CreateKey(name: "busy", scopes: []))
        let principals = try await withThrowingTaskGroup(of: Principal.self) { group in
            for _ in 0..<1_000 {
                group.addTask { try await hub.domains.authenticator.principal(bearer: key.key) }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(principals.allSatisfy { $0.keyId == key.record.id })
        await hub.close()
    }

    @Test func strangersSeeAndTouchOnlyTheirOwnKeys() async throws {
        let hub = try await TestHub.make()
        let stranger = try await hub.stranger("key:read", "key:write", "project:read")
        let own = try await hub.ask(CreateKey(name: "mine", scopes: ["project:read"]), by: stranger)
        #expect(try await hub.ask(ListKeys(), by: stranger).keys.map(\.id) == [own.record.id])
        #expect(try await hub.ask(ListKeys()).keys.count == 2)
        let admins = try #require(hub.admin.keyId)
        #expect(try await hub.refusal(RevokeKey(id: admins), by: stranger)?.code == .notFound)
        #expect(try await hub.refusal(RotateKey(id: admins), by: stranger)?.code == .notFound)
        await hub.close()
    }

    @Test func keysForOthersAndRatesAreForThoseWhoLookAfterAllKeys() async throws {
        let hub = try await TestHub.make()
        let ada = try await hub.stranger("key:write", "project:read")
        let hers = ada.accountId.rawValue
        let issued = try await hub.ask(
            CreateKey(name: "hers", scopes: ["project:read"], account: hers, callsPerSecond: 2.5)
        )
        #expect(issued.record.ownerId == ada.accountId)
        #expect(issued.record.callsPerSecond == 2.5 && issued.record.callsBurst == 3)
        let principal = try await hub.domains.authenticator.principal(bearer: issued.key)
        #expect(principal.callRate == CallRate(perSecond: 2.5, burst: 3))
        #expect(try await hub.ask(ListKeys(account: hers)).keys.map(\.id) == [issued.record.id])
        #expect(try await hub.ask(ListKeys(account: hers), by: ada).keys.map(\.id) == [issued.record.id])
        for request in [
            CreateKey(name: "x", scopes: [], account: "admin"), CreateKey(name: "x", scopes: [], callsPerSecond: 9),
        ] {
            #expect(try await hub.refusal(request, by: ada)?.code == .accessDenied)
        }
        #expect(try await hub.refusal(ListKeys(account: "admin"), by: ada)?.code == .accessDenied)
        let faster = UpdateKey(id: issued.record.id, callsPerSecond: 1_000)
        #expect(try await hub.refusal(faster, by: ada)?.code == .accessDenied)
        #expect(try await hub.ask(UpdateKey(id: issued.record.id, name: "mine"), by: ada).callsBurst == 3)
        let rotated = try await hub.ask(RotateKey(id: issued.record.id))
        #expect(rotated.record.callsPerSecond == 2.5, "a rotation changes nothing but the secret")
        #expect(try await hub.ask(UpdateKey(id: issued.record.id, callsPerSecond: 0)).callsPerSecond == nil)
        for (rate, burst) in [(-1.0, nil), (1e9, nil), (1.0, 0), (1.0, 10_000_000)] as [(Double, Int?)] {
            let wrong = CreateKey(name: "x", scopes: [], callsPerSecond: rate, callsBurst: burst)
            #expect(try await hub.refusal(wrong)?.code == .validation)
        }
        #expect(try await hub.refusal(CreateKey(name: "x", scopes: [], callsBurst: 5))?.code == .validation)
        #expect(try await hub.refusal(CreateKey(name: "x", scopes: [], account: "nobody"))?.code == .notFound)
        await hub.close()
    }

    @Test func whoIsLimitedMakesNoKeyThatIsLimitedLess() async throws {
        let hub = try await TestHub.make()
        var slow = hub.caller("key:admin", "project:read")
        slow.principal = Principal(
            identity: slow.identity,
            accountId: slow.accountId,
            keyId: slow.keyId,
            callRate: CallRate(perSecond: 1, burst: 3)
        )
        let inherited = try await hub.ask(CreateKey(name: "same", scopes: ["project:read"]), by: slow)
        #expect(inherited.record.callsPerSecond == 1 && inherited.record.callsBurst == 3)
        let principal = try await hub.domains.authenticator.principal(bearer: inherited.key)
        #expect(principal.callRate == slow.principal.callRate)
        let slower = CreateKey(name: "slower", scopes: [], callsPerSecond: 0.5, callsBurst: 2)
        #expect(try await hub.ask(slower, by: slow).record.callsPerSecond == 0.5)
        for (rate, burst) in [(2.0, 1), (1.0, 4)] {
            let faster = CreateKey(name: "x", scopes: [], callsPerSecond: rate, callsBurst: burst)
            #expect(try await hub.refusal(faster, by: slow)?.code == .accessDenied)
            let update = UpdateKey(id: inherited.record.id, callsPerSecond: rate, callsBurst: burst)
            #expect(try await hub.refusal(update, by: slow)?.code == .accessDenied)
        }
        let unlimited = UpdateKey(id: inherited.record.id, callsPerSecond: 0)
        #expect(try await hub.refusal(unlimited, by: slow)?.code == .accessDenied)
        #expect(try await hub.ask(UpdateKey(id: inherited.record.id, name: "new"), by: slow).name == "new")
        // A rotation hands out a key's rights, its rate among them.
        #expect(try await hub.ask(RotateKey(id: inherited.record.id), by: slow).record.callsBurst == 3)
        let free = try await hub.ask(CreateKey(name: "free", scopes: ["project:read"]))
        #expect(try await hub.refusal(RotateKey(id: free.record.id), by: slow)?.code == .accessDenied)
        #expect(try await hub.ask(ListKeys()).keys.allSatisfy { $0.ownerEmail == "admin" })
        await hub.close()
    }

    @Test func theCommonRateIsASetting() async throws {
        let hub = try await TestHub.make()
        let usual = CallRate(perSecond: 100, burst: 200)
        #expect(try await hub.domains.settings.callRate(otherwise: usual) == usual)
        _ = try await hub.ask(SetSetting(key: "rate.callsPerSecond", value: 7))
        _ = try await hub.ask(SetSetting(key: "rate.callsBurst", value: 9))
        #expect(try await hub.domains.settings.callRate(otherwise: usual) == CallRate(perSecond: 7, burst: 9))
        for (key, value) in [("rate.callsPerSecond", 0), ("rate.callsBurst", .number(1.5)), ("rate.callsBurst", "9")]
            as [(String, JSONValue)]
        {
            #expect(try await hub.refusal(SetSetting(key: key, value: value))?.code == .validation)
        }
        _ = try await hub.ask(SetSetting(key: "rate.callsPerSecond", value: .null))
        #expect(try await hub.domains.settings.callRate(otherwise: usual) == CallRate(perSecond: 100, burst: 9))
        await hub.close()
    }

    @Test func pagesOfKeysFollowEachOther() async throws {
        let hub = try await TestHub.make()
        for number in 0..<7 { _ = try await hub.ask(CreateKey(name: "key \(number)", scopes: [])) }
        var (names, cursor): ([String], String?) = ([], nil)
        repeat {
            let page = try await hub.ask(ListKeys(limit: 3, cursor: cursor))
            names += page.keys.map(\.name)
            cursor = page.nextCursor
        } while cursor != nil
        #expect(names == (0..<7).reversed().map { "key \($0)" } + ["first administrator"])
        #expect(try await hub.refusal(ListKeys(limit: 0))?.code == .validation)
        #expect(try await hub.refusal(ListKeys(cursor: "?"))?.code == .validation)
        await hub.close()
    }

    @Test func lastUseIsWrittenInOneBatchAndOnlyForwards() async throws {
        let hub = try await TestHub.make()
        let id = try #require(hub.admin.keyId)
        #expect(try await hub.domains.keys.find(id)?.lastUsedAt == nil)
        try await hub.domains.authenticator.flushUses()
        let used = try #require(try await hub.domains.keys.find(id)?.lastUsedAt)
        try await hub.domains.keys.touch([KeyUse(key: id, at: used.addingTimeInterval(-60))])
        #expect(try await hub.domains.keys.find(id)?.lastUsedAt == used)
        await hub.close()
    }
}
