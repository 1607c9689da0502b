import Protocol

/// Projects, as callers may ask for them.
struct ProjectOperations: Sendable {
    let projects: ProjectStore

    func register(in table: inout OperationTable) {
        table.answer(CreateProject.self, with: create)
        table.answer(ListProjects.self, with: list)
        table.answer(GetProject.self, with: get)
        table.answer(UpdateProject.self, with: update)
        table.answer(DeleteProject.self, with: delete)
    }

    private func create(_ request: CreateProject, by caller: Caller) async throws(Fault) -> ProjectRecord {
        var violations = ProjectRules.violations(
            name: request.name,
            repoUrl: request.repoUrl,
            directory: request.directory,
            branch: request.defaultBranch
        )
        if request.repoUrl == nil && request.directory == nil {
            violations.append(.init(path: "repoUrl", message: "is required unless there is a directory."))
        }
        violations += ProjectRules.violations(
            verification: request.verification,
            settings: request.settings,
            metadata: request.metadata
        )
        violations += ProjectRules.violations(iconUrl: request.iconUrl, iconColor: request.iconColor)
        guard violations.isEmpty else { throw .invalid(violations) }
        return try await projects.create(request)
    }

    private func list(_ request: ListProjects, by caller: Caller) async throws(Fault) -> ProjectList {
        let limit = try PageCursor.limit(request.limit)
        let cursor = try PageCursor.parts(of: request.cursor, count: 2)
        let found = try await projects.list(after: cursor, limit: limit + 1)
        let page = Array(found.prefix(limit))
        let next = found.count > limit ? page.last.map { PageCursor.text([$0.name, $0.id.rawValue]) } : nil
        return ProjectList(projects: page, nextCursor: next)
    }

    private func get(_ request: GetProject, by caller: Caller) async throws(Fault) -> ProjectRecord {
        try await projects.find(request.project)
    }

    private func update(_ request: UpdateProject, by caller: Caller) async throws(Fault) -> ProjectRecord {
        var violations = ProjectRules.violations(
            name: request.name,
            repoUrl: request.repoUrl,
            directory: request.directory,
            branch: request.defaultBranch
        )
        violations += ProjectRules.violations(
            verification: request.verification,
            settings: request.settings,
            metadata: request.metadata
        )
        violations += ProjectRules.violations(iconUrl: request.iconUrl, iconColor: request.iconColor)
        guard violations.isEmpty else { throw .invalid(violations) }
        let project = try await projects.find(request.project)
        guard let updated = try await projects.update(project.id, request) else { throw Self.gone(request.project) }
        return updated
    }

    private func delete(_ request: DeleteProject, by caller: Caller) async throws(Fault) -> ProjectRecord {
        let project = try await projects.find(request.project)
        if let deleted = try await projects.delete(project.id) { return deleted }
        let use = try await projects.use(of: project.id)
        guard use.sessions > 0 || use.workspaces > 0 else { throw Self.gone(request.project) }
        throw Fault(
            .conflict,
            "“\(project.name)” has \(use.sessions) sessions that are not over and \(use.workspaces) worktrees; abort "
                + "those and remove these with workspace.remove, which saves what is in them.",
            details: ["sessions": .integer(use.sessions), "workspaces": .integer(use.workspaces)]
        )
    }

    private static func gone(_ project: String) -> Fault {
        Fault(.notFound, "The project “\(project)” was removed meanwhile; list them with project.list.")
    }
}
