import ArgumentParser
import Foundation
import Protocol

/// `hub detections [list|show|look|resolve]`
struct DetectionsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "detections",
        abstract: "What looks wrong in sessions, and what became of it.",
        subcommands: [List.self, Show.self, Look.self, Resolve.self],
        defaultSubcommand: List.self
    )

    struct List: ClientCommand {
        static let configuration = CommandConfiguration(
            abstract: "Open detections, newest first.",
            discussion: "With --all the resolved ones, too."
        )

        @OptionGroup var client: ClientOptions
        @Flag(help: "Resolved ones, too.") var all = false
        @Option(help: "Only this session's.") var session: String?
        @Option(help: "Only those of this project's sessions, by name or id.") var project: String?
        @Option(help: "Only this type, such as SESSION_STALL.", completion: .list(AnomalyType.allCases.map(\.rawValue)))
        var type: String?
        @Option(help: "Only this severity: high, medium or low.", completion: .list(["high", "medium", "low"]))
        var severity: String?

        func ask(_ hub: HubClient) async throws {
            var input: [String: JSONValue] = [:]
            if !all { input["open"] = true }
            input["sessionId"] = session.map(JSONValue.string)
            input["projectId"] = project.map(JSONValue.string)
            input["anomalyType"] = type.map(JSONValue.string)
            input["severity"] = severity.map(JSONValue.string)
            let answer = try await hub.pages("detection.list", "detections", .object(input))
            if client.json { return try Output.json(answer) }
            try Output.line(Self.table(answer["detections"]?.arrayValue ?? [], all: all))
        }

        private static func table(_ rows: [JSONValue], all: Bool) -> String {
            var table = Table(
                "DETECTION",
                "TYPE",
                "SEVERITY",
                "COUNT",
                "SINCE",
                "LAST",
                "SURE",
                "SESSION",
                "STATE",
                "WHAT"
            )
            for row in rows {
                table.add(
                    row.cell("id"),
                    row.cell("anomalyType"),
                    row.cell("severity"),
                    row.cell("occurrenceCount"),
                    row.age("createdAt"),
                    row.age("updatedAt"),
                    DetectionsCommand.percent(row["confidence"]),
                    row.cell("sessionId"),
                    row["resolution"]?.stringValue ?? "open",
                    row.cell("message")
                )
            }
            return table.text(empty: all ? "Nothing was found." : "Nothing looks wrong.")
        }
    }

    struct Show: ClientCommand {
        static let configuration = CommandConfiguration(abstract: "One detection with its evidence.")

        @OptionGroup var client: ClientOptions
        @Argument(help: "The detection.") var detection: String

        func ask(_ hub: HubClient) async throws {
            let answer = try await hub.call("detection.get", ["detectionId": .string(detection)])
            if client.json { return try Output.json(answer) }
            try Output.line(answer.cell("message"))
            let fields = [
                "id", "anomalyType", "severity", "sessionId", "occurrenceCount", "createdAt", "updatedAt",
                "resolution", "resolvedAt", "resolvedBy", "note",
            ]
            for field in fields where answer.at(field) != nil && answer.at(field) != .null {
                try Output.line("\(field): \(answer.cell(field))")
            }
            try Output.line("confidence: \(DetectionsCommand.percent(answer["confidence"]))")
            try DetectionsCommand.print(evidence: answer)
        }
    }

    struct Look: ClientCommand {
        static let configuration = CommandConfiguration(
            abstract: "Look for anomalies now.",
            discussion: "The hub looks by itself every half minute."
        )

        @OptionGroup var client: ClientOptions
        @Option(help: "Only this session, also one that is over.") var session: String?
        @Option(help: "Only the running sessions of this project, by name or id.") var project: String?
        @Flag(help: "Store nothing.") var dryRun = false

        func ask(_ hub: HubClient) async throws {
            var input: [String: JSONValue] = [:]
            if dryRun { input["dryRun"] = true }
            input["sessionId"] = session.map(JSONValue.string)
            input["projectId"] = project.map(JSONValue.string)
            let answer = try await hub.call("coord.detect", .object(input))
            if client.json { return try Output.json(answer) }
            for found in answer["found"]?.arrayValue ?? [] {
                let sure = DetectionsCommand.percent(found["confidence"])
                try Output.line(
                    "\(found.cell("sessionId"))  \(found.cell("anomalyType"))  \(sure)  \(found.cell("message"))"
                )
                try DetectionsCommand.print(evidence: found)
            }
            try Output.line("\(answer.cell("sessions")) sessions looked at")
        }
    }

    struct Resolve: ClientCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say what became of a detection.",
            discussion: "The same evidence does not raise it again."
        )

        @OptionGroup var client: ClientOptions
        @Argument(help: "The detection.") var detection: String
        @Option(
            name: .customLong("as"),
            help: "acknowledged, dismissed, escalated or fixed.",
            completion: .list(DetectionResolution.allCases.map(\.rawValue))
        )
        var resolution: String
        @Option(help: "A word on why.") var note: String?

        func validate() throws {
            guard DetectionResolution(rawValue: resolution) != nil else {
                throw ValidationError("--as is acknowledged, dismissed, escalated or fixed.")
            }
        }

        func ask(_ hub: HubClient) async throws {
            var input: [String: JSONValue] = ["detectionId": .string(detection), "resolution": .string(resolution)]
            input["note"] = note.map(JSONValue.string)
            let answer = try await hub.call("detection.resolve", .object(input))
            if client.json { return try Output.json(answer) }
            try Output.line("\(answer.cell("id"))  \(answer.cell("resolution"))")
        }
    }

    /// A share between 0 and 1 as people say it.
    static func percent(_ value: JSONValue?) -> String {
        switch value {
        case .number(let share)?: "\(Int((share * 100).rounded())) %"
        case .integer(let whole)?: "\(whole * 100) %"
        default: "-"
        }
    }

    /// One line for each signal: `+` agrees, `-` does not, `?` is missing.
    static func print(evidence answer: JSONValue) throws {
        let signs = ["agrees": "+", "disagrees": "-", "missing": "?"]
        for signal in answer["evidence"]?.arrayValue ?? [] {
            let sign = signs[signal["state"]?.stringValue ?? ""] ?? "?"
            try Output.line("  \(sign) \(signal.cell("signal")): \(signal.cell("value"))")
        }
    }
}
