import Protocol

/// Looks at one session: every heuristic of coordination.md over what is known of it, nothing else known.
public enum AnomalyLook {
    /// What holds at this moment, and what that was open does no longer.
    public static func verdict(on signs: SessionSigns, by thresholds: DetectionThresholds) -> AnomalyVerdict {
        var verdict = AnomalyVerdict()
        guard signs.status != .archived else { return verdict }
        let rules: [(AnomalyType, (SessionSigns, DetectionThresholds) -> [AnomalyFinding])] = [
            (.modelDegradation, AgentTrouble.degradation), (.highErrorCount, AgentTrouble.errors),
            (.repeatedError, AgentTrouble.repetition), (.digression, Digression.findings),
            (.quotaExhausted, Absence.quota), (.sessionStall, Stall.findings), (.spokeLost, Absence.spoke),
        ]
        for (type, rule) in rules where !thresholds.off.contains(type) {
            verdict.findings += rule(signs, thresholds)
        }
        verdict.settled = Settling.settled(signs, besides: verdict.findings)
        return verdict
    }
}

/// What lasts for a while, rather than having happened, is over by itself.
enum Settling {
    static func settled(_ signs: SessionSigns, besides findings: [AnomalyFinding]) -> [SettledDetection] {
        signs.reports.compactMap { report in
            guard let id = report.openId, let type = AnomalyType(rawValue: report.type),
                !findings.contains(where: { $0.type == type && $0.context == report.context }),
                let note = note(on: type, signs)
            else { return nil }
            return SettledDetection(id: id, type: type, note: note)
        }
    }

    private static func note(on type: AnomalyType, _ signs: SessionSigns) -> String? {
        switch type {
        case .sessionStall:
            if signs.isOver { return "The session ended." }
            // A spoke that is away says nothing of its sessions: whether it still holds is not known.
            guard signs.spoke?.isConnected == true else { return nil }
            return "The session is active again, or waits for somebody."
        case .spokeLost:
            if signs.isOver { return "The session ended." }
            guard let spoke = signs.spoke else { return "The session was given back and waits for another spoke." }
            return spoke.isConnected ? "The spoke is back." : nil
        case .quotaExhausted:
            // One that ended by the limit waits for somebody to resume it.
            guard !signs.isOver else { return nil }
            return signs.agent?.state == .quota ? "The limit's time is over." : "The agent goes on."
        case .modelDegradation, .highErrorCount, .repeatedError, .digression: return nil
        }
    }
}
