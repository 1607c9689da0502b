import Protocol

/// `SESSION_STALL`: a session that should be at work, and nothing whatever is seen of it.
///
/// Strict: a single sign of life within the time is enough to say nothing. What waits for a person, has ended its turn,
/// or is away with its spoke does not stall.
enum Stall {
    static func findings(_ signs: SessionSigns, _ thresholds: DetectionThresholds) -> [AnomalyFinding] {
        guard isToBeAtWork(signs), let last = lastActivity(of: signs) else { return [] }
        let quiet = SignText.seconds(from: last, to: signs.at)
        // An agent that waits for a tool is as quiet as the program that the tool runs.
        let isProcess = signs.agent == nil || !(signs.agent?.transcript.pendingTools.isEmpty ?? true)
        let most = isProcess ? thresholds.processStallSeconds : thresholds.agentStallSeconds
        guard quiet > most else { return [] }
        let place = Place(.sessionStall, signs)
        guard last > place.report?.resolvedMark ?? -1 else { return [] }
        var details: [String: JSONValue] = [
            "quietSeconds": .integer(Int64(quiet)), "threshold": .number(most),
            "lastActivityAt": .string(SignText.time(last)),
        ]
        let tools = signs.agent?.transcript.pendingTools.count ?? 0
        if tools > 0 { details["pendingTools"] = .integer(Int64(tools)) }
        return [
            place.finding(
                mark: last,
                isFresh: true,
                "Nothing was seen of it for \(SignText.span(quiet))"
                    + (tools > 0 ? ", while it waits for a tool." : "."),
                details,
                evidence(signs, quiet: quiet, most: most)
            )
        ]
    }

    private static func isToBeAtWork(_ signs: SessionSigns) -> Bool {
        guard signs.status == .busy, signs.hasStarted, !signs.isOver, let spoke = signs.spoke, spoke.isConnected else {
            return false
        }
        // Its owner paused the machine, or its disk is full: it is known why nothing happens.
        if spoke.pausedReason != nil { return false }
        guard let agent = signs.agent else { return true }
        return agent.state == .busy
    }

    /// The latest sign of life. What is older than the link was brought by it: a session that was out of sight for an
    /// hour was not seen to be quiet for an hour.
    static func lastActivity(of signs: SessionSigns) -> Int64? {
        let activity = signs.activity
        let times = [
            activity.stateAt, activity.outputAt, activity.messageAt, activity.callAt, activity.processorAt,
            activity.writeAt, activity.referencesAt, signs.spoke?.connectedAt, signs.spoke?.watchedSince,
        ]
        // A clock that runs ahead must not keep a session alive for ever.
        return times.compactMap { $0 }.max().map { min($0, signs.at) }
    }

    private static func evidence(_ signs: SessionSigns, quiet: Double, most: Double) -> WeighedEvidence {
        var evidence = WeighedEvidence()
        let activity = signs.activity
        func add(_ signal: String, _ weight: Double, _ at: Int64?, orElse missing: String? = nil) {
            guard let at else {
                if let missing { return evidence.miss(signal, missing) }
                return evidence.add(signal, weight: weight, true, "none so far")
            }
            let age = SignText.seconds(from: at, to: signs.at)
            evidence.add(signal, weight: weight, age > most, "last \(SignText.span(age)) ago")
        }
        add("output", 0.35, activity.outputAt)
        switch signs.agent?.output {
        case .jsonl?:
            let tools = signs.agent?.transcript.pendingTools.count ?? 0
            evidence.add("protocol", weight: 0.25, tools == 0, "busy, \(tools) tools under way")
        case .text?: evidence.miss("protocol", "the agent prints text; whether it waits is not known")
        case nil: evidence.miss("protocol", "no agent")
        }
        add("calls", 0.1, activity.callAt)
        let unsampled = "its spoke sends no samples"
        let isSampled = activity.sampledAt != nil
        add("processor", 0.45, activity.processorAt, orElse: isSampled ? nil : unsampled)
        add("writes", 0.3, activity.writeAt, orElse: isSampled ? nil : unsampled)
        add("references", 0.15, activity.referencesAt, orElse: "its worktree was not reported")
        if let load = signs.spoke?.cpuLoad {
            evidence.add("host", weight: 0.15, load < 0.05, "\(Int(load * 100)) % of its processors in use")
        } else {
            evidence.miss("host", "no heartbeat told its load")
        }
        evidence.add("length", weight: 0.3, quiet > 3 * most, "more than three times the limit")
        return evidence
    }
}
