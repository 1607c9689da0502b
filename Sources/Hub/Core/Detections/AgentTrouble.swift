import Protocol

/// What agents' transcripts show: errors, errors again, and calls of tools that are none.
enum AgentTrouble {
    /// `MODEL_DEGRADATION`: calls of a tool that is literally called `tool`, or raw markup of calls in the text.
    static func degradation(_ signs: SessionSigns, _ thresholds: DetectionThresholds) -> [AnomalyFinding] {
        guard let transcript = signs.agent?.transcript else { return [] }
        let place = Place(.modelDegradation, signs)
        let count = place.unresolved(of: transcript.malformedCalls)
        guard count >= thresholds.malformedCalls, count > 0 else { return [] }
        var evidence = WeighedEvidence()
        let (names, texts) = (transcript.malformedNames, transcript.malformedTexts)
        evidence.add("toolNames", weight: 0.6, names > 0, "\(names) calls of a tool named “tool”")
        evidence.add("text", weight: 0.5, texts > 0, "\(texts) texts that begin with tool-call markup")
        evidence.add("repetition", weight: 0.3, count > 1, "\(count) in all")
        evidence.add(
            "errors",
            weight: 0.2,
            transcript.errorStreak > 0,
            "\(transcript.errorStreak) tool errors in a row"
        )
        evidence.add("messages", weight: 0.2, transcript.abortedMessages > 0, "\(transcript.abortedMessages) aborted")
        return [
            place.finding(
                mark: Int64(transcript.malformedCalls),
                isFresh: place.isBeyondOpen(transcript.malformedCalls, by: 1),
                "The model makes tool calls that are none: \(count) so far.",
                [
                    "malformedCalls": .integer(Int64(count)), "threshold": .integer(Int64(thresholds.malformedCalls)),
                    "example": .string(transcript.malformedExample ?? ""),
                ],
                evidence
            )
        ]
    }

    /// `HIGH_ERROR_COUNT`: tool errors since the last report.
    static func errors(_ signs: SessionSigns, _ thresholds: DetectionThresholds) -> [AnomalyFinding] {
        guard let transcript = signs.agent?.transcript else { return [] }
        let place = Place(.highErrorCount, signs)
        let count = place.unresolved(of: transcript.toolErrors)
        guard count >= thresholds.toolErrors else { return [] }
        let rate = Double(transcript.toolErrors) / Double(max(transcript.toolResults, 1))
        var evidence = WeighedEvidence()
        evidence.add("errors", weight: 0.4, true, "\(count) tool errors since the last report")
        evidence.add(
            "streak",
            weight: 0.4,
            transcript.errorStreak >= thresholds.toolErrors,
            "\(transcript.errorStreak) in a row, up to the last result"
        )
        let share = "\(transcript.toolErrors) of \(transcript.toolResults) results"
        evidence.add("rate", weight: 0.3, rate >= 0.5, share)
        evidence.add("messages", weight: 0.2, transcript.abortedMessages > 0, "\(transcript.abortedMessages) aborted")
        return [
            place.finding(
                mark: Int64(transcript.toolErrors),
                isFresh: place.isBeyondOpen(transcript.toolErrors, by: thresholds.toolErrors),
                "Tools failed \(count) times, \(share).",
                [
                    "toolErrors": .integer(Int64(count)), "toolResults": .integer(Int64(transcript.toolResults)),
                    "errorStreak": .integer(Int64(transcript.errorStreak)),
                    "threshold": .integer(Int64(thresholds.toolErrors)),
                ],
                evidence
            )
        ]
    }

    /// `REPEATED_ERROR`: the same error again and again.
    static func repetition(_ signs: SessionSigns, _ thresholds: DetectionThresholds) -> [AnomalyFinding] {
        guard let transcript = signs.agent?.transcript else { return [] }
        return transcript.errors.compactMap { error in
            let place = Place(.repeatedError, signs, about: error.text)
            let ordinals = error.ordinals.filter { Int64($0) > place.report?.resolvedMark ?? 0 }
            guard ordinals.count >= thresholds.repeatedErrors, let first = ordinals.first, let last = ordinals.last
            else { return nil }
            let others = last - first + 1 - ordinals.count
            var evidence = WeighedEvidence()
            evidence.add("errors", weight: 0.5, true, "the same \(ordinals.count) times")
            evidence.add("others", weight: 0.3, others == 0, "\(others) other errors in between")
            let isLast = last == transcript.toolErrors
            let streak = isLast ? transcript.errorStreak : 0
            evidence.add("streak", weight: 0.4, streak >= ordinals.count, "\(streak) errors in a row at the end")
            return place.finding(
                mark: Int64(last),
                isFresh: place.isBeyondOpen(last, by: 1),
                "The same error \(ordinals.count) times: \(error.text.prefix(120))",
                [
                    "count": .integer(Int64(ordinals.count)), "error": .string(error.text),
                    "threshold": .integer(Int64(thresholds.repeatedErrors)),
                ],
                evidence
            )
        }
    }
}

/// Where a finding belongs: one type and one thing of a session, and what was reported of it.
struct Place {
    let type: AnomalyType
    let context: String
    let report: DetectionReport?

    /// - Parameter thing: Tells things of the type apart within one placement.
    init(_ type: AnomalyType, _ signs: SessionSigns, about thing: String = "") {
        self.type = type
        context = thing.isEmpty ? "\(signs.fence)" : "\(signs.fence) \(thing)"
        report = signs.report(type, context)
    }

    /// What of a counter no resolved detection covers.
    func unresolved(of count: Int) -> Int { max(0, count - Int(clamping: report?.resolvedMark ?? 0)) }

    /// Whether a counter went on by so much since the open detection; always if there is none.
    func isBeyondOpen(_ count: Int, by least: Int) -> Bool {
        guard let mark = report?.openMark else { return true }
        return count - Int(clamping: mark) >= least
    }

    func finding(
        mark: Int64,
        isFresh: Bool,
        _ message: String,
        _ details: [String: JSONValue],
        _ evidence: WeighedEvidence
    ) -> AnomalyFinding {
        AnomalyFinding(
            type: type,
            context: context,
            mark: mark,
            isFresh: isFresh,
            message: message,
            details: details,
            evidence: evidence
        )
    }
}
