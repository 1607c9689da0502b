import Foundation
import HubCore
import Protocol
import TestSupport

/// The part of `docs/detections.md` that follows from the traces: how often each heuristic is right.
enum DetectionPages {
    private static let opening = "<!-- measured: written by `make docs` from the traces; a test keeps it true -->"
    private static let closing = "<!-- end of measured -->"

    /// One heuristic over all traces.
    struct Score {
        var hits = 0
        var falseAlarms: [String] = []
        var misses: [String] = []
        var silent = 0
        var confidenceOfHits = 0.0
        var confidenceOfFalseAlarms = 0.0

        var precision: Double? { ratio(hits, hits + falseAlarms.count) }
        var recall: Double? { ratio(hits, hits + misses.count) }

        private func ratio(_ part: Int, _ whole: Int) -> Double? { whole == 0 ? nil : Double(part) / Double(whole) }
    }

    static func scores(
        _ traces: [DetectionTrace],
        agentStallSeconds: Double? = nil
    ) -> [AnomalyType: Score] {
        var scores: [AnomalyType: Score] = [:]
        for trace in traces {
            let replay = TraceReplay.verdicts(on: trace, agentStallSeconds: agentStallSeconds)
            for type in AnomalyType.allCases {
                var score = scores[type] ?? Score()
                let sure = replay.confidence[type] ?? 0
                switch (trace.expected.contains(type), replay.raised.contains(type)) {
                case (true, true):
                    (score.hits, score.confidenceOfHits) = (score.hits + 1, score.confidenceOfHits + sure)
                case (false, true):
                    score.falseAlarms.append(trace.name)
                    score.confidenceOfFalseAlarms += sure
                case (true, false): score.misses.append(trace.name)
                case (false, false): score.silent += 1
                }
                scores[type] = score
            }
        }
        return scores
    }

    /// The page as it stands, with the measured part as it should be.
    static func page() throws -> String {
        let text = try WrittenPage.text("docs/detections.md")
        guard let start = text.firstRange(of: opening), let end = text.firstRange(of: closing) else {
            throw Fault(.validation, "docs/detections.md has no measured part.")
        }
        return text[..<start.upperBound] + "\n\n" + measured(try DetectionTrace.all()) + "\n" + text[end.lowerBound...]
    }

    private static func measured(_ traces: [DetectionTrace]) -> String {
        let scores = scores(traces)
        var rows: [[String]] = []
        for type in AnomalyType.allCases {
            guard let score = scores[type] else { continue }
            rows.append([
                "`\(type.rawValue)`", "\(score.hits)", "\(score.falseAlarms.count)", "\(score.misses.count)",
                "\(score.silent)", shown(score.precision), shown(score.recall),
                mean(score.confidenceOfHits, score.hits), mean(score.confidenceOfFalseAlarms, score.falseAlarms.count),
            ])
        }
        let heads = [
            "type", "found", "false alarms", "missed", "rightly silent", "precision", "recall", "sure of what it found",
            "sure of false alarms",
        ]
        let ordinary = traces.filter(\.expected.isEmpty).count
        var text = "\(traces.count) traces, of which \(ordinary) have nothing wrong in them.\n\n"
        text += WrittenPage.table(heads, rows) + "\n" + stalls(traces) + "\nWhere it errs:\n\n"
        let about = Dictionary(traces.map { ($0.name, $0.about) }, uniquingKeysWith: { $1 })
        var errors: [[String]] = []
        for type in AnomalyType.allCases {
            let score = scores[type] ?? Score()
            errors += score.falseAlarms.map { ["`\(type.rawValue)`", "false alarm", "`\($0)`", about[$0] ?? ""] }
            errors += score.misses.map { ["`\(type.rawValue)`", "missed", "`\($0)`", about[$0] ?? ""] }
        }
        return text + WrittenPage.table(["type", "", "trace", "what happened there"], errors)
    }

    /// What more patience with agents brings and costs.
    private static func stalls(_ traces: [DetectionTrace]) -> String {
        let rows = [60, 120, 180, 300].map { seconds -> [String] in
            let score = scores(traces, agentStallSeconds: Double(seconds))[.sessionStall] ?? Score()
            return ["\(seconds)", shown(score.precision), shown(score.recall)]
        }
        return "`SESSION_STALL` by the setting's `agentStallSeconds`:\n\n"
            + WrittenPage.table(["seconds", "precision", "recall"], rows)
    }

    private static func shown(_ share: Double?) -> String {
        guard let share else { return "–" }
        return String(format: "%.2f", share)
    }

    private static func mean(_ sum: Double, _ count: Int) -> String { shown(count == 0 ? nil : sum / Double(count)) }
}
