import Foundation
import Logging
public import Protocol
import SpokeCore

/// What a sweep found that only its caller can settle.
public struct SweepReport: Hashable, Sendable {
    /// Removals that a crash interrupted: order them again.
    public var unfinishedRemovals: [WorkspaceID] = []
    /// Directories that look like worktrees and that nobody remembers. Never deleted: a person must look.
    public var strays: [String] = []
    /// Salvages whose time was over.
    public var expiredSalvages: [SalvageID] = []
    /// Lock files that nobody held.
    public var brokenLocks: [String] = []

    public init() {}
}

extension Worktrees {
    /// A lock file this old that no process has open belongs to a process that died.
    static let staleLockSeconds = 600.0
    /// Between two rounds of maintenance of a mirror.
    static let maintenanceSeconds = 86_400.0

    /// Clears up what crashes and time left behind. To be run at start and then every few minutes.
    public func sweep() async throws(Fault) -> SweepReport {
        var report = SweepReport()
        for name in Folder.names(in: root + "/drafts") where !drafts.contains("\(root)/drafts/\(name)") {
            trash("\(root)/drafts/\(name)")
        }
        try await sweepRecords(&report)
        try await expireSalvages(&report)
        for name in Folder.names(in: root + "/repos") {
            let path = "\(root)/repos/\(name)"
            if name.contains(".broken-") {
                let written = Folder.writtenAt(path) ?? clock()
                if clock().timeIntervalSince(written) > Self.salvageSeconds { trash(path) }
            }
        }
        for record in try await store.mirrors() where Folder.exists(record.directory) {
            let address = try RepositoryAddress(record.repository)
            let mirror = Mirror(address: address, path: record.directory)
            let broken = await staleLocks(in: mirror)
            report.brokenLocks += broken
            try await locked(address) { self.sweepAdmins(of: mirror) }
            try await maintain(mirror)
        }
        try await sweepStrays(&report)
        try await emptyTrash()
        return report
    }

    private func sweepRecords(_ report: inout SweepReport) async throws(Fault) {
        for record in try await store.workspaces() {
            switch record.state {
            case .removing:
                report.unfinishedRemovals.append(record.id)
            case .removed where clock().timeIntervalSince(record.lastUsedAt) > Self.salvageSeconds:
                try await store.delete(record.id)
            case .preparing, .ready, .removed:
                // An order that was interrupted comes again, and finds its own leftovers.
                break
            }
        }
    }

    private func expireSalvages(_ report: inout SweepReport) async throws(Fault) {
        for saved in try await store.salvages() where saved.expiresAt < clock() {
            let address = try RepositoryAddress(saved.repository)
            let mirror = Mirror(address: address, path: "\(root)/repos/\(Mirror.name(of: address)).git")
            if Folder.exists(mirror.path) {
                try await locked(address) {
                    let refs = try await self.git(
                        ["for-each-ref", "--format=delete %(refname)", saved.ref, "\(saved.ref)-nested/"],
                        in: mirror.place
                    )
                    try await self.git(["update-ref", "--stdin"], in: mirror.place, input: refs.output)
                }
            }
            try await store.delete(saved.id)
            report.expiredSalvages.append(saved.id)
        }
    }

    /// Worktrees of the pool that were never completed, or lost their directory.
    private func sweepAdmins(of mirror: Mirror) {
        let whole = Set(warmTrees(in: mirror))
        for name in Folder.names(in: mirror.path + "/worktrees") where name.hasPrefix("warm-") {
            let directory = Folder.text(mirror.admin(name) + "/gitdir") ?? ""
            let inPool = directory == "\(root)/worktrees/.warm/\(name)/.git"
            guard inPool, !filling.contains(name) else { continue }
            if !whole.contains(name) || !Folder.exists(directory) {
                trash("\(root)/worktrees/.warm/\(name)")
                trash(mirror.admin(name))
            }
        }
    }

    /// Reports directories that no record knows; pool directories without an administrative folder just go.
    private func sweepStrays(_ report: inout SweepReport) async throws(Fault) {
        let known = Set(try await store.workspaces().map(\.directory))
        for name in Folder.names(in: root + "/worktrees") where name != ".warm" {
            let path = "\(root)/worktrees/\(name)"
            if !known.contains(path) { report.strays.append(path) }
        }
        for name in Folder.names(in: root + "/worktrees/.warm") where !filling.contains(name) {
            let path = "\(root)/worktrees/.warm/\(name)"
            let link = Folder.text(path + "/.git")?.dropFirst("gitdir: ".count) ?? ""
            if link.isEmpty || !Folder.exists(String(link)) { trash(path) }
        }
    }

    /// Drops lock files of git processes that died: old, and open in no process, with nobody in the worktree.
    private func staleLocks(in mirror: Mirror) async -> [String] {
        var candidates = ["packed-refs.lock", "config.lock", "HEAD.lock", "shallow.lock"].map { "\(mirror.path)/\($0)" }
        for name in FileManager.default.subpaths(atPath: mirror.path + "/refs") ?? [] where name.hasSuffix(".lock") {
            candidates.append("\(mirror.path)/refs/\(name)")
        }
        var owners: [String: String] = [:]
        for name in Folder.names(in: mirror.path + "/worktrees") {
            for lock in ["index.lock", "HEAD.lock"] {
                let path = "\(mirror.admin(name))/\(lock)"
                candidates.append(path)
                owners[path] = Folder.text(mirror.admin(name) + "/gitdir").map { String($0.dropLast("/.git".count)) }
            }
        }
        var dropped: [String] = []
        for path in candidates {
            guard let written = Folder.writtenAt(path), clock().timeIntervalSince(written) > Self.staleLockSeconds
            else {
                continue
            }
            if await Occupants.haveOpen(path) { continue }
            if let owner = owners[path], await !Occupants.inside(owner).isEmpty { continue }
            Folder.drop(path)
            dropped.append(path)
        }
        return dropped
    }

    /// Packs what many small files became, when nobody works in the repository. Nothing is ever pruned.
    private func maintain(_ mirror: Mirror) async throws(Fault) {
        let mark = mirror.path + "/nave-maintained"
        let last = Folder.writtenAt(mark) ?? .distantPast
        guard clock().timeIntervalSince(last) > Self.maintenanceSeconds else { return }
        let busy = try await store.workspaces().contains {
            $0.repository == mirror.address.rawValue && ($0.leaseSession != nil || $0.state == .preparing)
        }
        guard !busy else { return }
        try await locked(mirror.address) {
            try await self.git(["pack-refs", "--all"], in: mirror.place, quietly: true)
            try await self.git(
                ["commit-graph", "write", "--reachable", "--no-progress"],
                in: mirror.place,
                quietly: true
            )
            // Objects of worktrees pile up loose; packing them changes nothing but the time to find them.
            let packed = try await self.git.ask(
                ["maintenance", "run", "--quiet", "--task=loose-objects"],
                in: mirror.place,
                quietly: true
            )
            if packed.status != 0 {
                self.log.debug("Loose objects were not packed.", metadata: ["git": "\(packed.complaint)"])
            }
            try Folder.write("", to: mark)
        }
    }

    // MARK: - Trash

    /// Deletes what was moved into the trash.
    func emptyTrash() async throws(Fault) {
        let paths = Folder.names(in: root + "/trash").map { "\(root)/trash/\($0)" }
        guard !paths.isEmpty else { return }
        for path in paths {
            let answer = try await run("/bin/rm", ["-rf", "--", path])
            if answer.status != 0 {
                // Folders that their owner made read-only, as some package caches are.
                _ = try await run("/bin/chmod", ["-R", "u+rwX", "--", path])
                _ = try await run("/bin/rm", ["-rf", "--", path])
            }
        }
    }

    func run(_ program: String, _ arguments: [String]) async throws(Fault) -> Git.Answer {
        let child = Child(
            program: "/usr/bin/nice",
            arguments: ["-n", "10", program] + arguments,
            environment: ["LC_ALL": "C"],
            directory: nil,
            input: nil
        )
        return try await child.run(limit: Git.networkLimit, name: program)
    }

    /// Renames into the trash, from where it is deleted when there is time.
    func discard(_ path: String) throws(Fault) {
        try Folder.move(path, to: "\(root)/trash/\(UUID().uuidString)")
        post.yield(.emptyTrash)
    }

    /// The same for leftovers, where it does not matter who clears them away.
    func trash(_ path: String) {
        // What cannot be renamed is found again by the sweep; git then refuses the name and says so.
        try? discard(path)
    }

    /// A path in `drafts/` for something that is not yet what it will be.
    func newDraft(_ kind: String) -> String {
        let path = "\(root)/drafts/\(kind)-\(UUID().uuidString)"
        drafts.insert(path)
        return path
    }

    /// The draft has served; what is left of it goes.
    func discardDraft(_ path: String) {
        drafts.remove(path)
        if Folder.exists(path) { trash(path) }
    }
}
