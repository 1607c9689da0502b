import Foundation
public import HubCore
public import Protocol
import Synchronization

/// One operation of a client's web service, as this process knows it.
public struct ClientOperation: Sendable {
    public let client: ServedClient
    public let contract: OperationContract
    /// How its input becomes a request; `nil` if what is stored cannot be read.
    let plan: WebRequestPlan?
    let server: String?
    let isActive: Bool
    let reason: String?
    /// Of the config under which it was found.
    let digest: String?

    /// What is needed to call it.
    ///
    /// - Throws: `UNAVAILABLE` with the reason while it cannot be called.
    public func request() throws(Fault) -> (plan: WebRequestPlan, server: String, service: ClientService) {
        guard client.isEnabled else { throw unavailable("The client “\(client.name)” is disabled.") }
        guard isActive else { throw unavailable(reason ?? "It is not offered.") }
        // What was found under another config may not get this one's credential.
        guard digest == client.digest, let plan, let server, !server.isEmpty, let service = client.service else {
            throw unavailable("Its document is being read anew; ask again.")
        }
        return (plan, server, service)
    }

    private func unavailable(_ reason: String) -> Fault {
        Fault(
            .unavailable,
            "\(contract.spec.id) cannot be called now. \(reason)",
            details: ["clientId": .string(client.id.rawValue), "reason": .string(reason)]
        )
    }
}

/// What clients' web services offer, kept in memory so that no call of one that everybody may see asks the database.
/// Follows the database.
final class ClientBoard: Sendable {
    fileprivate struct State {
        var operations: [ClientID: [ClientOperation]] = [:]
        /// By id of the operation, the one that stands first.
        var byId: [String: [ClientOperation]] = [:]
        /// The look at the database that each client was last told by.
        var looks: [ClientID: Int] = [:]
        var lastLook = 0
    }

    private let store: ClientOfferStore
    private let state = Mutex(State())

    init(store: ClientOfferStore) { self.store = store }

    /// Reads all clients anew, or only some.
    func refresh(_ only: [ClientID]?) async throws(Fault) {
        let look = state.withLock { state in
            state.lastLook += 1
            return state.lastLook
        }
        let clients = try await store.clients(only)
        let offers = clients.isEmpty ? [] : try await store.offers(of: clients.map(\.id))
        let known = Dictionary(grouping: offers, by: \.client)
        state.withLock { state in
            let gone = Set(only ?? Array(state.operations.keys)).subtracting(clients.map(\.id))
            for id in gone { state.take([], of: id, look: look) }
            for client in clients {
                let offered = (known[client.id] ?? []).compactMap { Self.operation($0, client) }
                state.take(offered, of: client.id, look: look)
            }
        }
    }

    /// What was registered could be compiled then; a hub that cannot any more does not offer it.
    private static func operation(_ offer: StoredOffer, _ client: ServedClient) -> ClientOperation? {
        guard let contract = try? OperationContract(offer.definition.spec) else { return nil }
        return ClientOperation(
            client: client,
            contract: contract,
            plan: offer.plan,
            server: offer.server,
            isActive: offer.isActive,
            reason: offer.reason,
            digest: offer.digest
        )
    }

    /// What `pets.list` or `pets.list@2` means; `nil` if no client offers it.
    func operation(_ name: String) -> ClientOperation? {
        state.withLock { state in
            if state.byId.isEmpty { return nil }
            if let same = state.byId[name] { return same.first }
            let parts = name.split(separator: "@", maxSplits: 1)
            guard parts.count == 2 else { return nil }
            return state.byId[String(parts[0])]?.first { $0.contract.spec.version == parts[1] }
        }
    }

    /// All that is offered.
    var operations: [ClientOperation] { state.withLock { $0.operations.values.flatMap(\.self) } }
}

extension ClientBoard.State {
    fileprivate mutating func take(_ offered: [ClientOperation], of id: ClientID, look: Int) {
        guard look >= looks[id] ?? 0 else { return }
        looks[id] = look
        operations[id] = offered.isEmpty ? nil : offered
        byId = Dictionary(grouping: operations.values.flatMap(\.self), by: \.contract.spec.id).mapValues { same in
            same.sorted { one, other in
                one.isActive != other.isActive
                    ? one.isActive
                    : other.contract.spec.version.compare(one.contract.spec.version, options: .numeric)
                        == .orderedAscending
            }
        }
    }
}
