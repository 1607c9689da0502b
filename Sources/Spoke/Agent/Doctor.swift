import Foundation
import Protocol

/// Looks at everything a spoke needs on its machine.
public struct Doctor: Sendable {
    private let paths: SpokePaths

    public init(paths: SpokePaths) { self.paths = paths }

    /// One thing that was looked at.
    public struct Finding: Codable, Hashable, Sendable {
        public var subject: String
        public var passed: Bool
        /// What is so, or what to do.
        public var message: String
    }

    /// Looks at all of it, in the order in which it is needed.
    public func examine() async -> [Finding] {
        let info = await Host.info(dataDirectory: paths.root)
        return [git(info), directory(), disk(), supervisor(), policy(), configuration(), credential(), agent()]
    }

    private func git(_ info: HostInfo) -> Finding {
        info.gitVersion.isEmpty
            ? Finding(subject: "git", passed: false, message: "not found on PATH; install git 2.38 or newer")
            : Finding(subject: "git", passed: true, message: info.gitVersion)
    }

    private func directory() -> Finding {
        let writable = FileManager.default.isWritableFile(atPath: paths.root)
        return Finding(
            subject: "data directory",
            passed: writable,
            message: writable ? paths.root : "\(paths.root) is missing or not writable; join first, or use --data-dir"
        )
    }

    private func disk() -> Finding {
        guard let disk = Host.disk(at: paths.root) else {
            return Finding(subject: "disk", passed: false, message: "cannot be measured")
        }
        let text = "\(disk.freeBytes >> 20) MiB free, \(Int(disk.freeShare * 100)) %"
        return Finding(subject: "disk", passed: disk.freeShare > 0.03, message: text)
    }

    private func supervisor() -> Finding {
        check("spoke-supervisor") { () throws(Fault) in try SupervisorExecutable.find() }
    }

    private func policy() -> Finding {
        check("policy.yaml") { () throws(Fault) in
            guard FileManager.default.fileExists(atPath: paths.policy) else { return "none: the default is in force" }
            _ = try PolicyFile.read(paths.policy)
            return "in force"
        }
    }

    private func configuration() -> Finding {
        check("spoke.yaml") { () throws(Fault) in
            try SpokeConfiguration.read(paths.configuration).own.checkPlaces()
            return "understood"
        }
    }

    private func credential() -> Finding {
        check("credential") { () throws(Fault) in "joined \(try SpokeCredential.read(paths).hub)" }
    }

    private func agent() -> Finding {
        check("agent") { () throws(Fault) in
            let status = try LocalSocket.ask(LocalRequest(method: .status), at: paths.socket)
            return "runs, \(status["link"]?.stringValue ?? "link unknown")"
        }
    }

    private func check(_ subject: String, _ look: () throws(Fault) -> String) -> Finding {
        do {
            return Finding(subject: subject, passed: true, message: try look())
        } catch {
            return Finding(subject: subject, passed: false, message: error.message)
        }
    }
}
