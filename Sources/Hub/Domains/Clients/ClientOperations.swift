import HubCore
import Protocol

/// Services outside, as callers may ask for them.
struct ClientOperations: Sendable {
    let clients: ClientStore
    let organizations: OrganizationStore
    let accounts: AccountStore

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
            + ClientRules.violations(of: request.config ?? [:], type: request.type)
        guard violations.isEmpty else { throw .invalid(violations) }
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
        let violations =
            (request.name.map { Wording.violations(ofName: $0, at: "name") } ?? [])
            + (request.config.map { ClientRules.violations(of: $0, type: client.type) } ?? [])
        guard violations.isEmpty else { throw .invalid(violations) }
        var owner: AccountID?
        if let named = request.owner {
            try AccessControl.scopes("client:admin").check(caller.identity)
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

    private func delete(_ request: DeleteClient, by caller: Caller) async throws(Fault) -> ClientRecord {
        let client = try await clients.require(request.client, seenBy: caller.confinedTo)
        try await clients.delete(client.id)
        return client
    }
}
