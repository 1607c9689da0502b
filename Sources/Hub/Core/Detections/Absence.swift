import Protocol

/// Sessions that cannot go on because of somebody else: the provider of a model, or the spoke.
enum Absence {
    /// `QUOTA_EXHAUSTED`: the agent itself says that its provider's limit is reached.
    static func quota(_ signs: SessionSigns, _ thresholds: DetectionThresholds) -> [AnomalyFinding] {
        guard let agent = signs.agent, agent.state == .quota else { return [] }
        if let end = agent.quotaResetsAt, end <= signs.at { return [] }
        let place = Place(.quotaExhausted, signs)
        let mark = agent.quotaResetsAt ?? signs.activity.outputAt ?? 0
        guard mark > place.report?.resolvedMark ?? -1 else { return [] }
        var evidence = WeighedEvidence()
        evidence.add("protocol", weight: 0.9, true, "the agent reports a provider's limit")
        if let end = agent.quotaResetsAt {
            evidence.add("reset", weight: 0.5, true, "until \(SignText.time(end))")
        } else {
            evidence.miss("reset", "the agent does not say until when")
        }
        var details: [String: JSONValue] = [:]
        details["resetsAt"] = agent.quotaResetsAt.map { .string(SignText.time($0)) }
        return [
            place.finding(
                mark: mark,
                isFresh: true,
                "The provider's limit is reached\(agent.quotaResetsAt.map { " until \(SignText.time($0))" } ?? "").",
                details,
                evidence
            )
        ]
    }

    /// `SPOKE_LOST`: a session runs on a spoke that is away for longer than it may be.
    static func spoke(_ signs: SessionSigns, _ thresholds: DetectionThresholds) -> [AnomalyFinding] {
        guard let spoke = signs.spoke, !spoke.isConnected, !signs.isOver, let left = spoke.disconnectedAt else {
            return []
        }
        // While no hub was there, nobody could have heard it: a hub that comes back gives it the whole time.
        let since = max(left, spoke.watchedSince ?? left)
        let away = SignText.seconds(from: since, to: signs.at)
        guard away > thresholds.spokeLostSeconds else { return [] }
        let place = Place(.spokeLost, signs)
        guard left > place.report?.resolvedMark ?? -1 else { return [] }
        var evidence = WeighedEvidence()
        evidence.add(
            "link",
            weight: 0.6,
            true,
            "gone for \(SignText.span(away)), \(spoke.disconnectReason ?? "unexplained")"
        )
        evidence.add("length", weight: 0.3, away > 4 * thresholds.spokeLostSeconds, "more than four times the limit")
        if let heartbeat = spoke.lastHeartbeat {
            let silent = SignText.seconds(from: heartbeat, to: signs.at)
            evidence.add(
                "heartbeat",
                weight: 0.5,
                silent > thresholds.spokeLostSeconds,
                "the last one \(SignText.span(silent)) ago"
            )
        } else {
            evidence.miss("heartbeat", "none was heard")
        }
        return [
            place.finding(
                mark: left,
                isFresh: true,
                "Spoke “\(spoke.name)” is away for \(SignText.span(away)); its sessions go on unseen, or not at all.",
                [
                    "spoke": .string(spoke.name), "disconnectedAt": .string(SignText.time(left)),
                    "awaySeconds": .integer(Int64(away)), "threshold": .number(thresholds.spokeLostSeconds),
                ],
                evidence
            )
        ]
    }
}
