import Foundation
import Logging
public import Protocol
import SpokeCore

extension Worktrees {
    /// What a removal did: the record of it, and what was saved if anything was there to save.
    public typealias Removal = (removed: WorkspaceRemoved, salvaged: WorkspaceSalvaged?)

    /// Removes a worktree: the only way in which one goes. Saves first whatever is not at the origin.
    ///
    /// Called again, also after a crash at any point, it ends the same and answers the same.
    /// - Fails with `conflict` and the pids while a live process is inside, with `notFound` for an unknown
    ///   workspace. When anything cannot be saved, it fails and nothing is removed.
    public func remove(_ id: WorkspaceID, reason: String) async throws(Fault) -> Removal {
        try await locked(id) {
            guard let record = try await self.store.workspace(id) else {
                throw Fault(.notFound, "Workspace \(id) is not on this spoke.")
            }
            if record.state == .removed { return try await self.answer(record) }
            guard record.directory.hasPrefix("\(self.root)/worktrees/") else {
                throw Fault(
                    .conflict,
                    "\(record.directory) belongs to the directory that this one was copied from; it stays untouched."
                )
            }
            return try await self.take(away: record, reason: reason)
        }
    }

    private func take(away found: WorktreeRecord, reason: String) async throws(Fault) -> Removal {
        let calls = await uses.close(found.id)
        defer { uses.open(found.id) }
        guard calls == 0 else {
            throw Fault(
                .conflict,
                "\(calls) calls work in workspace \(found.id); abort them or wait, then remove it."
            )
        }
        try await refuseIfOccupied(found)
        let address = try RepositoryAddress(found.repository)
        var record = found
        if record.state != .removing {
            record.state = .removing
            record.removalStartedAt = clock()
            record.removalReason = reason
            try await store.save(record)
        }
        let started = record.removalStartedAt ?? clock()
        do throws(Fault) {
            let mirror = try await locked(address) { try await self.mirror(of: address) }
            let saved = try await salvage(of: record)
            if saved != nil, !Folder.exists(record.directory) {
                // An interrupted removal had saved everything before it moved the directory.
            } else if Folder.exists(mirror.admin(record.adminName)) {
                let (head, work) = try await rescue(record, in: mirror, date: started)
                if let work { try await store.save(work) }
                record.headCommit = head
            } else if Folder.exists(record.directory) {
                throw Fault(.execution, "\(record.directory) has lost its link to the mirror; look at it by hand.")
            }
            try await refuseIfOccupied(record)
            try await locked(address) { try await self.dropTree(record, in: mirror) }
        } catch {
            // What began to go has been saved, and goes with the next try.
            guard Folder.exists(record.directory) else { throw error }
            // Nothing went: the worktree stays usable.
            record.state = .ready
            record.removalStartedAt = nil
            try await store.save(record)
            throw error
        }
        record.state = .removed
        record.lastUsedAt = clock()
        try await store.save(record)
        log.info("A worktree was removed.", metadata: ["workspace": "\(record.id)", "reason": "\(reason)"])
        return try await answer(record)
    }

    private func refuseIfOccupied(_ record: WorktreeRecord) async throws(Fault) {
        let inside = await Occupants.inside(record.directory)
        guard !inside.isEmpty else { return }
        let shown = inside.prefix(5).map { "\($0.pid) (\($0.command))" }.joined(separator: ", ")
        throw Fault(
            .conflict,
            "Workspace \(record.id) has live processes inside: \(shown). End them, then remove it.",
            details: .object(["pids": .array(inside.map { .integer(Int64($0.pid)) })])
        )
    }

    /// Salvages what a worktree holds while it stays as it is, and tells the hub.
    func setAside(_ record: WorktreeRecord) async throws(Fault) -> SalvagedWork? {
        let address = try RepositoryAddress(record.repository)
        let mirror = try await locked(address) { try await self.mirror(of: address) }
        let (_, work) = try await rescue(record, in: mirror, date: clock())
        guard let work else { return nil }
        try await store.save(work, telling: try await told(of: work, in: mirror))
        return work
    }

    /// Salvages; returns HEAD, and what was saved under a ref that exists when this returns.
    private func rescue(
        _ record: WorktreeRecord,
        in mirror: Mirror,
        date: Date
    ) async throws(Fault) -> (head: String?, work: SalvagedWork?) {
        let draft = newDraft("salvage")
        defer { discardDraft(draft) }
        let scratch = try Scratch(git: git, mirror: mirror, path: draft, directory: record.directory)
        let salvage = Salvage(
            git: git,
            scratch: scratch,
            admin: mirror.admin(record.adminName),
            workspaceId: record.id,
            date: date
        )
        let findings = try await salvage.run()
        guard let commit = findings.commit else { return (findings.head, nil) }
        let ref = try await locked(mirror.address) {
            try await self.keep(commit, findings.nested, of: record, in: mirror)
        }
        let number = ref.split(separator: "/").last ?? "1"
        let work = SalvagedWork(
            id: SalvageID("\(record.id)-\(number)"),
            workspaceId: record.id,
            projectId: record.projectId,
            repository: record.repository,
            ref: ref,
            commit: commit,
            parents: findings.parents,
            branch: findings.branch ?? record.branch,
            files: findings.files,
            expiresAt: date.addingTimeInterval(Self.salvageSeconds)
        )
        return (findings.head, work)
    }

    static let salvageSeconds = Double(Limits.salvageDays) * 86_400

    /// Gives the commit a ref, or finds the one that an interrupted removal gave it.
    private func keep(
        _ commit: String,
        _ nested: [String],
        of record: WorktreeRecord,
        in mirror: Mirror
    ) async throws(Fault) -> String {
        let folder = "refs/salvage/\(record.id)/"
        let existing = try await git(["for-each-ref", "--format=%(objectname) %(refname)", folder], in: mirror.place)
        var last = 0
        for line in existing.text.split(separator: "\n") {
            let words = line.split(separator: " ").map(String.init)
            guard words.count == 2, let number = Int(words[1].dropFirst(folder.count)) else { continue }
            if words[0] == commit { return words[1] }
            last = max(last, number)
        }
        let ref = "\(folder)\(last + 1)"
        for (index, path) in nested.enumerated() {
            try await keepNested("\(record.directory)/\(path)", as: "\(folder)\(last + 1)-nested/\(index)", in: mirror)
        }
        try await git(["update-ref", "--create-reflog", ref, commit, ""], in: mirror.place)
        return ref
    }

    /// Fetches the commits of a repository inside the worktree, so that they outlive it on this spoke.
    private func keepNested(_ path: String, as prefix: String, in mirror: Mirror) async throws(Fault) {
        let head = try await git.ask(["rev-parse", "--verify", "--quiet", "HEAD"], in: .directory(path))
        // No commit yet, or no repository after all: its files are saved as files.
        guard head.status == 0, Folder.exists(path + "/.git") else { return }
        try await git(
            [
                "fetch", "--quiet", "--no-write-fetch-head", "--no-tags", "--no-auto-maintenance", "--force",
                Self.uploadPackForAnyOwner, "--", path, "+HEAD:\(prefix)/HEAD", "+refs/heads/*:\(prefix)/heads/*",
            ],
            in: mirror.place
        )
    }

    /// Moves the tree out of the way and forgets it; the bytes are deleted when there is time.
    private func dropTree(_ record: WorktreeRecord, in mirror: Mirror) async throws(Fault) {
        if Folder.exists(record.directory) { try discard(record.directory) }
        if Folder.exists(mirror.admin(record.adminName)) { try discard(mirror.admin(record.adminName)) }
        // A branch that says nothing the origin does not say goes with its worktree; any other stays.
        let branch = "refs/heads/\(record.branch)"
        let found = try await commits([branch], in: mirror)[0]
        guard let tip = found, try holder(of: BranchName(record.branch), in: mirror) == nil else { return }
        let own = try await git(["rev-list", "--max-count=1", tip, "--not", "--remotes"], in: mirror.place)
        if own.output.isEmpty { try await git(["update-ref", "-d", branch, tip], in: mirror.place) }
    }

    /// What this very removal saved, told from earlier ones by its time.
    private func salvage(of record: WorktreeRecord) async throws(Fault) -> SalvagedWork? {
        guard let started = record.removalStartedAt else { return nil }
        let expiry = started.addingTimeInterval(Self.salvageSeconds)
        return try await store.salvages().last {
            $0.workspaceId == record.id && abs($0.expiresAt.timeIntervalSince(expiry)) < 1
        }
    }

    /// The answer to a removal that is complete.
    private func answer(_ record: WorktreeRecord) async throws(Fault) -> Removal {
        let removed = WorkspaceRemoved(
            workspaceId: record.id,
            headCommit: record.headCommit,
            reason: record.removalReason ?? "removed"
        )
        let saved = try await salvage(of: record)
        guard let saved else { return (removed, nil) }
        let address = try RepositoryAddress(saved.repository)
        let mirror = try await locked(address) { try await self.mirror(of: address) }
        return (removed, try await told(of: saved, in: mirror))
    }

    /// What the hub is told of saved work.
    private func told(of saved: SalvagedWork, in mirror: Mirror) async throws(Fault) -> WorkspaceSalvaged {
        let (bundle, bytes) = try await bundle(saved.ref, in: mirror)
        return WorkspaceSalvaged(
            salvageId: saved.id,
            workspaceId: saved.workspaceId,
            projectId: saved.projectId,
            ref: saved.ref,
            commit: saved.commit,
            parents: saved.parents,
            branch: saved.branch,
            files: saved.files,
            bytes: bytes,
            expiresAt: saved.expiresAt,
            bundle: bundle
        )
    }

    /// A bundle must fit into one record: its JSON spends four bytes on three, and the rest of it needs room.
    static let bundleBytes = (Limits.recordPayloadBytes - (16 << 10)) / 4 * 3

    /// What the origin lacks of the ref, as a bundle if it is small enough; and how many bytes it takes.
    private func bundle(_ ref: String, in mirror: Mirror) async throws(Fault) -> (Data?, Int64) {
        let usage = try await git(
            ["rev-list", "--disk-usage", "--objects", ref, "--not", "--remotes"],
            in: mirror.place
        )
        let estimate = Int64(usage.line) ?? 0
        // Objects on disk are compressed each by itself; a pack is rarely a quarter of their sum.
        guard estimate < Int64(Self.bundleBytes) * 4 else { return (nil, estimate) }
        let made = try await git(["bundle", "create", "--quiet", "-", ref, "--not", "--remotes"], in: mirror.place)
        let fits = made.output.count <= Self.bundleBytes
        return (fits ? Data(made.output) : nil, Int64(made.output.count))
    }
}
