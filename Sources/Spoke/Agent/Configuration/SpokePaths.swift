import Foundation
public import Protocol

/// Where a spoke keeps what it has, all below its data directory (contract.md).
public struct SpokePaths: Sendable {
    /// Absolute, without a trailing slash.
    public let root: String

    public init(root: String) {
        self.root = URL(filePath: root, directoryHint: .isDirectory).standardizedFileURL.path(percentEncoded: false)
            .trimmingSuffix("/")
    }

    public var database: String { "\(root)/spoke.sqlite" }
    public var credential: String { "\(root)/credential.json" }
    public var policy: String { "\(root)/policy.yaml" }
    public var configuration: String { "\(root)/spoke.yaml" }
    public var lock: String { "\(root)/spoke.lock" }
    public var repositories: String { "\(root)/repos" }
    public var worktrees: String { "\(root)/worktrees" }
    public var sessions: String { "\(root)/sessions" }
    /// What runs for calls, and not for a session.
    public var programs: String { "\(root)/programs" }
    public var socket: String { "\(root)/spoke.sock" }

    /// Makes the directories that are missing, for the owner alone.
    public func create() throws(Fault) {
        for directory in [root, repositories, worktrees, sessions, programs] {
            do {
                try FileManager.default.createDirectory(
                    atPath: directory,
                    withIntermediateDirectories: true,
                    attributes: [.posixPermissions: 0o700]
                )
            } catch {
                throw Fault(
                    .execution,
                    "The directory \(directory) cannot be made; choose another with --data-dir or change its owner."
                )
            }
        }
    }

    /// The data directory used when none is named: `/var/lib/nave/spoke` for root, below the home otherwise.
    public static func standardRoot(environment: [String: String]) -> String {
        if let named = environment["NAVE_SPOKE_DATA"], !named.isEmpty { return named }
        if getuid() == 0 { return "/var/lib/nave/spoke" }
        return "\(environment["HOME"] ?? "/tmp")/.local/share/nave/spoke"
    }
}

extension String {
    fileprivate func trimmingSuffix(_ suffix: String) -> String {
        count > suffix.count && hasSuffix(suffix) ? String(dropLast(suffix.count)) : self
    }
}
