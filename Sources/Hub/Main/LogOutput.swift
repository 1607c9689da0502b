import Foundation
import Logging

/// Log lines on stderr, for people or for programs.
struct LogOutput: LogHandler {
    /// How a line looks.
    enum Format: String, CaseIterable, Sendable {
        /// `2026-01-31T12:00:00.000Z info hub: A spoke connected. spoke=…`
        case text
        /// One JSON object per line.
        case json
    }

    /// What an operator may choose.
    struct Settings: Hashable, Sendable {
        var level: Logger.Level
        var format: Format

        init(level: String?, format: String?) throws {
            guard let known = Logger.Level(rawValue: level ?? "info") else {
                let levels = Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")
                throw ConfigurationProblem("log: level must be one of \(levels).")
            }
            guard let form = Format(rawValue: format ?? (isatty(STDERR_FILENO) == 1 ? "text" : "json")) else {
                throw ConfigurationProblem("log: format must be text or json.")
            }
            self.level = known
            self.format = form
        }
    }

    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level
    private let label: String
    private let format: Format

    /// Makes this the output of all loggers of the process. Once.
    static func bootstrap(_ settings: Settings) {
        LoggingSystem.bootstrap { label in
            // Libraries tell of every connection at info; an operator's diary is the hub's own.
            let level = label.hasPrefix("hub") ? settings.level : max(settings.level, .notice)
            return LogOutput(logLevel: level, label: label, format: settings.format)
        }
    }

    private init(logLevel: Logger.Level, label: String, format: Format) {
        self.logLevel = logLevel
        self.label = label
        self.format = format
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let facts = metadata.merging(event.metadata ?? [:]) { _, later in later }
        let time = Date().formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
        let line =
            switch format {
            case .text: Self.text(time, event, label, facts)
            case .json: Self.json(time, event, label, facts)
            }
        // One write per line keeps lines whole among threads.
        FileHandle.standardError.write(line)
    }

    private static func text(_ time: String, _ event: LogEvent, _ label: String, _ facts: Logger.Metadata) -> Data {
        let pairs = facts.sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }.joined()
        return Data("\(time) \(event.level) \(label): \(event.message)\(pairs)\n".utf8)
    }

    private static func json(_ time: String, _ event: LogEvent, _ label: String, _ facts: Logger.Metadata) -> Data {
        var members = facts.mapValues { "\($0)" }
        members["time"] = time
        members["level"] = event.level.rawValue
        members["logger"] = label
        members["message"] = "\(event.message)"
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Strings always encode.
        let bytes = (try? encoder.encode(members)) ?? Data()
        return bytes + Data("\n".utf8)
    }
}
