import HubCore
import Protocol

/// Roles, as callers may ask for them.
struct RoleOperations: Sendable {
    let roles: RoleStore

    func register(in table: inout OperationTable) {
        table.answer(CreateRole.self, with: create)
        table.answer(GetRole.self, with: get)
        table.answer(ListRoles.self, with: list)
        table.answer(UpdateRole.self, with: update)
        table.answer(DeleteRole.self, with: delete)
        table.answer(ResolveRole.self, with: resolve)
    }

    private func create(_ request: CreateRole, by caller: Caller) async throws(Fault) -> RoleRecord {
        var violations = Self.violations(name: request.name, description: request.description)
        violations += Self.violations(request.temperature, request.permissions, request.tools, request.prompt)
        guard violations.isEmpty else { throw .invalid(violations) }
        var parent: RoleID?
        if let named = request.parent { parent = try await roles.require(named).id }
        return try await roles.create(request, parent: parent)
    }

    private func get(_ request: GetRole, by caller: Caller) async throws(Fault) -> RoleRecord {
        try await roles.require(request.role)
    }

    private func list(_ request: ListRoles, by caller: Caller) async throws(Fault) -> RoleList {
        let limit = try PageCursor.limit(request.limit)
        let cursor = try PageCursor.parts(of: request.cursor, count: 1)
        let found = try await roles.list(mode: request.mode, after: cursor?.first, limit: limit + 1)
        let page = Array(found.prefix(limit))
        let next = found.count > limit ? page.last.map { PageCursor.text([$0.name]) } : nil
        return RoleList(roles: page, nextCursor: next)
    }

    private func update(_ request: UpdateRole, by caller: Caller) async throws(Fault) -> RoleRecord {
        var violations = Self.violations(name: request.name, description: request.description)
        violations += Self.violations(request.temperature, request.permissions, request.tools, request.prompt)
        guard violations.isEmpty else { throw .invalid(violations) }
        let role = try await roles.require(request.role)
        var parent: RoleID?
        if let named = request.parent, !named.isEmpty { parent = try await roles.require(named).id }
        return try await roles.update(role, request, moves: request.parent != nil, to: parent)
    }

    private func delete(_ request: DeleteRole, by caller: Caller) async throws(Fault) -> RoleRecord {
        let role = try await roles.require(request.role)
        guard let use = try await roles.delete(role.id, detaching: request.detachChildren == true) else { return role }
        var ways: [String] = []
        if use.sessions > 0 {
            ways.append("\(use.sessions) running sessions carry it: wait for their end or abort them")
        }
        if !use.children.isEmpty {
            let names = Wording.naming(use.children)
            ways.append("\(names) inherit from it: give them another parent, or say detachChildren")
        }
        throw Fault(
            .conflict,
            "“\(role.name)” is in use; \(ways.joined(separator: "; ")).",
            details: [
                "sessions": .integer(use.sessions), "children": .array(use.children.map(JSONValue.string)),
            ]
        )
    }

    private func resolve(_ request: ResolveRole, by caller: Caller) async throws(Fault) -> ResolveRole.Output {
        let role = try await roles.require(request.role)
        let chain = try await roles.chain(of: role.id)
        let layers = chain.map { RoleResolution.Layer(name: $0.name, rules: $0.permissions) }
        let decision = request.action.flatMap {
            RoleResolution.decide($0, on: request.subject ?? "", by: layers)
        }
        var permission: RolePermission?
        var reason = "No action was asked about."
        if let action = request.action {
            permission = decision?.rule.permission ?? .deny
            reason =
                decision.map { Self.reason($0, of: role, for: action) }
                ?? "No rule of \(layers.map(\.name).joined(separator: ", ")) is about \(action), which means deny."
        }
        return ResolveRole.Output(
            permission: permission,
            reason: reason,
            decidedBy: decision.map { .init(role: $0.role, index: $0.index, rule: $0.rule) },
            chain: chain.map(\.name),
            temperature: chain.lazy.compactMap(\.temperature).first ?? (role.mode == .primary ? 0.3 : 0.2),
            prompt: chain.lazy.compactMap(\.prompt).first,
            model: chain.lazy.compactMap(\.model).first
        )
    }

    private static func reason(_ decision: RoleResolution.Decision, of role: RoleRecord, for action: String) -> String {
        let rule = decision.rule
        let whose =
            decision.role == role.name ? "its own rule" : "the rule of \(decision.role), from which it inherits,"
        return "\(rule.permission.rawValue): \(whose) number \(decision.index + 1) is about \(rule.action) on "
            + "\(rule.pattern ?? "*") and is the first that matches."
    }

    private static func violations(name: String?, description: String?) -> [Fault.Violation] {
        (name.map { Wording.violations(ofName: $0, at: "name") } ?? [])
            + (description.map { Wording.violations(ofText: $0, at: "description", bytes: 2_000) } ?? [])
    }

    private static func violations(
        _ temperature: Double?,
        _ permissions: [RoleRule]?,
        _ tools: JSONValue?,
        _ prompt: String?
    ) -> [Fault.Violation] {
        var found: [Fault.Violation] = []
        if let temperature, !(0...2).contains(temperature) {
            found.append(.init(path: "temperature", message: "must be between 0 and 2."))
        }
        if (permissions ?? []).count > Limits.roleRules {
            found.append(.init(path: "permissions", message: "must be \(Limits.roleRules) at most."))
        }
        for (index, rule) in (permissions ?? []).prefix(Limits.roleRules).enumerated() {
            let path = "permissions[\(index)]"
            found += Wording.violations(ofName: rule.action, at: "\(path).action")
            if let pattern = rule.pattern {
                found += Wording.violations(ofText: pattern, at: "\(path).pattern", bytes: 1_000)
            }
        }
        if let tools {
            if case .object = tools {} else { found.append(.init(path: "tools", message: "must be an object.")) }
        }
        if let prompt, prompt.utf8.count > Limits.messageBytes || prompt.utf8.contains(0) {
            found.append(.init(path: "prompt", message: "must be a text of at most \(Limits.messageBytes) bytes."))
        }
        return found
    }
}
