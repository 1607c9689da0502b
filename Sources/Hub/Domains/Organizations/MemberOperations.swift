import HubCore
import Protocol

/// Members of organisations, as callers may ask for them.
struct MemberOperations: Sendable {
    let organizations: OrganizationStore
    let members: MemberStore
    let accounts: AccountStore

    func register(in table: inout OperationTable) {
        table.answer(ListMembers.self, with: list)
        table.answer(AddMember.self, with: add)
        table.answer(SetMembership.self, with: set)
        table.answer(RemoveMember.self, with: remove)
    }

    private func list(_ request: ListMembers, by caller: Caller) async throws(Fault) -> MemberList {
        let limit = try PageCursor.limit(request.limit)
        let cursor = try PageCursor.parts(of: request.cursor, count: 1)
        let organization = try await organizations.require(request.org, for: caller)
        let found = try await members.list(
            organization.id,
            level: request.level,
            after: cursor?.first,
            limit: limit + 1
        )
        let page = Array(found.prefix(limit))
        let next = found.count > limit ? page.last.map { PageCursor.text([$0.email]) } : nil
        return MemberList(members: page, nextCursor: next)
    }

    private func add(_ request: AddMember, by caller: Caller) async throws(Fault) -> MemberRecord {
        let level = request.level ?? .member
        let organization = try await organizations.require(request.org, for: caller)
        try caller.check(.add(level), in: organization)
        let account = try await accounts.require(request.account)
        guard let added = try await members.add(account.id, to: organization.id, as: level) else {
            throw Fault(
                .conflict,
                "“\(account.email)” is a member of “\(organization.name)” already; change that with org.setMembership.",
                details: ["field": "account"]
            )
        }
        return added
    }

    private func set(_ request: SetMembership, by caller: Caller) async throws(Fault) -> MemberRecord {
        let organization = try await organizations.require(request.org, for: caller)
        return try await members.change(
            try await accounts.require(request.account),
            of: organization.id,
            to: request.level,
            by: caller.accountId,
            oversees: caller.overseesOrganizations
        ) { .set($0, to: request.level) }
    }

    private func remove(_ request: RemoveMember, by caller: Caller) async throws(Fault) -> MemberRecord {
        let organization = try await organizations.require(request.org, for: caller)
        let account = try await accounts.require(request.account ?? caller.accountId.rawValue)
        return try await members.change(
            account,
            of: organization.id,
            to: nil,
            by: caller.accountId,
            oversees: caller.overseesOrganizations
        ) { .remove($0, isSelf: account.id == caller.accountId) }
    }
}
