import HubCore
import Protocol

/// Projects, as callers may ask for them.
struct ProjectOperations: Sendable {
    let projects: ProjectStore
    let organizations: OrganizationStore

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
        let organization = try await organization(request.org, caller, .see)
        return try await projects.create(request, in: organization?.id, seenBy: caller.confinedTo)
    }

    private func list(_ request: ListProjects, by caller: Caller) async throws(Fault) -> ProjectList {
        let limit = try PageCursor.limit(request.limit)
        let cursor = try PageCursor.parts(of: request.cursor, count: 2)
        let organization = try await organization(request.org, caller, .see)
        let found = try await projects.list(
            of: organization?.id,
            seenBy: caller.confinedTo,
            after: cursor,
            limit: limit + 1
        )
        let page = Array(found.prefix(limit))
        let next = found.count > limit ? page.last.map { PageCursor.text([$0.name, $0.id.rawValue]) } : nil
        return ProjectList(projects: page, nextCursor: next)
    }

    private func get(_ request: GetProject, by caller: Caller) async throws(Fault) -> ProjectRecord {
        try await projects.find(request.project, seenBy: caller.confinedTo)
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
        let project = try await projects.find(request.project, seenBy: caller.confinedTo)
        if request.org != nil { try await check(.change, on: project, caller) }
        let target = try await organization(request.org == "" ? nil : request.org, caller, .change)
        let updated = try await projects.update(
            project.id,
            request,
            moves: request.org != nil,
            to: target?.id,
            seenBy: caller.confinedTo
        )
        guard let updated else { throw Self.gone(request.project) }
        return updated
    }

    /// The organisation that a request names, if the caller may do this in it.
    private func organization(
        _ named: String?,
        _ caller: Caller,
        _ deed: MembershipRules.Deed
    ) async throws(Fault) -> OrganizationRecord? {
        guard let named else { return nil }
        let organization = try await organizations.require(named, for: caller)
        try caller.check(deed, in: organization)
        return organization
    }

    /// Lets those who look after a project's organisation decide where it goes and whether it stays.
    private func check(
        _ deed: MembershipRules.Deed,
        on project: ProjectRecord,
        _ caller: Caller
    ) async throws(Fault) {
        _ = try await organization(project.orgId?.rawValue, caller, deed)
    }

    private func delete(_ request: DeleteProject, by caller: Caller) async throws(Fault) -> ProjectRecord {
        let project = try await projects.find(request.project, seenBy: caller.confinedTo)
        try await check(.change, on: project, caller)
        let discards = request.discardSalvaged == true
        if let deleted = try await projects.delete(project.id, discardingSalvaged: discards) { return deleted }
        let use = try await projects.use(of: project.id)
        throw use.fault(project) ?? Self.gone(request.project)
    }

    private static func gone(_ project: String) -> Fault {
        Fault(.notFound, "The project “\(project)” was removed meanwhile; list them with project.list.")
    }
}
