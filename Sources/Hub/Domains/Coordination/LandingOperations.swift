import Protocol

/// Bringing what sessions did into other branches, as callers may ask for it.
struct LandingOperations: Sendable {
    let sessions: SessionStore
    let projects: ProjectStore
    let places: LandingStore
    let composed: ComposedCalls

    func register(in table: inout OperationTable) { table.answer(LandSession.self, with: land) }

    private func land(_ request: LandSession, by caller: Caller) async throws(Fault) -> LandSession.Output {
        if let into = request.into, let flaw = BranchName.violation(of: into) { throw .invalid("into", flaw) }
        let place = try await place(request, by: caller)
        if let busy = place.busy, request.force != true {
            throw Fault(
                .conflict,
                "Session \(busy) still works on that branch; wait for its end, or land with force.",
                details: ["sessionId": .string(busy.rawValue)]
            )
        }
        guard let spoke = place.spoke else {
            throw Fault(
                .conflict,
                "The branch is on no spoke: the session was not placed yet, or its spoke was removed."
            )
        }
        guard place.isConnected else {
            throw Fault(
                .spokeDisconnected,
                "Spoke “\(place.spokeName ?? spoke.rawValue)” has the branch and is away; land when it is back."
            )
        }
        let landing = GitLand(
            workspaceId: place.workspace,
            into: request.into ?? place.defaultBranch,
            strategy: request.strategy,
            message: request.message,
            dryRun: request.dryRun,
            push: request.push,
            force: request.force
        )
        let output = try await composed.ask(landing, on: spoke, for: caller, authority: ["git:write"])
        return LandSession.Output(output, session: place.session, workspace: place.workspace, spoke: spoke)
    }

    private func place(_ request: LandSession, by caller: Caller) async throws(Fault) -> LandingStore.LandingPlace {
        if let wanted = request.sessionId {
            guard request.branch == nil, request.projectId == nil else {
                throw .invalid("branch", "is instead of sessionId.")
            }
            let session = try await sessions.require(wanted)
            if let place = try await places.place(of: session.id) { return place }
            throw Fault(.notFound, "Session \(session.id) has no worktree any more; land its branch by name.")
        }
        guard let branch = request.branch, let project = request.projectId else {
            throw .invalid("sessionId", "is required, or branch and projectId.")
        }
        if let flaw = BranchName.violation(of: branch) { throw .invalid("branch", flaw) }
        let found = try await projects.find(project, seenBy: caller.confinedTo)
        if let place = try await places.place(of: branch, in: found.id) { return place }
        throw Fault(
            .notFound,
            "No session worked on a branch “\(branch)” of “\(found.name)”; hub worktrees shows those there are."
        )
    }
}
