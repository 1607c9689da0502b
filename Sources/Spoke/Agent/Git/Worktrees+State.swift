import Foundation
public import Protocol
public import SpokeCore

extension Worktrees {
    /// How long a directory's size is taken as known: measuring walks the whole tree.
    private static let sizeSeconds = 60.0

    /// How a worktree stands: asked of git each time, never remembered.
    ///
    /// - Fails with `notFound` for an unknown or removed workspace, `execution` if its directory cannot be read.
    public func state(of id: WorkspaceID) async throws(Fault) -> WorktreeState {
        guard let record = try await store.workspace(id), record.state != .removed else {
            throw Fault(.notFound, "Workspace \(id) is not on this spoke.")
        }
        let address = try RepositoryAddress(record.repository)
        let mirror = Mirror(address: address, path: "\(root)/repos/\(Mirror.name(of: address)).git")
        let place = Git.Place.worktree(admin: mirror.admin(record.adminName), directory: record.directory)
        let answer = try await git(
            ["status", "--porcelain=v2", "--branch", "-z", "--untracked-files=all", "--no-renames"],
            in: place
        )
        let report = StatusReport(answer.text)
        let (behind, ahead) = try await distance(record, head: report.head, in: mirror)
        return WorktreeState(
            workspaceId: id,
            branch: report.branch,
            head: report.head,
            ahead: ahead,
            behind: behind,
            files: report.files,
            sizeBytes: try await size(of: record)
        )
    }

    private func distance(
        _ record: WorktreeRecord,
        head: String?,
        in mirror: Mirror
    ) async throws(Fault) -> (behind: Int, ahead: Int) {
        let bases = [record.base.map { "refs/remotes/origin/\($0)" }, record.baseCommit].compactMap(\.self)
        guard let head, let base = try await commits(bases, in: mirror).compactMap(\.self).first else { return (0, 0) }
        let counts = try await git(["rev-list", "--left-right", "--count", "\(base)...\(head)"], in: mirror.place).line
            .split(separator: "\t").compactMap { Int($0) }
        return counts.count == 2 ? (counts[0], counts[1]) : (0, 0)
    }

    private func size(of record: WorktreeRecord) async throws(Fault) -> Int64 {
        if let known = sizes[record.id], clock().timeIntervalSince(known.at) < Self.sizeSeconds { return known.bytes }
        let answer = try await run(
            "/usr/bin/du",
            ["--summarize", "--one-file-system", "--block-size=1", "--", record.directory]
        )
        // Files that vanish meanwhile make `du` complain; its sum stands.
        let bytes = answer.text.split(separator: "\t").first.flatMap { Int64($0) } ?? 0
        sizes[record.id] = (bytes, clock())
        return bytes
    }

    /// Says which session works in a worktree, or that none does: a leased one is not cleaned up under disk pressure.
    public func lease(_ id: WorkspaceID, to session: SessionID?) async throws(Fault) {
        try await locked(id) {
            guard var record = try await self.store.workspace(id), record.state == .ready else {
                throw Fault(.notFound, "Workspace \(id) is not ready on this spoke.")
            }
            record.leaseSession = session
            record.lastUsedAt = self.clock()
            try await self.store.save(record)
        }
    }

    /// The worktrees as ``DiskWatermarks`` weighs them.
    public func tenants() async throws(Fault) -> [DiskTenant] {
        var tenants: [DiskTenant] = []
        for record in try await list() {
            tenants.append(
                DiskTenant(
                    workspaceId: record.id,
                    lastUsedAt: record.lastUsedAt,
                    sizeBytes: try await size(of: record),
                    isRemovable: record.state == .ready && record.leaseSession == nil && record.keep != .always
                        && uses.count(record.id) == 0
                )
            )
        }
        return tenants
    }

    /// What the file system under the data directory says about itself.
    public nonisolated func diskReading() throws(Fault) -> DiskReading {
        var information = statvfs()
        guard statvfs(root, &information) == 0 else {
            throw Fault(.execution, "The disk under \(root) cannot be measured: \(String(cString: strerror(errno)))")
        }
        let block = Int64(information.f_frsize)
        return DiskReading(
            totalBytes: Int64(information.f_blocks) * block,
            freeBytes: Int64(information.f_bavail) * block,
            totalFiles: Int64(information.f_files),
            freeFiles: Int64(information.f_favail)
        )
    }
}
