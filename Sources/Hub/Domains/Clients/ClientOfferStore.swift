import Foundation
import HubCore
public import Postgres
public import Protocol

/// What the hub remembers of the operations that clients' web services offer.
struct ClientOfferStore: Sendable {
    let database: Database
    let registrations: RegistrationStore

    /// Clients with a web service, or with operations of a former one; only some, or all if `nil`.
    func clients(_ only: [ClientID]?) async throws(Fault) -> [ServedClient] {
        try await database.query(SQL.clients, [only])
    }

    /// What these clients offer, whether or not it stands.
    func offers(of clients: [ClientID]) async throws(Fault) -> [StoredOffer] {
        try await database.query(SQL.offers, [clients])
    }

    /// Takes over what a look found, in one transaction, unless the client was changed meanwhile: then somebody looks
    /// again. Writes nothing if all is known.
    func take(_ found: ClientFinding?, of client: ServedClient) async throws(Fault) {
        try await database.transaction { transaction async throws(Fault) in
            // Two that bring the same new operation define it one after the other.
            _ = try await transaction.first(RegistrationStore.SQL.lock)
            guard let now = try await transaction.first(SQL.current, [client.id, client.openapi, client.isEnabled])
            else { return }
            guard let found else { return try await forget(client, in: transaction) }
            let finding = try await unlessTaken(found, client, in: transaction)
            let digest = Self.digest(of: finding, client)
            guard now != digest else { return }
            let leftOut = try await write(finding, of: client, in: transaction)
            let offer = ClientOffer(
                status: finding.reason == nil ? .active : .inactive,
                reason: finding.reason,
                namespace: finding.namespace,
                server: finding.server,
                operations: finding.operations.count - leftOut.count,
                leftOut: Array((leftOut + finding.leftOut).prefix(Limits.providersNamed)),
                since: Date()
            )
            try await transaction.execute(SQL.note, [client.id, JSON(offer), digest])
            _ = try await transaction.first(RegistrationStore.SQL.ring, [ClientServices.channel, client.id])
        }
    }

    /// The client has no web service any more.
    private func forget(_ client: ServedClient, in transaction: Transaction) async throws(Fault) {
        try await transaction.execute(SQL.withdraw, [client.id, [String](), [String]()])
        try await transaction.execute(SQL.forget, [client.id])
        _ = try await transaction.first(RegistrationStore.SQL.ring, [ClientServices.channel, client.id])
    }

    /// The finding, unless somebody else offers operations of its namespace: nobody answers in another's name.
    private func unlessTaken(
        _ finding: ClientFinding,
        _ client: ServedClient,
        in transaction: Transaction
    ) async throws(Fault) -> ClientFinding {
        guard finding.reason == nil,
            let taken = try await transaction.first(SQL.taken, [client.id, finding.namespace])
        else { return finding }
        return ClientFinding(
            namespace: finding.namespace,
            reason: "Operations of the namespace “\(finding.namespace)” are offered by \(taken) already; "
                + "set another namespace."
        )
    }

    /// Writes offers and definitions; answers what is refused and why.
    private func write(
        _ finding: ClientFinding,
        of client: ServedClient,
        in transaction: Transaction
    ) async throws(Fault) -> [String] {
        if let reason = finding.reason {
            try await transaction.execute(SQL.deactivate, [client.id, reason])
            return []
        }
        var refusals: [OperationsTaken.Refusal] = []
        let plan = try await registrations.plan(
            finding.operations.map(\.spec),
            of: client.id.rawValue,
            &refusals,
            in: transaction
        )
        let plans = Dictionary(
            finding.operations.map { ($0.spec.id, $0.plan) },
            uniquingKeysWith: { first, _ in first }
        )
        let notes = plan.names.map { name -> JSONValue in
            [
                "plan": plans[name].map { JSONValue(encoding: $0) } ?? .null, "server": .string(finding.server ?? ""),
                "digest": .string(client.digest),
            ]
        }
        try await transaction.execute(RegistrationStore.SQL.define, [JSON(plan.definitions)])
        for refusal in refusals {
            try await transaction.execute(SQL.refuse, [client.id, refusal.operation, refusal.message])
        }
        // What was refused stays visible with its reason, where it was offered before.
        try await transaction.execute(SQL.withdraw, [client.id, plan.ids, refusals.map(\.operation)])
        try await transaction.execute(SQL.renew, [client.id, plan.ids, plan.names, notes])
        try await transaction.execute(SQL.offer, [client.id, plan.ids, plan.names, notes])
        return refusals.map { "\($0.operation): \($0.message)" }
    }

    /// Tells two findings apart.
    private static func digest(of finding: ClientFinding, _ client: ServedClient) -> String {
        let operations = finding.operations.map {
            JSONValue(encoding: [JSONValue(encoding: $0.spec), JSONValue(encoding: $0.plan)])
        }
        let all: JSONValue = [
            "operations": .array(operations), "server": finding.server.map(JSONValue.string) ?? .null,
            "leftOut": .array(finding.leftOut.map(JSONValue.string)),
            "reason": finding.reason.map(JSONValue.string) ?? .null, "namespace": .string(finding.namespace),
            "config": .string(client.digest),
        ]
        return InputDigest.of(all, for: "client")
    }
}

/// A client with a web service, as the database has it.
public struct ServedClient: Hashable, Sendable, RowDecodable {
    public let id: ClientID
    public let name: String
    public let isEnabled: Bool
    /// The organisation whose members alone may call it.
    public let org: OrganizationID?
    /// The keys of its secrets that are of use.
    public let secrets: [String]
    let openapi: JSONValue?
    let offer: ClientOffer?
    /// Of `openapi`: what was found under another one does not count.
    let digest: String

    public init(_ row: Row) throws(Fault) {
        id = try row["id"]
        name = try row["name"]
        isEnabled = try row["enabled"]
        org = try row["org_id"]
        secrets = try row["secrets"]
        openapi = try row["openapi"]
        offer = try row.json("offer", as: ClientOffer?.self)
        digest = InputDigest.of(openapi ?? .null, for: "openapi")
    }

    /// How its web service is reached; `nil` if it has none any more.
    public var service: ClientService? { ClientRules.service(in: ["openapi": openapi ?? .null]) }

    /// The first part of its operations' names.
    public var namespace: String { service.map { ClientRules.namespace(of: $0, client: name) } ?? name }
}

/// One operation that a client's web service offers, as it is stored.
struct StoredOffer: RowDecodable {
    let client: ClientID
    let definition: StoredDefinition
    let isActive: Bool
    let reason: String?
    let plan: WebRequestPlan?
    let server: String?
    let digest: String?

    init(_ row: Row) throws(Fault) {
        client = try row["provider_id"]
        definition = try StoredDefinition(row)
        isActive = try row["is_active"]
        reason = try row["reason"]
        plan = try row.json("plan", as: WebRequestPlan?.self)
        server = try row["server"]
        digest = try row["digest"]
    }
}
