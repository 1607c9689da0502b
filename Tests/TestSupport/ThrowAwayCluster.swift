import Foundation
import Glibc
public import Postgres
public import Protocol
import Synchronization

/// A private Postgres in a temporary directory that ends and vanishes with the process, or with the next run.
public enum ThrowAwayCluster {
    private struct Remains: Sendable {
        let directory: String
        let server: Int32
    }

    private static let prefix = "nave-test-"
    private static let remains = Mutex<[Remains]>([])

    /// Starts one.
    ///
    /// - Parameter isDurable: Whether commits wait for the disk; only measurements want that.
    public static func start(isDurable: Bool = false) async throws(Fault) -> DatabaseConfiguration {
        await sweep()
        let directory = try makeDirectory()
        var settings = ClusterSettings()
        settings.isDurable = isDurable
        settings.connectionsMax = 500
        let cluster = PrivateCluster(directory: directory, settings: settings, logger: .quiet)
        let configuration = try await cluster.start()
        let server = await cluster.processID ?? 0
        let isFirst = remains.withLock { remains in
            remains.append(Remains(directory: directory, server: server))
            return remains.count == 1
        }
        if isFirst { atexit { ThrowAwayCluster.removeAll() } }
        return configuration
    }

    /// A directory whose name tells whose it is, so that the next run knows what was left behind.
    public static func makeDirectory() throws(Fault) -> String {
        let number = UInt32.random(in: .min ... .max)
        let path = NSTemporaryDirectory() + "/\(prefix)\(getpid())-\(String(number, radix: 36))"
        // 0700 on purpose: as root, Postgres' user cannot walk through it, and must not need to.
        guard mkdir(path, 0o700) == 0 else {
            throw Fault(.execution, "“\(path)” cannot be created; free or allow it.")
        }
        return path
    }

    /// Ends and removes what killed processes left behind.
    private static func sweep() async {
        let temporary = NSTemporaryDirectory()
        // Without the directory nothing was left in it.
        let names = (try? FileManager.default.contentsOfDirectory(atPath: temporary)) ?? []
        for name in names where name.hasPrefix(prefix) {
            let owner = name.dropFirst(prefix.count).prefix { $0.isNumber }
            guard let pid = pid_t(owner), kill(pid, 0) != 0, errno == ESRCH else { continue }
            let path = temporary + "/" + name
            for directory in [path] + subdirectories(path) {
                await PrivateCluster(directory: directory, logger: .quiet).stop()
            }
            // Another run may have been quicker.
            try? FileManager.default.removeItem(atPath: path)
        }
    }

    private static func subdirectories(_ path: String) -> [String] {
        // A directory that is gone has none.
        ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).map { path + "/" + $0 }
    }

    private static func removeAll() {
        for one in remains.withLock({ $0 }) {
            kill(one.server, SIGQUIT)
            var status: Int32 = 0
            // At exit nothing else runs: waiting for the child itself is all there is to do.
            waitpid(one.server, &status, 0)
            // What cannot be removed now is swept by the next run.
            try? FileManager.default.removeItem(atPath: one.directory)
        }
    }
}
