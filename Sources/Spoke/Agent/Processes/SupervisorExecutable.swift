import Foundation
public import Protocol

/// Where the supervisor's program is: it is installed beside the spoke's own.
public enum SupervisorExecutable {
    /// The configured path, or `spoke-supervisor` next to the running program.
    ///
    /// - Fails with `UNAVAILABLE` if nothing executable is there.
    public static func find(configured: String? = nil) throws(Fault) -> String {
        let path = configured ?? beside
        guard access(path, X_OK) == 0 else {
            throw Fault(.unavailable, "No supervisor at \(path); install spoke-supervisor beside the spoke's program.")
        }
        return path
    }

    private static var beside: String {
        URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
            .appending(path: "spoke-supervisor").path
    }
}
