public import HubCore
public import Postgres
public import Protocol

/// What the hub remembers of the operations that spokes offer.
public struct RegistrationStore: Sendable {
    let database: Database

    public init(database: Database) { self.database = database }

    /// Rung when a spoke's offers, or where it is, have changed; the payload is the spoke's id.
    public static let channel = "nave_registrations"

    /// Registers what a spoke offers, and nothing else of it from now on, in one transaction.
    ///
    /// - Parameters:
    ///   - outcome: What of the offer can be taken.
    ///   - hash: The spoke's digest of the offer, believed from now on if all of it is taken.
    /// - Fails with `conflict` if another start of the spoke has taken over.
    public func register(
        _ outcome: RegistrationCheck.Outcome,
        hash: String,
        of spoke: SpokeID,
        incarnation: String
    ) async throws(Fault) -> OperationsTaken {
        try await database.transaction { transaction async throws(Fault) -> OperationsTaken in
            // Two spokes that bring the same new operation define it one after the other.
            _ = try await transaction.first(SQL.lock)
            var refusals = outcome.refusals
            let plan = try await plan(outcome.specs, of: spoke.rawValue, &refusals, in: transaction)
            let stored: String? = refusals.isEmpty ? hash : nil
            guard try await transaction.execute(SQL.hash, [spoke, incarnation, stored]) == 1 else {
                throw Fault(.conflict, "Another start of the spoke has taken over; its own offer counts.")
            }
            try await transaction.execute(SQL.define, [JSON(plan.definitions)])
            try await transaction.execute(SQL.withdraw, [spoke, plan.ids])
            try await transaction.execute(SQL.offer, [spoke, plan.ids, plan.names])
            _ = try await transaction.first(SQL.ring, [Self.channel, spoke])
            if !refusals.isEmpty { try await warn(spoke, refusals, in: transaction) }
            return OperationsTaken(hash: hash, registered: plan.ids.count, refusals: refusals)
        }
    }

    /// The spoke is back with a set that is known by its hash: what it offered stands again. `false` if it is not.
    public func resume(_ spoke: SpokeID, incarnation: String, hash: String) async throws(Fault) -> Bool {
        try await database.transaction { transaction async throws(Fault) -> Bool in
            guard try await transaction.first(SQL.isKnown, [spoke, incarnation, hash]) != nil else { return false }
            try await transaction.execute(SQL.resume, [spoke])
            _ = try await transaction.first(SQL.ring, [Self.channel, spoke])
            return true
        }
    }

    /// Spokes with what they offer; all if `only` is `nil`. One that is asked for and missing is not there any more.
    func spokes(_ only: [SpokeID]?) async throws(Fault) -> [OfferingSpoke] {
        try await database.query(SQL.spokes, [only])
    }

    /// Definitions by id.
    func definitions(_ ids: [String]) async throws(Fault) -> [StoredDefinition] {
        try await database.query(SQL.definitions, [ids])
    }

    /// The spoke that holds this session or workspace; `nil` if none does.
    public func holder(ofSession session: SessionID?, workspace: WorkspaceID?) async throws(Fault) -> SpokeID? {
        try await database.first(SQL.holder, [session, workspace]).map { SpokeID($0) }
    }

    /// What of an offer is to be written.
    struct Plan {
        var definitions: [JSONValue] = []
        var ids: [String] = []
        var names: [String] = []
    }

    /// How specs stand to the definitions that are stored; what cannot be taken is added to the refusals.
    ///
    /// - Parameter provider: The id of who offers them.
    func plan(
        _ specs: [OperationSpec],
        of provider: String,
        _ refusals: inout [OperationsTaken.Refusal],
        in transaction: Transaction
    ) async throws(Fault) -> Plan {
        let rows = try await transaction.query(SQL.known, [specs.map(\.namespace), specs.map(\.name), provider])
        let known = Dictionary(grouping: rows, by: \.spec.id)
        var plan = Plan()
        for spec in specs {
            let versions = known[spec.id] ?? []
            let same = versions.first { $0.spec.version == spec.version }
            let id = same?.id ?? (versions.isEmpty ? spec.id : "\(spec.id)@\(spec.version)")
            do throws(Fault) {
                _ = try OperationContract(spec)
                // A bare name means whichever version is chosen: it may not be a query today and a mutation tomorrow.
                if let other = versions.first(where: { $0.isOfferedElsewhere && $0.spec.type != spec.type }) {
                    throw Fault(
                        .conflict,
                        "Version \(other.spec.version), which others offer, is a \(other.spec.type.rawValue); "
                            + "offer the \(spec.type.rawValue) of version \(spec.version) under another name."
                    )
                }
                switch same.map({ SpecRevision.compare(spec, with: $0.spec) }) {
                case .same, .older: break
                case nil, .newer: plan.definitions.append(Self.definition(spec, id: id))
                case .incompatible(let paths):
                    throw Fault(
                        .conflict,
                        "Version \(spec.version) is defined otherwise (\(paths.joined(separator: ", "))); "
                            + "offer the change under a new version."
                    )
                }
                plan.ids.append(id)
                plan.names.append(spec.id)
            } catch {
                refusals.append(.init(operation: spec.id, code: error.code, message: error.message))
            }
        }
        return plan
    }

    private static func definition(_ spec: OperationSpec, id: String) -> JSONValue {
        guard case .object(var members) = JSONValue(encoding: spec) else { return .null }
        members["id"] = .string(id)
        return .object(members)
    }

    private func warn(
        _ spoke: SpokeID,
        _ refusals: [OperationsTaken.Refusal],
        in transaction: Transaction
    ) async throws(Fault) {
        let first = refusals.prefix(3).map { "\($0.operation): \($0.message)" }.joined(separator: " ")
        let note = AlertNote(
            severity: .warning,
            kind: "operations.refused",
            source: "spoke:\(spoke)",
            message: "\(refusals.count) of the operations that it offers are not registered. \(first)",
            context: ["refusals": .array(refusals.prefix(Limits.providersNamed).map { JSONValue(encoding: $0) })],
            dedupKey: "operations.refused:\(spoke)"
        )
        try await AlertStore.raise(note, in: transaction)
    }
}

/// A definition as it is stored.
struct StoredDefinition: RowDecodable {
    /// `namespace.name`, or `namespace.name@version` for a further version.
    var id: String
    /// Changes with the definition.
    var stamp: Int64
    var spec: OperationSpec
    /// Whether somebody else offers it than who is asked about.
    var isOfferedElsewhere: Bool

    init(_ row: Row) throws(Fault) {
        id = try row["id"]
        stamp = try row["stamp"]
        isOfferedElsewhere = try row["offered_elsewhere"]
        spec = OperationSpec(
            namespace: try row["namespace"],
            name: try row["name"],
            version: try row["version"],
            type: try row["type"],
            title: try row["title"],
            description: try row["description"],
            tags: try row["tags"],
            inputSchema: try row["input_schema"],
            outputSchema: try row["output_schema"],
            errorSchemas: try row.json("error_schemas", as: [ErrorDefinition].self),
            accessControl: try row.json("access_control", as: AccessControl.self),
            _meta: try row["_meta"]
        )
    }
}

/// A spoke with what it offers, as the database has it.
struct OfferingSpoke: RowDecodable {
    var id: SpokeID
    var name: String
    var labels: [String: String]
    var isDraining: Bool
    var isConnected: Bool
    var disconnectedSince: String?
    /// The hub that it is connected to, and how others reach it.
    var hub: HubID?
    var hubURL: String?
    /// Ids of the definitions that it offers, and the stamps of these.
    var definitions: [String]
    var stamps: [Int64]

    init(_ row: Row) throws(Fault) {
        id = try row["id"]
        name = try row["name"]
        labels = try row.json("labels", as: [String: String].self)
        isDraining = try row["draining"]
        isConnected = try row["is_connected"]
        disconnectedSince = try row["disconnected_since"]
        hub = try row["hub_id"]
        hubURL = try row["url"]
        definitions = try row["definitions"]
        stamps = try row["stamps"]
    }
}
