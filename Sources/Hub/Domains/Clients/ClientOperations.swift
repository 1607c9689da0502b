import HubCore
import Protocol

/// Services outside, as callers may ask for them.
struct ClientOperations: Sendable {
    let clients: ClientStore
    let organizations: OrganizationStore
    let accounts: AccountStore
    /// Namespaces of the hub's own operations.
    let served: @Sendable () -> Set<String>

    func register(in table: inout OperationTable) {
        table.answer(CreateClient.self, with: create)
        table.answer(GetClient.self, with: get)
        table.answer(ListClients.self, with: list)
        table.answer(UpdateClient.self, with: update)
        table.answer(DeleteClient.self, with: delete)
    }

    private func create(_ request: CreateClient, by caller: Caller) async throws(Fault) -> ClientRecord {
        let violations =
            Wording.violations(ofName: request.name, at: "name")
            + violations(of: request.config ?? [:], type: request.type, name: request.name)
        guard violations.isEmpty else { throw .invalid(violations) }
        // Whoever sets it has the hub make requests for others.
        if request.config?["openapi"] != nil { try caller.check(AccessControl.scopes("client:admin")) }
        var organization: OrganizationRecord?
        if let named = request.org { organization = try await organizations.require(named, for: caller) }
        return try await clients.create(request, owner: caller.accountId, in: organization?.id)
    }

    private func get(_ request: GetClient, by caller: Caller) async throws(Fault) -> ClientRecord {
        try await clients.require(request.client, seenBy: caller.confinedTo)
    }

    private func list(_ request: ListClients, by caller: Caller) async throws(Fault) -> ClientList {
        let limit = try PageCursor.limit(request.limit)
        let cursor = try PageCursor.parts(of: request.cursor, count: 1)
        let found = try await clients.list(
            request,
            seenBy: caller.confinedTo,
            after: cursor?.first,
            limit: limit + 1
        )
        let page = Array(found.prefix(limit))
        let next = found.count > limit ? page.last.map { PageCursor.text([$0.name]) } : nil
        return ClientList(clients: page, nextCursor: next)
    }

    private func update(_ request: UpdateClient, by caller: Caller) async throws(Fault) -> ClientRecord {
        let client = try await clients.require(request.client, seenBy: caller.confinedTo)
        let config = request.config ?? client.config
        let violations =
            (request.name.map { Wording.violations(ofName: $0, at: "name") } ?? [])
            + violations(of: config, type: client.type, name: request.name ?? client.name)
        guard violations.isEmpty else { throw .invalid(violations) }
        // A new name is a new namespace, where none is set.
        if config["openapi"] != client.config["openapi"]
            || config["openapi"] != nil && request.name ?? client.name != client.name
        {
            try caller.check(AccessControl.scopes("client:admin"))
        }
        var owner: AccountID?
        if let named = request.owner {
            try caller.check(AccessControl.scopes("client:admin"))
            let account = try await accounts.require(named)
            guard account.status == .active else {
                throw Fault(
                    .conflict,
                    "“\(account.email)” is \(account.status.rawValue); only an active account can own a client.",
                    details: ["field": "owner"]
                )
            }
            owner = account.id
        }
        guard let changed = try await clients.update(client.id, request, owner: owner) else {
            throw Fault(.notFound, "The client “\(client.name)” was removed meanwhile; list them with client.list.")
        }
        return changed
    }

    private func violations(of config: JSONValue, type: ClientType, name: String) -> [Fault.Violation] {
        ClientRules.violations(of: config, type: type)
            + ClientRules.serviceViolations(in: config, type: type, name: name, served: served())
    }

    private func delete(_ request: DeleteClient, by caller: Caller) async throws(Fault) -> ClientRecord {
        let client = try await clients.require(request.client, seenBy: caller.confinedTo)
        try await clients.delete(client.id)
        return client
    }
}
