import CLinux
import Foundation
import Logging
import NIOCore
public import Protocol
import ServiceLifecycle
import UnixSignals

#if canImport(Glibc)
    import Glibc
#endif

/// The service that `spoke run` runs: joins link, journal, sessions and worktrees, and knows nothing else.
public struct SpokeAgent: Sendable {
    private let paths: SpokePaths
    private let configuration: SpokeConfiguration

    public init(paths: SpokePaths, configuration: SpokeConfiguration) {
        self.paths = paths
        self.configuration = configuration
    }

    /// Works until SIGTERM or SIGINT. Sessions go on without the agent and are found again by the next run.
    ///
    /// - Throws: `NOT_FOUND` if the spoke never joined, `CONFLICT` if another agent runs in the same directory.
    public func run() async throws(Fault) {
        Self.staySmall()
        let logger = Self.logger(level: configuration.logLevel)
        let credential = try SpokeCredential.read(paths)
        try paths.create()
        let lock = try DirectoryLock(paths.lock)
        signal(SIGPIPE, SIG_IGN)
        let parts = try await SpokeParts(
            paths: paths,
            configuration: configuration,
            credential: credential,
            logger: logger
        )
        do {
            let services = ServiceGroup(
                services: [parts],
                gracefulShutdownSignals: [.sigterm, .sigint],
                logger: logger
            )
            try await services.run()
        } catch {
            throw Fault(.execution, "The spoke stopped: \(error)")
        }
        withExtendedLifetime(lock) {}
    }

    /// A spoke shares its machine with the work that it runs: one event loop carries its one link, and what the C
    /// library would keep for each thread it gives back.
    private static func staySmall() {
        linux_keep_heap_small()
        NIOSingletons.groupLoopCountSuggestion = 1
        NIOSingletons.blockingPoolThreadCountSuggestion = 1
    }

    private static func logger(level: String) -> Logger {
        LoggingSystem.bootstrap(StreamLogHandler.standardError)
        var logger = Logger(label: "spoke")
        logger.logLevel = Logger.Level(rawValue: level) ?? .info
        return logger
    }
}

/// Keeps a second agent out of a data directory for as long as it lives.
final class DirectoryLock: Sendable {
    private let file: Int32

    init(_ path: String) throws(Fault) {
        file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard file >= 0, flock(file, LOCK_EX | LOCK_NB) == 0 else {
            throw Fault(.conflict, "Another spoke runs in this data directory (\(path) is held); stop that one first.")
        }
    }

    deinit { close(file) }
}
