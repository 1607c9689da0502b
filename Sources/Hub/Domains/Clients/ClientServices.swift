public import HubCore
import Postgres
public import Protocol

/// The web services of clients, whose operations the hub answers itself: what is remembered of them and what this
/// process knows.
public struct ClientServices: Sendable {
    /// Rung when a client, its secrets or what it offers have changed; the payload is the client's id.
    public static let channel = "nave_clients"

    private let store: ClientOfferStore
    private let board: ClientBoard
    private let secrets: SecretStore

    init(database: Database, registrations: RegistrationStore, secrets: SecretStore) {
        store = ClientOfferStore(database: database, registrations: registrations)
        board = ClientBoard(store: store)
        self.secrets = secrets
    }

    // MARK: Following

    /// Reads all of them anew, or only some.
    public func refresh(_ only: [ClientID]? = nil) async throws(Fault) { try await board.refresh(only) }

    /// Clients whose web service is to be looked at.
    public func clients() async throws(Fault) -> [ServedClient] { try await store.clients(nil) }

    /// Takes over what a look found; `nil` if the client has no web service any more. Nothing if it was changed
    /// meanwhile.
    public func take(_ finding: ClientFinding?, of client: ServedClient) async throws(Fault) {
        try await store.take(finding, of: client)
    }

    // MARK: Calling

    /// What `pets.list` or `pets.list@2` means; `nil` if no client offers it.
    public func operation(_ name: String) -> ClientOperation? { board.operation(name) }

    /// Lets those pass who may see the client.
    ///
    /// - Throws: `OPERATION_NOT_FOUND`, as if it were not there, for who is no member of the client's organisation.
    public func admit(_ caller: Caller, to operation: ClientOperation) async throws(Fault) {
        guard let org = operation.client.org, let account = caller.confinedTo else { return }
        let open = try await store.database.query(ClientOfferStore.SQL.memberships, [account, [org]])
        guard open.isEmpty else { return }
        throw Fault(
            .operationNotFound,
            "There is no operation “\(operation.contract.spec.id)”; list them with operation.list."
        )
    }

    /// What a client's requests show, opened for this one request.
    ///
    /// - Throws: `UNAVAILABLE` for a secret that is not there, or cannot be opened.
    public func addition(to service: ClientService, of client: ServedClient) async throws(Fault) -> WebAddition {
        guard let credential = service.credential else { return WebAddition() }
        guard let secret = try await secrets.reveal(credential.key, of: client.id) else {
            throw Fault(.unavailable, ClientServices.lacks(credential.key, client.name))
        }
        return try credential.addition(showing: secret)
    }

    /// Why a client without its secret cannot be called.
    public static func lacks(_ key: String, _ client: String) -> String {
        "The client “\(client)” has no secret “\(key)” that is of use; set it with secret.set."
    }

    // MARK: Showing

    /// What a caller may know of: these specs with the offers of clients among them.
    public func specs(for caller: Caller, besides others: [OperationSpec]) async throws(Fault) -> [OperationSpec] {
        var operations = board.operations
        let owners = Set(operations.compactMap(\.client.org))
        if !owners.isEmpty, let account = caller.confinedTo {
            let open = try await store.database.query(
                ClientOfferStore.SQL.memberships,
                [account, owners.sorted { $0.rawValue < $1.rawValue }]
            )
            operations.removeAll { operation in operation.client.org.map { !open.contains($0.rawValue) } ?? false }
        }
        var found = others
        for operation in operations {
            let provider = OperationProvider(
                type: .client,
                id: operation.client.id.rawValue,
                name: operation.client.name,
                status: (try? operation.request()) == nil ? .inactive : .active
            )
            let spec = operation.contract.spec
            if let place = found.firstIndex(where: { $0.id == spec.id && $0.version == spec.version }) {
                found[place].providers = (found[place].providers ?? []) + [provider]
            } else {
                var spec = spec
                spec.providers = [provider]
                found.append(spec)
            }
        }
        return found
    }
}
