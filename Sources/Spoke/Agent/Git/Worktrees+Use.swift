import Foundation
import Protocol
import SpokeCore

extension Worktrees {
    /// Works in a worktree that is there, and stays there until `body` returns.
    ///
    /// - Fails with `NOT_FOUND` for a workspace that is not ready here, `CONFLICT` while it is being removed.
    nonisolated func using<Result: Sendable>(
        _ id: WorkspaceID,
        _ body: @Sendable (WorktreeRecord) async throws(Fault) -> Result
    ) async throws(Fault) -> Result {
        guard uses.begin(id) else {
            throw Fault(.conflict, "Workspace \(id) is being removed; what was in it can be had with hub restore.")
        }
        defer { uses.end(id) }
        // Looked up only now: a removal that began before this place was taken has said so in the record.
        guard let record = try await store.workspace(id), record.state == .ready else {
            throw Fault(.notFound, "Workspace \(id) is not ready on this spoke; git.worktrees lists those that are.")
        }
        return try await body(record)
    }

    /// The workspace in whose worktree an absolute path lies.
    nonisolated func workspace(around path: RelativePath) async throws(Fault) -> WorktreeRecord? {
        for record in try await list() where record.state == .ready {
            if path.below(try RelativePath.absolute(record.directory)) != nil { return record }
        }
        return nil
    }

    /// The workspace that a session has the use of.
    nonisolated func workspace(of session: SessionID) async throws(Fault) -> WorkspaceID? {
        try await list().first { $0.leaseSession == session }?.id
    }

    /// How git finds a worktree: named outright, so that no file in it leads elsewhere.
    nonisolated func place(of record: WorktreeRecord) throws(Fault) -> Git.Place {
        let mirror = try self.mirror(for: record)
        return .worktree(admin: mirror.admin(record.adminName), directory: record.directory)
    }

    /// Where git keeps what it knows of a worktree.
    nonisolated func admin(of record: WorktreeRecord) throws(Fault) -> String {
        try mirror(for: record).admin(record.adminName)
    }

    nonisolated func mirror(for record: WorktreeRecord) throws(Fault) -> Mirror {
        let address = try RepositoryAddress(record.repository)
        return Mirror(address: address, path: "\(root)/repos/\(Mirror.name(of: address)).git")
    }

    /// Runs `body` alone among what changes the worktree's branch and index for a caller.
    func alone<Result: Sendable>(
        in record: WorktreeRecord,
        _ body: @Sendable () async throws(Fault) -> Result
    ) async throws(Fault) -> Result {
        try await changing(record.id) { try await body() }
    }

    /// Runs `body` alone among what changes the repository that worktrees share.
    func alone<Result: Sendable>(
        with mirror: Mirror,
        _ body: @Sendable () async throws(Fault) -> Result
    ) async throws(Fault) -> Result {
        try await locked(mirror.address) { try await body() }
    }
}
