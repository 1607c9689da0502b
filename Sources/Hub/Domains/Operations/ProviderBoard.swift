import Foundation
public import HubCore
public import Protocol
import Synchronization

/// Which spokes offer what, kept in memory so that no call asks the database. Follows the database: a spoke is read
/// anew whenever its offers, or where it is, have changed.
public final class ProviderBoard: Sendable {
    fileprivate struct Spoke {
        var facts: OfferingSpoke
        /// The definition that it offers of each operation.
        var offers: [String: String]
    }

    fileprivate struct Definition {
        var stamp: Int64
        var contract: OperationContract
    }

    fileprivate struct State {
        var spokes: [SpokeID: Spoke] = [:]
        var names: [String: SpokeID] = [:]
        var definitions: [String: Definition] = [:]
        /// Spokes that offer an operation, there or away, by id of the operation.
        var providers: [String: Set<SpokeID>] = [:]
        /// The contracts of each operation that was looked up since an offer changed.
        var versions: [String: [OperationContract]] = [:]
        /// All that is offered, as it was listed since an offer changed.
        var listed: [OperationSpec]?
        /// The look at the database that each spoke was last told by: a later look is never undone by an earlier one.
        var looks: [SpokeID: Int] = [:]
        var lastLook = 0
        /// This process among the hubs of the database.
        var hub: HubID?
    }

    private let store: RegistrationStore
    private let state = Mutex(State())

    init(store: RegistrationStore) { self.store = store }

    /// Says which hub this process is: what is connected to it and not linked here has just gone.
    public func belongs(to hub: HubID) { state.withLock { $0.hub = hub } }

    // MARK: Following

    /// Reads all spokes anew, or only some.
    public func refresh(_ only: [SpokeID]? = nil) async throws(Fault) {
        let look = state.withLock { state in
            state.lastLook += 1
            return state.lastLook
        }
        let spokes = try await store.spokes(only)
        let wanted = state.withLock { state in
            Set(
                spokes.flatMap { spoke in
                    zip(spoke.definitions, spoke.stamps).filter { state.definitions[$0]?.stamp != $1 }.map(\.0)
                }
            )
        }
        let definitions = wanted.isEmpty ? [] : try await store.definitions(wanted.sorted())
        state.withLock { state in
            for definition in definitions {
                // What was registered could be compiled then; a hub that cannot any more does not offer it.
                guard let contract = try? OperationContract(definition.spec) else { continue }
                state.definitions[definition.id] = Definition(stamp: definition.stamp, contract: contract)
            }
            let gone = Set(only ?? Array(state.spokes.keys)).subtracting(spokes.map(\.id))
            for spoke in gone { state.take(nil, of: spoke, look: look) }
            for spoke in spokes { state.take(spoke, of: spoke.id, look: look) }
        }
    }

    // MARK: Looking up

    /// An operation as a caller addresses it.
    public struct Address: Hashable, Sendable {
        public var operationId: String
        /// The spoke that the address names.
        public var spokeName: String?
        /// The version that the address names.
        public var version: String?

        public init(operationId: String, spokeName: String? = nil, version: String? = nil) {
            self.operationId = operationId
            self.spokeName = spokeName
            self.version = version
        }

        /// Whom a call is meant for: by this address, and by what its caller says besides.
        ///
        /// - Throws: `VALIDATION_ERROR` for spokes that are named differently.
        public func target(of caller: Caller) throws(Fault) -> CallTarget {
            var target = caller.target ?? CallTarget()
            for name in [caller.spokeName, spokeName].compactMap(\.self) {
                guard target.spokeName == nil || target.spokeName == name else {
                    throw .invalid("spokeName", "names another spoke than the address or the header; name one.")
                }
                target.spokeName = name
            }
            return target
        }
    }

    /// What `fs.read`, `fs.read@2` or `dev.{spoke}.fs.read` means; `nil` if no spoke offers it.
    public func address(_ name: String) -> Address? {
        let at = name.utf8.firstIndex(of: UInt8(ascii: "@"))
        let version = at.map { String(name[name.utf8.index(after: $0)...]) }
        let id = at.map { String(name[..<$0]) } ?? name
        return state.withLock { state in
            if state.providers[id] != nil { return Address(operationId: id, version: version) }
            guard id.hasPrefix("dev.") else { return nil }
            // A spoke's name may have dots of its own.
            let rest = id.dropFirst(4)
            var named: Address?
            for dot in rest.indices where rest[dot] == "." {
                let spoke = String(rest[..<dot])
                let operation = String(rest[rest.index(after: dot)...])
                guard state.providers[operation] != nil else { continue }
                let address = Address(operationId: operation, spokeName: spoke, version: version)
                if state.names[spoke] != nil { return address }
                named = named ?? address
            }
            return named
        }
    }

    /// The spokes that offer the operation, as routing sees them; all known spokes if `everyone`.
    ///
    /// - Parameters:
    ///   - only: The one spoke to look at.
    ///   - live: What the process knows of a spoke that is linked to it: calls in flight, whether it is behind, its
    ///     processor's load. `nil` if it is not linked here.
    public func facts(
        of operation: String,
        everyone: Bool = false,
        only: SpokeID? = nil,
        live: (SpokeID) -> (calls: Int, isBehind: Bool, cpu: Double)?
    ) -> [ProviderFacts] {
        let (spokes, own) = state.withLock { state -> ([(Spoke, OperationContract?)], HubID?) in
            let some: [Spoke] =
                if let only {
                    [state.spokes[only]].compactMap(\.self)
                } else if everyone {
                    Array(state.spokes.values)
                } else {
                    (state.providers[operation] ?? []).compactMap { state.spokes[$0] }
                }
            let versioned = some.map { spoke in
                (spoke, spoke.offers[operation].flatMap { state.definitions[$0]?.contract })
            }
            return (versioned, state.hub)
        }
        return spokes.map { spoke, contract in
            let here = live(spoke.facts.id)
            let isElsewhere = spoke.facts.isConnected && spoke.facts.hub != own
            let away = ProviderFacts.Presence.away(since: spoke.facts.disconnectedSince)
            return ProviderFacts(
                id: spoke.facts.id,
                name: spoke.facts.name,
                labels: spoke.facts.labels,
                presence: here != nil ? .here : isElsewhere ? .elsewhere(url: spoke.facts.hubURL) : away,
                version: contract?.spec.version,
                kind: contract?.spec.type,
                isDraining: spoke.facts.isDraining,
                callsInFlight: here?.calls ?? 0,
                isBehind: here?.isBehind ?? false,
                cpu: here?.cpu ?? 0
            )
        }
    }

    /// The contract of the operation as this spoke offers it.
    public func contract(of operation: String, on spoke: SpokeID) -> OperationContract? {
        state.withLock { state in
            state.spokes[spoke]?.offers[operation].flatMap { state.definitions[$0]?.contract }
        }
    }

    /// The contracts of an operation in all versions that any spoke offers, there or away, the newest first; or of one
    /// version.
    public func contracts(of operation: String, version: String? = nil) -> [OperationContract] {
        let all = state.withLock { $0.contracts(of: operation) }
        guard let version else { return all }
        return all.filter { $0.spec.version == version }
    }

    /// The spoke of this name.
    public func spoke(named name: String) -> SpokeID? { state.withLock { $0.names[name] } }

    /// Every operation that spokes offer, in each of its versions, with who offers it.
    public var specs: [OperationSpec] { state.withLock { $0.specs() } }

    /// Whether the spoke is known to offer anything.
    public func isOffering(_ spoke: SpokeID) -> Bool { state.withLock { $0.spokes[spoke]?.offers.isEmpty == false } }
}

extension ProviderBoard.State {
    fileprivate mutating func specs() -> [OperationSpec] {
        if let listed { return listed }
        var providers: [String: [OperationProvider]] = [:]
        for spoke in spokes.values {
            let provider = OperationProvider(
                type: .spoke,
                id: spoke.facts.id.rawValue,
                name: spoke.facts.name,
                status: spoke.facts.isConnected ? .active : .inactive
            )
            for definition in spoke.offers.values { providers[definition, default: []].append(provider) }
        }
        let specs = providers.compactMap { id, providers -> OperationSpec? in
            guard var spec = definitions[id]?.contract.spec else { return nil }
            // Those that are there first.
            let order = providers.sorted {
                ($0.status == .active ? 0 : 1, $0.name ?? "") < ($1.status == .active ? 0 : 1, $1.name ?? "")
            }
            spec.providers = Array(order.prefix(Limits.providersNamed))
            return spec
        }
        listed = specs
        return specs
    }

    /// All versions of an operation that are offered, the newest first; remembered until an offer changes.
    fileprivate mutating func contracts(of operation: String) -> [OperationContract] {
        if let known = versions[operation] { return known }
        let ids = Set((providers[operation] ?? []).compactMap { spokes[$0]?.offers[operation] })
        let found = ids.compactMap { definitions[$0]?.contract }
            .sorted { $1.spec.version.compare($0.spec.version, options: .numeric) == .orderedAscending }
        // Only what is offered is remembered: callers may ask for anything.
        if !found.isEmpty { versions[operation] = found }
        return found
    }

    fileprivate mutating func take(_ facts: OfferingSpoke?, of id: SpokeID, look: Int) {
        guard look >= looks[id] ?? 0 else { return }
        looks[id] = look
        versions = [:]
        listed = nil
        if let former = spokes.removeValue(forKey: id) {
            if names[former.facts.name] == id { names[former.facts.name] = nil }
            for operation in former.offers.keys {
                providers[operation]?.remove(id)
                if providers[operation]?.isEmpty == true { providers[operation] = nil }
            }
        }
        guard let facts else {
            looks[id] = nil
            return
        }
        let offers = facts.definitions.compactMap { id in definitions[id].map { ($0.contract.spec.id, id) } }
        spokes[id] = ProviderBoard.Spoke(
            facts: facts,
            offers: Dictionary(offers, uniquingKeysWith: { first, _ in first })
        )
        names[facts.name] = id
        for (operation, _) in offers { providers[operation, default: []].insert(id) }
    }
}
