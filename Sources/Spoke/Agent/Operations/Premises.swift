import Foundation
import Protocol
import SpokeCore

/// Where a call may work: inside this spoke's worktrees, and outside of them only where the owner's policy says so.
struct Premises: Sendable {
    let worktrees: Worktrees
    let policy: PolicyFile
    /// The workspace of a session that runs here.
    let workspaceOfSession: @Sendable (SessionID) async -> WorkspaceID?
    /// What must not leave this machine.
    let secrets: @Sendable () async -> SecretPatterns
    let disk = Offload(width: 4)
    let searches = Offload(width: 1)

    /// Works in the worktree that a call names. It stays there until `body` returns.
    ///
    /// - Throws: `VALIDATION_ERROR` if none is named, `NOT_FOUND` if it is not ready on this spoke.
    func within<Result: Sendable>(
        _ workspace: WorkspaceID?,
        _ session: SessionID?,
        _ body: @Sendable (WorktreeRecord) async throws(Fault) -> Result
    ) async throws(Fault) -> Result {
        try await worktrees.using(try await self.workspace(workspace, session), body)
    }

    /// The workspace that a call names, by itself or by its session.
    func workspace(_ workspace: WorkspaceID?, _ session: SessionID?) async throws(Fault) -> WorkspaceID {
        if let workspace { return workspace }
        guard let session else {
            throw Fault.invalid("workspaceId", "is required: name a workspace, a session, or an absolute path.")
        }
        if let found = await workspaceOfSession(session) { return found }
        if let found = try await worktrees.workspace(of: session) { return found }
        throw Fault(.notFound, "Session \(session) has no worktree on this spoke.")
    }

    /// Does something to a file that a call names: by a worktree and a path in it, or by an absolute path.
    ///
    /// - Throws: `ACCESS_DENIED` for what lies elsewhere, unless the policy's `paths` allow it.
    func file<Result: Sendable>(
        _ workspace: WorkspaceID?,
        _ session: SessionID?,
        _ path: String,
        on offload: Offload,
        _ deed: @escaping @Sendable (FileDeeds, RelativePath, Abandonment) throws(Fault) -> Result
    ) async throws(Fault) -> Result {
        guard path.hasPrefix("/") else {
            let relative = try RelativePath(path)
            return try await within(workspace, session) { (record) async throws(Fault) -> Result in
                try await Self.run(deed, in: record, relative, on: offload)
            }
        }
        let absolute = try RelativePath.absolute(path)
        if let around = try await worktrees.workspace(around: absolute) {
            let asked = workspace == nil && session == nil ? nil : try await self.workspace(workspace, session)
            guard asked == nil || asked == around.id else {
                throw Fault.invalid("path", "lies in workspace \(around.id), not in the one that is named.")
            }
            let below = try absolute.below(RelativePath.absolute(around.directory)) ?? .here
            return try await worktrees.using(around.id) { (record) async throws(Fault) -> Result in
                try await Self.run(deed, in: record, below, on: offload)
            }
        }
        if let objection = try await policy.current().objection(toPath: "/" + absolute.text) { throw objection }
        return try await offload.run { (abandonment) throws(Fault) -> Result in
            let deeds = FileDeeds(confinement: try Confinement("/", followsLinks: false), prefix: "/")
            return try deed(deeds, absolute, abandonment)
        }
    }

    private static func run<Result: Sendable>(
        _ deed: @escaping @Sendable (FileDeeds, RelativePath, Abandonment) throws(Fault) -> Result,
        in record: WorktreeRecord,
        _ path: RelativePath,
        on offload: Offload
    ) async throws(Fault) -> Result {
        try await offload.run { (abandonment) throws(Fault) -> Result in
            try deed(FileDeeds(confinement: try Confinement(record.directory)), path, abandonment)
        }
    }
}
