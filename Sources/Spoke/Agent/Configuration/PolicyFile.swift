import Foundation
public import Logging
public import Protocol
public import SpokeCore

/// Reads the owner's policy, again whenever the file changed: the owner need not restart anything.
public actor PolicyFile {
    private let path: String
    private let logger: Logger
    private var known: (stamp: FileStamp?, policy: Result<Policy, Fault>)?

    public init(path: String, logger: Logger = Logger(label: "spoke.policy")) {
        self.path = path
        self.logger = logger
    }

    /// The policy in force.
    ///
    /// - Throws: a file that cannot be understood denies everything: the owner meant something by it.
    public func current() throws(Fault) -> Policy {
        // Asked before every call, so the file is only looked at, not read, while it stays the same.
        let stamp = FileStamp(of: path)
        if let known, known.stamp == stamp { return try known.policy.get() }
        let policy = Result { () throws(Fault) in stamp == nil ? Policy() : try Self.read(path) }
        known = (stamp, policy)
        if case .failure(let flaw) = policy {
            logger.error(
                "policy.yaml allows nothing until it is mended",
                metadata: ["error": "\(flaw)", "file": "\(path)"]
            )
        }
        return try policy.get()
    }

    /// Reads and checks a policy file.
    public static func read(_ path: String) throws(Fault) -> Policy {
        let file = try StrictYAML.decode(File.self, from: path, shape: File.shape)
        var policy = Policy()
        if let list = file.operations { policy.operations = list.allowList }
        if let list = file.repositories { policy.repositories = list.allowList }
        if let list = file.commands { policy.commands = list.allowList }
        if let list = file.environment {
            policy.environment = AllowList(
                allow: list.allow ?? ["*"],
                deny: (list.deny ?? []) + AllowList.standardEnvironment.deny.map(\.text)
            )
        }
        if let list = file.paths { policy.paths = AllowList(allow: list.allow ?? [], deny: list.deny ?? []) }
        if let list = file.hosts { policy.hosts = list.allowList }
        policy.sessionsMax = file.sessions?.max
        for text in file.sessions?.hours ?? [] {
            guard let range = HourRange(text) else {
                throw Fault.invalid("sessions.hours", "must be such as 08:00-20:00, not \(text) (in \(path)).")
            }
            policy.hours.append(range)
        }
        return policy
    }

    private struct File: Decodable {
        var operations: Lists?
        var repositories: Lists?
        var commands: Lists?
        var environment: Lists?
        var paths: Lists?
        var hosts: Lists?
        var sessions: Sessions?

        static let shape: StrictYAML.Shape = [
            "operations": ["allow", "deny"], "repositories": ["allow", "deny"], "commands": ["allow", "deny"],
            "environment": ["allow", "deny"], "paths": ["allow", "deny"], "hosts": ["allow", "deny"],
            "sessions": ["max", "hours"],
        ]

        struct Lists: Decodable {
            var allow: [String]?
            var deny: [String]?

            var allowList: AllowList { AllowList(allow: allow ?? ["*"], deny: deny ?? []) }
        }

        struct Sessions: Decodable {
            var max: Int?
            var hours: [String]?
        }
    }
}
