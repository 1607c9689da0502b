import Foundation
public import Protocol

/// A spoke as the routing of calls sees it.
public struct ProviderFacts: Hashable, Sendable {
    public var id: SpokeID
    public var name: String
    public var labels: [String: String]
    public var presence: Presence
    /// The version of the operation that it offers; `nil` if it does not offer it.
    public var version: String?
    /// How that version answers.
    public var kind: OperationKind?
    public var isDraining: Bool
    /// Calls that are under way on its link.
    public var callsInFlight: Int
    /// Its link is full: what was sent waits for it to read on.
    public var isBehind: Bool
    /// Load average per core, as it said last.
    public var cpu: Double

    /// Where a spoke is connected.
    public enum Presence: Hashable, Sendable {
        /// To this process.
        case here
        /// To another hub of the database, reached at this URL.
        case elsewhere(url: String?)
        /// Nowhere.
        case away(since: String?)
    }

    public init(
        id: SpokeID,
        name: String,
        labels: [String: String] = [:],
        presence: Presence,
        version: String?,
        kind: OperationKind? = nil,
        isDraining: Bool = false,
        callsInFlight: Int = 0,
        isBehind: Bool = false,
        cpu: Double = 0
    ) {
        self.id = id
        self.name = name
        self.labels = labels
        self.presence = presence
        self.version = version
        self.kind = kind
        self.isDraining = isDraining
        self.callsInFlight = callsInFlight
        self.isBehind = isBehind
        self.cpu = cpu
    }
}

/// What a call asks of its provider.
public struct ProviderAsk: Hashable, Sendable {
    public var operationId: String
    /// The only version that will do; any if `nil`.
    public var version: String?
    /// How it must answer; in whatever way if `nil`. What was begun as a query is not taken to a mutation's provider.
    public var kind: OperationKind?
    public var target: CallTarget
    /// The spoke that holds the session or workspace that the call is about: no other will do.
    public var holder: SpokeID?
    /// The spoke to take if it is among the suitable ones: the caller's own.
    public var nearest: SpokeID?

    public init(
        operationId: String,
        version: String? = nil,
        kind: OperationKind? = nil,
        target: CallTarget = CallTarget(),
        holder: SpokeID? = nil,
        nearest: SpokeID? = nil
    ) {
        self.operationId = operationId
        self.version = version
        self.kind = kind
        self.target = target
        self.holder = holder
        self.nearest = nearest
    }
}

/// Why a spoke does not answer a call.
public struct ProviderRefusal: Codable, Hashable, Sendable {
    public enum Reason: String, Codable, CaseIterable, Hashable, Sendable {
        case unknown, notTargeted, labels, notHolder, notOffered, version, disconnected, otherHub, full, behind
    }

    /// Absent if there is none of that name.
    public var spokeId: SpokeID?
    public var name: String
    /// A word for programs.
    public var reason: Reason
    /// The reason in a sentence.
    public var message: String

    public init(spokeId: SpokeID?, name: String, reason: Reason, message: String) {
        self.spokeId = spokeId
        self.name = name
        self.reason = reason
        self.message = message
    }
}

/// Chooses the spoke that answers a call, or says of each why not.
public enum ProviderChoice {
    /// Among the spokes that are suitable: one with the newest version, then the nearest, then one that stays rather
    /// than one that drains, then the one with the fewest calls in flight, then the idlest processor, then by id, so
    /// that equal facts give equal answers.
    ///
    /// - Parameter broken: Those that were asked before; they are not suitable.
    public static func best(
        _ ask: ProviderAsk,
        among spokes: [ProviderFacts],
        besides broken: [SpokeID] = []
    ) -> SpokeID? {
        var best: ProviderFacts?
        for spoke in spokes where !broken.contains(spoke.id) && obstacle(spoke, ask) == nil {
            guard best.map({ isBetter(spoke, $0, ask) }) ?? true else { continue }
            best = spoke
        }
        return best?.id
    }

    /// Every spoke with the reason that rules it out, by name; a named spoke that does not exist comes first.
    public static func refusals(_ ask: ProviderAsk, among spokes: [ProviderFacts]) -> [ProviderRefusal] {
        let known = spokes.sorted { ($0.name, $0.id) < ($1.name, $1.id) }.compactMap { spoke in
            obstacle(spoke, ask).map { ProviderRefusal(spokeId: spoke.id, name: spoke.name, reason: $0, message: $1) }
        }
        let wanted = ask.target.spokeName ?? ask.target.spokeId?.rawValue
        guard let wanted, !spokes.contains(where: { isMeant($0, by: ask.target) }) else { return known }
        let missing = ProviderRefusal(
            spokeId: ask.target.spokeId,
            name: wanted,
            reason: .unknown,
            message: "There is no spoke “\(wanted)”; see hub spokes."
        )
        return [missing] + known
    }

    /// What a caller is told when nobody answers: the reasons, as many as are worth reading.
    public static func unavailable(_ ask: ProviderAsk, among spokes: [ProviderFacts], namedMax: Int) -> Fault {
        // What concerns the target most is named first; the sort is stable.
        let refusals = refusals(ask, among: spokes).enumerated()
            .sorted { (weight($0.element), $0.offset) < (weight($1.element), $1.offset) }
            .map(\.element)
        let reason = refusals.first.map { ": \($0.name): \($0.message)" } ?? "; none has joined."
        let sentence = "No spoke can answer \(ask.operationId) now\(reason)"
        return Fault(
            .unavailable,
            sentence,
            details: [
                "spokes": .array(refusals.prefix(namedMax).map { JSONValue(encoding: $0) }),
                "spokeCount": .integer(Int64(refusals.count)),
            ]
        )
    }

    /// How little a refusal tells: spokes that were not meant come last.
    private static func weight(_ refusal: ProviderRefusal) -> Int {
        switch refusal.reason {
        case .unknown: 0
        case .disconnected, .otherHub, .full, .behind, .version: 1
        case .labels, .notHolder, .notOffered: 2
        case .notTargeted: 3
        }
    }

    private static func obstacle(
        _ spoke: ProviderFacts,
        _ ask: ProviderAsk
    ) -> (ProviderRefusal.Reason, String)? {
        if !isMeant(spoke, by: ask.target) { return (.notTargeted, "Another spoke was asked for.") }
        if let missing = missingLabels(spoke, ask.target) { return (.labels, "It lacks the label \(missing).") }
        if let holder = ask.holder, holder != spoke.id {
            return (.notHolder, "The session or workspace is on another spoke.")
        }
        guard let version = spoke.version else { return (.notOffered, "It does not offer \(ask.operationId).") }
        if let wanted = ask.version, wanted != version {
            return (.version, "It offers version \(version), not \(wanted).")
        }
        if let wanted = ask.kind, let kind = spoke.kind, wanted != kind {
            return (.version, "Its version \(version) is a \(kind.rawValue), not a \(wanted.rawValue).")
        }
        switch spoke.presence {
        case .here: break
        case .elsewhere(let url):
            return (.otherHub, "It is connected to another hub\(url.map { ": ask \($0)" } ?? "").")
        case .away(let since): return (.disconnected, "It is disconnected\(since.map { " since \($0)" } ?? "").")
        }
        if spoke.callsInFlight >= Limits.callsInFlight {
            return (.full, "\(spoke.callsInFlight) calls are under way on it; wait until one has ended.")
        }
        if spoke.isBehind { return (.behind, "It does not keep up with what is sent to it.") }
        return nil
    }

    private static func isMeant(_ spoke: ProviderFacts, by target: CallTarget) -> Bool {
        (target.spokeId ?? spoke.id) == spoke.id && (target.spokeName ?? spoke.name) == spoke.name
    }

    private static func missingLabels(_ spoke: ProviderFacts, _ target: CallTarget) -> String? {
        guard let labels = target.labels else { return nil }
        let missing = labels.filter { spoke.labels[$0.key] != $0.value }
        return missing.isEmpty ? nil : missing.map { "\($0.key)=\($0.value)" }.sorted().joined(separator: ", ")
    }

    private static func isBetter(_ first: ProviderFacts, _ second: ProviderFacts, _ ask: ProviderAsk) -> Bool {
        if first.version != second.version {
            return (first.version ?? "").compare(second.version ?? "", options: .numeric) == .orderedDescending
        }
        if let nearest = ask.nearest, (first.id == nearest) != (second.id == nearest) { return first.id == nearest }
        if first.isDraining != second.isDraining { return second.isDraining }
        if first.callsInFlight != second.callsInFlight { return first.callsInFlight < second.callsInFlight }
        if first.cpu != second.cpu { return first.cpu < second.cpu }
        return first.id < second.id
    }
}
