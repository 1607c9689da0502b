import Foundation
import HubDomains
import HubSchema
import Logging
import Postgres
import Protocol
import TestSupport
import Testing

/// A hub's domains over a fresh database, right after its first start.
struct TestHub {
    let test: TestDatabase
    let domains: Domains
    let adminKey: Secret
    let joinToken: Secret
    /// May do everything.
    let admin: Caller

    /// - Parameter seal: Keeps secrets; one with a fresh key if absent.
    static func make(seal: SecretSeal? = nil) async throws -> TestHub {
        let steps = Schema.steps.map { Migration(number: $0.number, name: $0.name, sql: $0.sql) }
        let migrations = steps + [Migration(number: steps.count + 1, name: "observed", sql: ObservedSteps.sql)]
        let test = try await TestDatabase.make(migrations: migrations)
        let seal = try seal ?? SecretSeal(SecretSeal.line(version: 1))
        let domains = Domains(database: test.database, seal: seal, logger: .quiet)
        let (key, token) = (Secret(.key), Secret(.joinToken))
        guard try await domains.accounts.begin(key: key, joinToken: token) else {
            throw Fault(.execution, "A fresh database has an administrator already.")
        }
        let principal = try await domains.authenticator.principal(bearer: key.revealed)
        return TestHub(
            test: test,
            domains: domains,
            adminKey: key,
            joinToken: token,
            admin: Caller(principal)
        )
    }

    var database: Database { test.database }

    /// Removes the database, after a look at the steps that its states took.
    func close(sourceLocation: SourceLocation = #_sourceLocation) async {
        // A database that the test itself took away took no steps any more.
        let unknown = (try? await ObservedSteps.unknown(in: database)) ?? []
        #expect(unknown == [], "steps that no machine knows", sourceLocation: sourceLocation)
        await test.close()
    }

    /// A caller of the administrator's account with these rights only.
    func caller(_ scopes: String..., resources: [String: [String]]? = nil) -> Caller {
        let identity = Identity(id: admin.identity.id, scopes: scopes, resources: resources)
        return Caller(Principal(identity: identity, accountId: admin.accountId, keyId: admin.keyId))
    }

    /// Another account's caller with these rights.
    func stranger(_ scopes: String...) async throws -> Caller { try await stranger(scopes) }

    /// The same for a list.
    func stranger(_ scopes: [String]) async throws -> Caller {
        let id = AccountID.random()
        try await database.execute(
            Statement<Void>("INSERT INTO nave.accounts (id, email) VALUES ($1, $2)"),
            [id, "\(id)@example.org"]
        )
        return Caller(Principal(identity: Identity(id: id.rawValue, scopes: scopes), accountId: id))
    }

    /// Asks through the table, as everyone does.
    func ask<Request: RemoteOperation>(_ request: Request, by caller: Caller? = nil) async throws -> Request.Output {
        let input = JSONValue(encoding: request)
        let answer = try await domains.table.call(Request.name, input: input, by: caller ?? admin)
        return try WireCoder.value(from: answer.data)
    }

    /// The code with which asking fails; `nil` if it does not.
    func refusal<Request: RemoteOperation>(_ request: Request, by caller: Caller? = nil) async throws -> Fault? {
        do {
            _ = try await ask(request, by: caller)
            return nil
        } catch let fault as Fault {
            return fault
        }
    }

    /// The number that a statement answers.
    func count(_ sql: String, _ values: [(any Bindable)?] = []) async throws -> Int64 {
        try await database.first(Statement<Int64>(sql), values) ?? -1
    }
}

extension Caller {
    /// Asks as this session from now on.
    mutating func act(as session: SessionID) {
        principal = Principal(
            identity: identity,
            accountId: accountId,
            keyId: keyId,
            sessionId: session,
            spokeId: spokeId,
            callRate: principal.callRate
        )
    }
}
