import HubCore
import Protocol

/// Organisations, as callers may ask for them.
struct OrganizationOperations: Sendable {
    let organizations: OrganizationStore
    let accounts: AccountStore

    func register(in table: inout OperationTable) {
        table.answer(CreateOrganization.self, with: create)
        table.answer(GetOrganization.self, with: get)
        table.answer(ListOrganizations.self, with: list)
        table.answer(UpdateOrganization.self, with: update)
        table.answer(DeleteOrganization.self, with: delete)
        table.answer(TransferOwnership.self, with: transfer)
    }

    private func create(_ request: CreateOrganization, by caller: Caller) async throws(Fault) -> OrganizationRecord {
        let slug = request.slug ?? Self.slug(of: request.name)
        let violations =
            Wording.violations(ofName: request.name, at: "name") + Self.violations(slug: slug)
            + Self.violations(giteaOrgName: request.giteaOrgName)
        guard violations.isEmpty else { throw .invalid(violations) }
        return try await organizations.create(request, slug: slug, owner: caller.accountId)
    }

    private func get(_ request: GetOrganization, by caller: Caller) async throws(Fault) -> OrganizationRecord {
        try await organizations.require(request.org, for: caller)
    }

    private func list(_ request: ListOrganizations, by caller: Caller) async throws(Fault) -> OrganizationList {
        let limit = try PageCursor.limit(request.limit)
        let cursor = try PageCursor.parts(of: request.cursor, count: 1)
        let found = try await organizations.list(
            for: caller.accountId,
            all: caller.overseesOrganizations,
            after: cursor?.first,
            limit: limit + 1
        )
        let page = Array(found.prefix(limit))
        let next = found.count > limit ? page.last.map { PageCursor.text([$0.slug]) } : nil
        return OrganizationList(organizations: page, nextCursor: next)
    }

    private func update(_ request: UpdateOrganization, by caller: Caller) async throws(Fault) -> OrganizationRecord {
        let violations =
            (request.name.map { Wording.violations(ofName: $0, at: "name") } ?? [])
            + (request.slug.map(Self.violations(slug:)) ?? []) + Self.violations(giteaOrgName: request.giteaOrgName)
        guard violations.isEmpty else { throw .invalid(violations) }
        let organization = try await organizations.require(request.org, for: caller)
        try caller.check(.change, in: organization)
        return try await organizations.update(organization.id, request, for: caller.accountId)
    }

    private func delete(_ request: DeleteOrganization, by caller: Caller) async throws(Fault) -> OrganizationRecord {
        let organization = try await organizations.require(request.org, for: caller)
        try caller.check(.dispose, in: organization)
        if try await organizations.delete(organization.id, detaching: request.detachProjects == true) {
            return organization
        }
        guard let contents = try await organizations.contents(of: organization.id),
            !(contents.projects + contents.clients).isEmpty
        else { throw OrganizationStore.unknown(request.org) }
        let named = Wording.naming(contents.projects + contents.clients)
        throw Fault(
            .conflict,
            "“\(organization.name)” still has projects or clients (\(named)); move or delete them, or let them go on "
                + "outside any organisation with detachProjects.",
            details: [
                "projects": .array(contents.projects.map(JSONValue.string)),
                "clients": .array(contents.clients.map(JSONValue.string)),
            ]
        )
    }

    private func transfer(_ request: TransferOwnership, by caller: Caller) async throws(Fault) -> OrganizationRecord {
        let organization = try await organizations.require(request.org, for: caller)
        try caller.check(.dispose, in: organization)
        let account = try await accounts.require(request.account)
        guard account.status == .active else {
            throw Fault(
                .conflict,
                "“\(account.email)” is \(account.status.rawValue); only an active account can answer for it.",
                details: ["field": "account"]
            )
        }
        if account.id == organization.ownerId { return organization }
        return try await organizations.transfer(organization, to: account.id, for: caller.accountId)
    }

    /// Letters and digits of a name in lower case, everything between them as one dash.
    static func slug(of name: String) -> String {
        let kept = name.lowercased().unicodeScalars.map { scalar -> Character in
            let isPlain = scalar.isASCII && (scalar.properties.isAlphabetic || scalar.properties.numericType != nil)
            return isPlain ? Character(scalar) : "-"
        }
        return String(String(kept).split(separator: "-").joined(separator: "-").prefix(Limits.slugBytes))
    }

    private static func violations(slug: String) -> [Fault.Violation] {
        let isPlain = slug.wholeMatch(of: /[a-z0-9]([a-z0-9-]*[a-z0-9])?/) != nil
        guard !isPlain || slug.utf8.count > Limits.slugBytes else { return [] }
        let message = "must be 1 to \(Limits.slugBytes) lower-case letters, digits and dashes, none at its ends."
        return [.init(path: "slug", message: message)]
    }

    private static func violations(giteaOrgName: String?) -> [Fault.Violation] {
        giteaOrgName.map { Wording.violations(ofName: $0, at: "giteaOrgName") } ?? []
    }
}

extension Caller {
    /// Whether the caller looks after all organisations and what is in them.
    var overseesOrganizations: Bool { identity.overseesOrganizations }

    /// Lets the caller do something to an organisation, or says why not.
    func check(_ deed: MembershipRules.Deed, in organization: OrganizationRecord) throws(Fault) {
        let refusal = MembershipRules.refusal(
            of: deed,
            by: organization.membershipLevel,
            oversees: overseesOrganizations
        )
        if let refusal { throw refusal }
    }
}
