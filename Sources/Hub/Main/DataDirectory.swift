import Foundation

/// The directory in which a hub keeps what is its own. One hub at a time: a lock tells a second one.
final class DataDirectory: Sendable {
    let path: String
    private let lockDescriptor: Int32

    /// Creates the directory (0700) if it is missing and takes its lock.
    init(_ path: String) throws {
        self.path = path
        do {
            try FileManager.default.createDirectory(
                atPath: path,
                withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700]
            )
        } catch {
            throw ConfigurationProblem("--data-dir: \(path) cannot be created: \(error.localizedDescription)")
        }
        lockDescriptor = open(path + "/hub.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard lockDescriptor >= 0 else {
            throw ConfigurationProblem("--data-dir: \(path) cannot be written: \(String(cString: strerror(errno))).")
        }
        guard flock(lockDescriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(lockDescriptor)
            throw ConfigurationProblem("--data-dir: another hub runs in \(path); stop it or choose another directory.")
        }
    }

    deinit { close(lockDescriptor) }

    var adminKeyFile: String { path + "/admin.key" }
    var joinTokenFile: String { path + "/join.token" }
    var secretKeyFile: String { path + "/secret.keys" }
    var clusterDirectory: String { path + "/postgres" }
}
