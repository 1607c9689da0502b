import Foundation
import Protocol

/// What the spoke keeps for itself in its data directory: credential, policy, journal, whatever is not a worktree. No
/// call opens any of it, whatever the owner's policy allows, and under whatever name it is met.
struct OwnFiles: Sendable {
    private let paths: SpokePaths

    /// - Parameter root: the data directory.
    init(root: String) { paths = SpokePaths(root: root) }

    /// A file or folder, whatever it is called.
    struct Identity: Hashable, Sendable {
        private let device: UInt64
        private let inode: UInt64

        init(_ status: stat) { (device, inode) = (UInt64(status.st_dev), UInt64(status.st_ino)) }

        /// What stands at a path, links followed; `nil` where nothing does.
        init?(at path: String) {
            var status = stat()
            guard stat(path, &status) == 0 else { return nil }
            self.init(status)
        }
    }

    /// The folders: the data directory, where it is mounted elsewhere, and those directly in it.
    var folders: Set<Identity> {
        let inside = [paths.repositories, paths.worktrees, paths.sessions, paths.programs]
        return Set(([paths.root] + inside).compactMap { Identity(at: $0) })
    }

    /// Whether a file that was opened under some name is one of these by another: a hard link to it.
    func holds(_ file: stat) -> Bool {
        guard file.st_nlink > 1 else { return false }
        let files =
            [paths.credential, paths.policy, paths.configuration, paths.lock]
            + ["", "-wal", "-shm"].map { paths.database + $0 }
        let identity = Identity(file)
        return files.contains { Identity(at: $0) == identity }
    }

    /// One answer for all that lies there, so that it tells nobody what does.
    static func refusal(_ path: String) -> Fault {
        Fault(
            .accessDenied,
            "\(path) is in the spoke's own directory; name a worktree by workspaceId or sessionId and a path inside it."
        )
    }
}
