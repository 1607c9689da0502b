import Foundation
public import Protocol
import Yams

/// What a spoke's owner may set in `spoke.yaml`; every line is optional.
public struct SpokeConfiguration: Sendable {
    /// Sessions at a time.
    public var slots: Int
    /// Warm worktrees kept for each repository that was used.
    public var warmWorktrees: Int
    /// The journal's file may grow to this before an alert, and to this before output is dropped.
    public var journalSoftBytes: Int64
    public var journalHardBytes: Int64
    /// Below this share of free disk no new session starts, 0…1.
    public var diskReserve: Double
    /// Programs known by name (`--agent NAME`).
    public var agents: [String: AgentProfile]
    public var labels: [String: String]
    /// Secrets that must never leave this machine, by the files that hold them.
    public var redact: [String]
    /// What the owner offers besides the operations that every spoke has.
    public var own: OwnOperations
    /// Where it was read, whether or not there is such a file; looked at again while the spoke runs.
    public var file: String?
    /// Log level: trace, debug, info, notice, warning, error.
    public var logLevel: String

    public static let standard = SpokeConfiguration(
        slots: 64,
        warmWorktrees: 2,
        journalSoftBytes: 1 << 30,
        journalHardBytes: 2 << 30,
        diskReserve: 0.03,
        agents: [:],
        labels: [:],
        redact: [],
        own: .none,
        logLevel: "info"
    )

    /// Reads the file; the standard configuration where there is none.
    ///
    /// - Throws: `VALIDATION_ERROR` naming the key that is unknown or has the wrong type.
    public static func read(_ path: String, required: Bool = false) throws(Fault) -> SpokeConfiguration {
        var configuration = SpokeConfiguration.standard
        configuration.file = path
        guard required || FileManager.default.fileExists(atPath: path) else { return configuration }
        let file = try StrictYAML.decode(File.self, from: path, shape: File.shape)
        configuration.slots = file.slots ?? configuration.slots
        configuration.warmWorktrees = file.warmWorktrees ?? configuration.warmWorktrees
        configuration.journalSoftBytes = file.journalSoftBytes ?? configuration.journalSoftBytes
        configuration.journalHardBytes = file.journalHardBytes ?? configuration.journalHardBytes
        configuration.diskReserve = file.diskReserve ?? configuration.diskReserve
        configuration.agents = file.agents ?? [:]
        configuration.labels = file.labels ?? [:]
        configuration.redact = file.redact ?? []
        configuration.logLevel = file.logLevel ?? configuration.logLevel
        configuration.own = try OwnOperations.read(path)
        try configuration.validate(path)
        return configuration
    }

    private func validate(_ path: String) throws(Fault) {
        guard agents.count <= AgentOffer.most else {
            throw Fault.invalid("agents", "must be at most \(AgentOffer.most) in \(path).")
        }
        guard (1...10_000).contains(slots) else {
            throw Fault.invalid("slots", "must be between 1 and 10000 in \(path).")
        }
        guard (0...64).contains(warmWorktrees) else {
            throw Fault.invalid("warmWorktrees", "must be between 0 and 64 in \(path).")
        }
        guard journalSoftBytes > 0, journalHardBytes >= journalSoftBytes else {
            throw Fault.invalid("journalHardBytes", "must not be below journalSoftBytes in \(path).")
        }
        for (name, profile) in agents {
            guard 1...Limits.nameBytes / 4 ~= name.utf8.count else {
                throw Fault.invalid("agents", "must have names of 1 to \(Limits.nameBytes / 4) bytes in \(path).")
            }
            if let flaw = profile.flaw { throw Fault.invalid("agents.\(name)", "\(flaw) in \(path).") }
        }
        guard (0..<1).contains(diskReserve) else {
            throw Fault.invalid("diskReserve", "must be at least 0 and below 1 in \(path).")
        }
    }

    private struct File: Decodable {
        var slots: Int?
        var warmWorktrees: Int?
        var journalSoftBytes: Int64?
        var journalHardBytes: Int64?
        var diskReserve: Double?
        var agents: [String: AgentProfile]?
        var labels: [String: String]?
        var redact: [String]?
        var logLevel: String?

        static let shape: StrictYAML.Shape = [
            "slots": nil, "warmWorktrees": nil, "journalSoftBytes": nil, "journalHardBytes": nil, "diskReserve": nil,
            "agents": nil, "labels": nil, "redact": nil, "logLevel": nil, "operations": nil, "mcpServers": nil,
            "openapi": nil,
        ]
    }
}
