public import Protocol

/// Where a session may run: what its coordinator asked for and what its project and worktree require.
public struct PlacementAsk: Hashable, Sendable {
    public var projectId: ProjectID
    public var target: SpokeTarget
    /// The spoke that holds the worktree to reuse.
    public var pinned: SpokeID?
    /// The agent that it runs, if it runs one.
    public var agent: WantedAgent?

    public init(
        projectId: ProjectID,
        target: SpokeTarget = SpokeTarget(),
        pinned: SpokeID? = nil,
        agent: WantedAgent? = nil
    ) {
        self.projectId = projectId
        self.target = target
        self.pinned = pinned
        self.agent = agent
    }
}

/// An agent program that a session needs.
public struct WantedAgent: Hashable, Sendable {
    public var name: String
    /// Whether it is to take an earlier conversation up.
    public var resumes: Bool

    public init(name: String, resumes: Bool = false) {
        self.name = name
        self.resumes = resumes
    }

    /// What an order runs, if that is an agent.
    public init?(_ run: RunOrder) {
        guard let name = run.agent else { return nil }
        self.init(name: name, resumes: run.resume != nil)
    }
}

/// A spoke as placement sees it.
public struct SpokeFacts: Hashable, Sendable {
    public var id: SpokeID
    public var name: String
    public var isConnected: Bool
    /// ISO-8601; `nil` while connected.
    public var disconnectedSince: String?
    public var isDraining: Bool
    public var pausedReason: String?
    /// The only project that it works for, if it is bound to one.
    public var projectId: ProjectID?
    /// Whether the project's code and its sessions' authority may be on it at all: whoever joined it owns that machine.
    public var isTrusted: Bool
    public var labels: [String: String]
    public var agents: [AgentOffer]
    public var slots: Int
    public var busy: Int
    public var load: HostLoad?
    /// It has worked for the project: its mirror is warm.
    public var isWarm: Bool

    public init(
        id: SpokeID,
        name: String,
        isConnected: Bool,
        disconnectedSince: String? = nil,
        isDraining: Bool = false,
        pausedReason: String? = nil,
        projectId: ProjectID? = nil,
        isTrusted: Bool = true,
        labels: [String: String] = [:],
        agents: [AgentOffer] = [],
        slots: Int,
        busy: Int = 0,
        load: HostLoad? = nil,
        isWarm: Bool = false
    ) {
        self.id = id
        self.name = name
        self.isConnected = isConnected
        self.disconnectedSince = disconnectedSince
        self.isDraining = isDraining
        self.pausedReason = pausedReason
        self.projectId = projectId
        self.isTrusted = isTrusted
        self.labels = labels
        self.agents = agents
        self.slots = slots
        self.busy = busy
        self.load = load
        self.isWarm = isWarm
    }
}

/// Chooses a spoke for a session, or says of each spoke why not.
public enum Placement {
    public enum Decision: Hashable, Sendable {
        case place(SpokeID)
        case wait([SpokeRefusal])
    }

    /// The share of a disk in use from which no session is begun there.
    public static let diskFull = 0.97

    /// Among the spokes that fit: a warm one first, then the one with the largest share of free slots, then the idlest
    /// processor, then by id, so that equal facts give equal answers.
    public static func decide(_ ask: PlacementAsk, among spokes: [SpokeFacts]) -> Decision {
        let fitting = spokes.filter { refusal(of: $0, for: ask) == nil }
        if let best = fitting.min(by: isBetter) { return .place(best.id) }
        return .wait(refusals(ask, among: spokes))
    }

    /// Every spoke that is ruled out, with its reason, by name; a named spoke that does not exist comes first.
    public static func refusals(_ ask: PlacementAsk, among spokes: [SpokeFacts]) -> [SpokeRefusal] {
        let known = spokes.compactMap { refusal(of: $0, for: ask) }.sorted { $0.name < $1.name }
        let isNamed = ask.target.spokeId != nil || ask.target.spokeName != nil || ask.pinned != nil
        guard isNamed, !spokes.contains(where: { isMeant($0, by: ask) }) else { return known }
        let wanted = ask.target.spokeName ?? ask.target.spokeId?.rawValue ?? ask.pinned?.rawValue ?? ""
        let missing = SpokeRefusal(
            spokeId: ask.target.spokeId ?? ask.pinned,
            name: wanted,
            reason: .unknown,
            message: "There is no spoke “\(wanted)”; join it, or abort the session."
        )
        return [missing] + known
    }

    /// Why this spoke cannot take the session; `nil` if it can.
    public static func refusal(of spoke: SpokeFacts, for ask: PlacementAsk) -> SpokeRefusal? {
        guard let (reason, message) = obstacle(spoke, ask) else { return nil }
        return SpokeRefusal(spokeId: spoke.id, name: spoke.name, reason: reason, message: message)
    }

    private static func obstacle(_ spoke: SpokeFacts, _ ask: PlacementAsk) -> (SpokeRefusal.Reason, String)? {
        if !isMeant(spoke, by: ask) { return (.notTargeted, "Another spoke was asked for.") }
        let missing = (ask.target.labels ?? [:]).filter { spoke.labels[$0.key] != $0.value }
        if !missing.isEmpty {
            let list = missing.map { "\($0.key)=\($0.value)" }.sorted().joined(separator: ", ")
            return (.labels, "It lacks the label \(list).")
        }
        if let project = spoke.projectId, project != ask.projectId {
            return (.project, "It works for another project only.")
        }
        if !spoke.isTrusted {
            let people = "a member of the project's organisation nor an administrator"
            return (.project, "Neither \(people) joined it; let one do so, or keep it for the project.")
        }
        if let agent = ask.agent, let lack = lack(of: agent, on: spoke) { return (.agent, lack) }
        if !spoke.isConnected {
            return (.disconnected, "It is disconnected since \(spoke.disconnectedSince ?? "it joined").")
        }
        if spoke.isDraining { return (.draining, "It is draining: it takes no new sessions.") }
        if let reason = spoke.pausedReason { return (.paused, "It is paused: \(reason).") }
        if let load = spoke.load, load.disk >= diskFull {
            return (.disk, "Its disk is \(Int(load.disk * 100)) % full.")
        }
        if spoke.busy >= spoke.slots {
            return (.slots, "It has no free slot: \(spoke.busy) of \(spoke.slots) are taken.")
        }
        return nil
    }

    private static func lack(of agent: WantedAgent, on spoke: SpokeFacts) -> String? {
        guard let offer = spoke.agents.first(where: { $0.name == agent.name }) else {
            let names = spoke.agents.map(\.name).sorted().joined(separator: ", ")
            return "It has no agent “\(agent.name)”\(names.isEmpty ? "" : ", but \(names)")."
        }
        return agent.resumes && !offer.resumes ? "Its agent “\(agent.name)” cannot take up a conversation." : nil
    }

    /// What to say when no spoke of the whole fleet has the agent; `nil` where that is not what is missing.
    public static func missingAgent(_ ask: PlacementAsk, among spokes: [SpokeFacts]) -> String? {
        guard let agent = ask.agent, !spokes.isEmpty, spokes.allSatisfy({ lack(of: agent, on: $0) != nil }) else {
            return nil
        }
        let known = Set(spokes.flatMap(\.agents).map(\.name)).sorted()
        let near = Nearness.nearest(agent.name, among: known).map { "“\($0)”" }.joined(separator: " or ")
        let hint = near.isEmpty || known.contains(agent.name) ? "" : " Did you mean \(near)?"
        return
            "No spoke has an agent “\(agent.name)”\(agent.resumes ? " that can resume" : ""): add it under agents: in "
            + "a spoke's spoke.yaml, or abort the session.\(hint)"
    }

    private static func isMeant(_ spoke: SpokeFacts, by ask: PlacementAsk) -> Bool {
        (ask.pinned ?? spoke.id) == spoke.id && (ask.target.spokeId ?? spoke.id) == spoke.id
            && (ask.target.spokeName ?? spoke.name) == spoke.name
    }

    private static func isBetter(_ first: SpokeFacts, _ second: SpokeFacts) -> Bool {
        if first.isWarm != second.isWarm { return first.isWarm }
        // Shares as cross products: busy / slots without rounding.
        let (one, other) = (first.busy * second.slots, second.busy * first.slots)
        if one != other { return one < other }
        let (load, otherLoad) = (first.load?.cpu ?? 0, second.load?.cpu ?? 0)
        if load != otherLoad { return load < otherLoad }
        return first.id < second.id
    }
}
