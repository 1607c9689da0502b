import Foundation
import Protocol

/// Where the supervisor's program is: beside the spoke's own, wherever that was installed.
enum SupervisorExecutable {
    static let name = "spoke-supervisor"

    static func find(environment: [String: String] = ProcessInfo.processInfo.environment) throws(Fault) -> String {
        let own = Bundle.main.executableURL?.resolvingSymlinksInPath().deletingLastPathComponent()
        let beside = own?.appending(path: name).path(percentEncoded: false)
        // The product's name where it was built, the target's where a test runs it.
        let candidates = [environment["NAVE_SUPERVISOR"], beside].compactMap { $0 }
        guard let found = candidates.first(where: { FileManager.default.isExecutableFile(atPath: $0) }) else {
            throw Fault(
                .notFound, "\(name) is not beside the spoke's program (\(beside ?? "?")); install it there.")
        }
        return found
    }
}
