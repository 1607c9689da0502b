import Foundation
import Protocol

/// Runs `JournalBench`, a program of its own because tests kill it, and takes its ratios over.
enum JournalFigures {
    static func figures(_ settings: BenchSettings) throws -> [Figure] {
        let output = try Program.output("JournalBench", ["\(settings.seconds / 2)", settings.scratch])
        var rates: [String: Double] = [:]
        for line in output.split(separator: "\n") {
            let parts = line.split(separator: ": ")
            guard parts.count == 2, let rate = parts[1].split(separator: " ").first.flatMap({ Double($0) }) else {
                continue
            }
            rates[String(parts[0])] = rate
        }
        return rows.compactMap { row in
            guard let ours = rates[row.ours], let raw = rates[row.raw] else { return nil }
            return Figure(
                "journal, \(row.name)",
                String(format: "%.0f rows/s", ours),
                against: String(format: "SQLite C, same durability: %.0f", raw),
                ratio: ours / raw,
                row.target
            )
        }
    }

    private struct Row {
        let name: String
        let ours: String
        let raw: String
        let target: Figure.Target
    }

    private static let rows = [
        Row(
            name: "one row per commit",
            ours: "Journal, one at a time",
            raw: "SQLite C, one at a time",
            target: .atLeast(0.65)
        ),
        Row(
            name: "100 rows together",
            ours: "Journal, 100 together",
            raw: "SQLite C, 100 together",
            target: .atLeast(0.65)
        ),
        Row(
            name: "1000 rows together",
            ours: "Journal, 1000 together",
            raw: "SQLite C, 1000 together",
            target: .atLeast(0.65)
        ),
        Row(
            name: "100 tasks, a row each (group commit)",
            ours: "Journal, 100 together, a task each",
            raw: "SQLite C, 100 together",
            target: .atLeast(0.65)
        ),
        Row(
            name: "1000 tasks, a row each (group commit)",
            ours: "Journal, 1000 together, a task each",
            raw: "SQLite C, 1000 together",
            target: .atLeast(0.65)
        ),
    ]
}
