import HubCore
import Postgres
import Protocol
import Testing

@testable import HubDomains

/// An account's life: made, changed, locked, opened, given up.
struct AccountTests {
    @Test func theStatesOfAnAccountFollowEachOtherAsTheTableSays() {
        let allowed: [AccountStatus: Set<AccountStatus>] = [
            .active: [.suspended, .deactivated], .suspended: [.active, .deactivated], .deactivated: [.active],
        ]
        for from in AccountStatus.allCases {
            for next in AccountStatus.allCases {
                #expect(AccountLifecycle.mayBecome(next, from: from) == allowed[from]?.contains(next))
            }
        }
        #expect(AccountLifecycle.origins(of: .deactivated) == [.active, .suspended])
    }

    @Test func anAccountIsMadeFoundListedAndChanged() async throws {
        let hub = try await TestHub.make()
        let ada = try await hub.ask(CreateAccount(email: "Ada@Example.org", displayName: "Ada"))
        #expect(ada.email == "ada@example.org")
        #expect(ada.accessLevel == .user && ada.status == .active)
        #expect(try await hub.ask(GetAccount(account: "ADA@example.org")).account == ada)
        #expect(try await hub.ask(GetAccount(account: ada.id.rawValue)).account == ada)
        #expect(try await hub.ask(GetAccount()).account.email == "admin")
        let changed = try await hub.ask(
            UpdateAccount(account: "ada@example.org", email: "al@example.org", accessLevel: .service)
        )
        #expect(changed.email == "al@example.org" && changed.displayName == "Ada" && changed.accessLevel == .service)
        #expect(try await hub.ask(ListAccounts()).accounts.map(\.email) == ["admin", "al@example.org"])
        #expect(try await hub.ask(ListAccounts(text: "ADA")).accounts.map(\.id) == [ada.id])
        #expect(try await hub.ask(ListAccounts(status: .suspended)).accounts.isEmpty)
        let first = try await hub.ask(ListAccounts(limit: 1))
        let second = try await hub.ask(ListAccounts(limit: 1, cursor: first.nextCursor))
        #expect(second.accounts.map(\.id) == [ada.id] && second.nextCursor == nil)
        await hub.close()
    }

    @Test func whatIsWrongWithAnAccountIsSaidByField() async throws {
        let hub = try await TestHub.make()
        _ = try await hub.ask(CreateAccount(email: "ada@example.org"))
        let twice = try await hub.refusal(CreateAccount(email: "ADA@example.org"))
        #expect(twice?.code == .conflict && twice?.details?["field"] == "email")
        #expect(twice?.message.contains("ada@example.org") == true)
        let renamed = try await hub.refusal(UpdateAccount(email: "ada@example.org"))
        #expect(renamed?.code == .conflict && renamed?.details?["field"] == "email")
        for email in ["", "ada", "@example.org", "a@b@c", "-a@b", "a b@c"] {
            let fault = try await hub.refusal(CreateAccount(email: email))
            #expect(fault?.code == .validation, "\(email)")
            #expect(fault?.details?.arrayValue?.first?["path"] == "email")
        }
        #expect(try await hub.refusal(GetAccount(account: "nobody@example.org"))?.code == .notFound)
        await hub.close()
    }

    @Test func aSuspendedAccountsKeysAreRefusedAtOnceAndAcceptedAgainLater() async throws {
        let hub = try await TestHub.make()
        let ada = try await hub.ask(CreateAccount(email: "ada@example.org"))
        let key = try await hub.ask(CreateKey(name: "hers", scopes: ["project:read"], account: "ada@example.org"))
        #expect(key.record.ownerId == ada.id)
        let authenticator = hub.domains.authenticator
        #expect(try await authenticator.principal(bearer: key.key).accountId == ada.id)
        #expect(try await hub.ask(SuspendAccount(account: "ada@example.org")).status == .suspended)
        let locked = await #expect(throws: Fault.self) { try await authenticator.principal(bearer: key.key) }
        #expect(locked?.code == .unauthenticated && locked?.message.contains("locked") == true)
        let again = try await hub.refusal(SuspendAccount(account: "ada@example.org"))
        #expect(again?.code == .invalidTransition && again?.details?["status"] == "suspended")
        #expect(try await hub.refusal(CreateKey(name: "x", scopes: [], account: "ada@example.org"))?.code == .conflict)
        #expect(try await hub.ask(ActivateAccount(account: "ada@example.org")).status == .active)
        #expect(try await authenticator.principal(bearer: key.key).accountId == ada.id)
        #expect(try await hub.ask(DeactivateAccount(account: "ada@example.org")).status == .deactivated)
        await #expect(throws: Fault.self) { try await authenticator.principal(bearer: key.key) }
        #expect(try await hub.refusal(SuspendAccount(account: "ada@example.org"))?.code == .invalidTransition)
        await hub.close()
    }

    @Test func theLastAdministratorStays() async throws {
        let hub = try await TestHub.make()
        #expect(try await hub.refusal(SuspendAccount(account: "admin"))?.code == .conflict)
        #expect(try await hub.refusal(DeactivateAccount())?.code == .conflict)
        #expect(try await hub.refusal(UpdateAccount(accessLevel: .user))?.code == .conflict)
        _ = try await hub.ask(CreateAccount(email: "ada@example.org", accessLevel: .admin))
        // Of two administrators who lock each other at the same time one stays.
        async let first = hub.refusal(SuspendAccount(account: "admin"))
        async let second = hub.refusal(SuspendAccount(account: "ada@example.org"))
        let codes = try await [first?.code, second?.code]
        #expect(Set(codes) == [nil, .conflict])
        await hub.close()
    }

    @Test func anAdministratorWhoTookAnotherNameIsNotMadeASecondTime() async throws {
        let hub = try await TestHub.make()
        _ = try await hub.ask(UpdateAccount(email: "root@example.org"))
        #expect(try await !hub.domains.accounts.isFirstStart())
        #expect(try await !hub.domains.accounts.begin(key: Secret(.key), joinToken: Secret(.joinToken)))
        #expect(try await hub.count("SELECT count(*) FROM nave.accounts") == 1)
        await hub.close()
    }

    @Test func othersAreChangedByAdministratorsOnlyAndOneselfByOneself() async throws {
        let hub = try await TestHub.make()
        let stranger = try await hub.stranger("account:write")
        let mine = try await hub.ask(GetAccount(), by: stranger).account
        #expect(try await hub.ask(UpdateAccount(displayName: "Me"), by: stranger).displayName == "Me")
        let own = UpdateAccount(account: mine.email.uppercased(), displayName: "I")
        #expect(try await hub.ask(own, by: stranger).displayName == "I")
        let refused: [UpdateAccount] = [
            .init(account: "admin", displayName: "Mallory"), .init(account: "nobody", displayName: "x"),
            .init(accessLevel: .admin), .init(email: "new@example.org"), .init(giteaUsername: "root"),
        ]
        for request in refused {
            #expect(try await hub.refusal(request, by: stranger)?.code == .accessDenied)
        }
        #expect(try await hub.refusal(DeactivateAccount(account: "admin"), by: stranger)?.code == .accessDenied)
        #expect(try await hub.refusal(SuspendAccount(account: mine.email), by: stranger)?.code == .accessDenied)
        let nobody = hub.caller()
        #expect(try await hub.refusal(GetAccount(account: mine.email), by: nobody)?.code == .accessDenied)
        #expect(try await hub.ask(DeactivateAccount(), by: stranger).status == .deactivated)
        await hub.close()
    }
}
