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

    private var own: OwnFiles { OwnFiles(root: worktrees.root) }

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
    func workspace(
        _ workspace: WorkspaceID?,
        _ session: SessionID?,
        orElse otherWay: String = ""
    ) async throws(Fault) -> WorkspaceID {
        if let workspace { return workspace }
        guard let session else {
            throw Fault.invalid("workspaceId", "is required: name a workspace\(otherWay) or a session.")
        }
        if let found = try await self.workspace(of: session) { return found }
        throw Fault(.notFound, "Session \(session) has no worktree on this spoke.")
    }

    private func workspace(of session: SessionID) async throws(Fault) -> WorkspaceID? {
        if let found = await workspaceOfSession(session) { return found }
        return try await worktrees.workspace(of: session)
    }

    /// Does something to a file that a call names: by a worktree and a path in it, or by an absolute path.
    ///
    /// - Throws: `ACCESS_DENIED` for what lies in somebody else's worktree, for what is the spoke's own, and for what
    ///   lies elsewhere, unless the policy's `paths` allow it.
    func file<Result: Sendable>(
        _ request: some WorktreeOperation,
        at path: String,
        for call: SpokeCall,
        on offload: Offload,
        _ deed: @escaping @Sendable (FileDeeds, RelativePath, Abandonment) throws(Fault) -> Result
    ) async throws(Fault) -> Result {
        guard path.hasPrefix("/") else {
            let relative = try RelativePath(path)
            let named = try await workspace(request.workspaceId, request.sessionId, orElse: ", an absolute path")
            return try await worktrees.using(named) { (record) async throws(Fault) -> Result in
                try await run(deed, in: record, relative, on: offload)
            }
        }
        let absolute = try RelativePath.absolute(path)
        let shown = "/" + absolute.names.joined(separator: "/")
        if absolute.below(try RelativePath.absolute(worktrees.root)) != nil {
            let around = try await worktree(around: absolute, request, call)
            let below = try absolute.below(RelativePath.absolute(around.directory)) ?? .here
            return try await worktrees.using(around.id) { (record) async throws(Fault) -> Result in
                try await run(deed, in: record, below, on: offload)
            }
        }
        let policy = try await policy.current()
        if let objection = policy.objection(toPath: shown) { throw objection }
        let (own, secrets) = (own, await secrets())
        return try await offload.run { (abandonment) throws(Fault) -> Result in
            let deeds = FileDeeds(
                confinement: try Confinement(everythingBut: own),
                secrets: secrets,
                permits: { policy.objection(toPath: $0) == nil }
            )
            return try deed(deeds, absolute, abandonment)
        }
    }

    /// The worktree in which an absolute path lies, if it is open to whoever asks.
    ///
    /// The hub's gate knows the ids of an input, not where paths lead (access.md). So a path must lie in the worktree
    /// that the input names, which the gate has seen, or in that of the session that asks. For those who oversee all
    /// organisations there is no gate.
    private func worktree(
        around path: RelativePath,
        _ request: some WorktreeOperation,
        _ call: SpokeCall
    ) async throws(Fault) -> WorktreeRecord {
        let refusal = OwnFiles.refusal("/" + path.names.joined(separator: "/"))
        let isNamed = request.workspaceId != nil || request.sessionId != nil
        var open: WorkspaceID?
        if isNamed {
            open = try await workspace(request.workspaceId, request.sessionId)
        } else if let session = call.session {
            open = try await workspace(of: session)
        }
        guard let around = try await worktrees.workspace(around: path),
            around.id == open || !isNamed && call.overseesOrganizations
        else { throw isNamed ? Fault.invalid("path", "does not lie in the worktree that is named.") : refusal }
        return around
    }

    private func run<Result: Sendable>(
        _ deed: @escaping @Sendable (FileDeeds, RelativePath, Abandonment) throws(Fault) -> Result,
        in record: WorktreeRecord,
        _ path: RelativePath,
        on offload: Offload
    ) async throws(Fault) -> Result {
        let (own, secrets) = (own, await secrets())
        return try await offload.run { (abandonment) throws(Fault) -> Result in
            let confinement = try Confinement(record.directory, beside: own)
            return try deed(FileDeeds(confinement: confinement, secrets: secrets), path, abandonment)
        }
    }

    /// Opens a folder of a worktree to work in.
    func directory(_ path: RelativePath, in record: WorktreeRecord) async throws(Fault) -> WorkingDirectory {
        let own = own
        return try await disk.run { (_) throws(Fault) -> WorkingDirectory in
            let confinement = try Confinement(record.directory, beside: own, field: "directory")
            return WorkingDirectory(try confinement.folder(try confinement.place(of: path)))
        }
    }
}
