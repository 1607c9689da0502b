public import HubCore
public import Postgres
import Protocol

/// Who may see what belongs to an organisation: the one gate before every operation (see ``Belongings``).
///
/// What belongs to no organisation is open to whoever has the scope. What belongs to one is open to its members, and to
/// those who oversee all (`org:admin`, `*`). Operations that name nothing, such as lists, filter by the same rule.
struct Reach: Sendable {
    let database: Database

    /// Lets the call pass, or answers as if what it names were not there.
    ///
    /// - Throws: `NOT_FOUND` for what the caller may not see, `TOO_LARGE` for a call that names too many things.
    func check(_ belongings: @autoclosure () -> Belongings, for caller: Caller) async throws(Fault) {
        guard let account = caller.confinedTo else { return }
        let owned = belongings().owned
        guard !owned.isEmpty else { return }
        guard owned.count <= Limits.namesPerCall else {
            throw Fault(.tooLarge, "A call names at most \(Limits.namesPerCall) projects and sessions; ask in parts.")
        }
        let found = try await hidden(among: owned.map { Sight(account: account, name: $0) })
        if let hidden = found.first { throw Self.unknown(hidden.name) }
    }

    /// What of this its accounts may not see now.
    func hidden(among sights: [Sight]) async throws(Fault) -> [Sight] {
        try await database.query(
            SQL.hidden,
            [sights.map(\.name.kind.rawValue), sights.map(\.name.text), sights.map(\.account)]
        )
    }

    /// The words in which each domain says that something is not there.
    private static func unknown(_ hidden: Belongings.Name) -> Fault {
        let shown = hidden.text.prefix(100)
        return switch hidden.kind {
        case .project:
            Fault(.notFound, "There is no project “\(shown)”; add it with hub project add.", details: ["near": []])
        case .session: Fault(.notFound, "There is no session “\(shown)”; list them with session.list.")
        case .workspace: Fault(.notFound, "There is no workspace \(shown); list them with workspace.list.")
        case .salvage: Fault(.notFound, "There is no salvage \(shown); list them with salvage.list.")
        case .task: Fault(.notFound, "There is no task “\(shown)”; list them with task.list.")
        case .detection: Fault(.notFound, "There is no detection \(shown); list them with detection.list.")
        case .organization: OrganizationStore.unknown(hidden.text)
        }
    }

    /// One name, as an account may see it or not.
    struct Sight: Hashable, Sendable, RowDecodable {
        let account: AccountID
        let name: Belongings.Name

        init(account: AccountID, name: Belongings.Name) {
            self.account = account
            self.name = name
        }

        init(_ row: Row) throws(Fault) {
            account = try row["account"]
            name = Belongings.Name(try row["kind"], try row["name"])
        }
    }

    enum SQL {
        /// A name that stands for several things is hidden if one of them is.
        static let hidden = Statement<Sight>(
            """
            SELECT DISTINCT named.kind, named.name, named.account
              FROM unnest($1::text[], $2::text[], $3::text[]) AS named (kind, name, account)
             CROSS JOIN LATERAL (
                SELECT p.org_id FROM nave.projects p
                 WHERE named.kind = 'project' AND (p.id = named.name OR p.name = named.name)
                UNION ALL
                SELECT p.org_id FROM nave.sessions s JOIN nave.projects p ON p.id = s.project_id
                 WHERE named.kind = 'session' AND (s.id = named.name OR s.slug = named.name)
                UNION ALL
                SELECT p.org_id FROM nave.workspaces w JOIN nave.projects p ON p.id = w.project_id
                 WHERE named.kind = 'workspace' AND w.id = named.name
                UNION ALL
                SELECT p.org_id FROM nave.salvages v JOIN nave.projects p ON p.id = v.project_id
                 WHERE named.kind = 'salvage' AND v.id = named.name
                UNION ALL
                SELECT p.org_id FROM nave.tasks t JOIN nave.projects p ON p.id = t.project_id
                 WHERE named.kind = 'task' AND t.id = named.name
                UNION ALL
                SELECT p.org_id FROM nave.detections d JOIN nave.sessions s ON s.id = d.session_id
                  JOIN nave.projects p ON p.id = s.project_id
                 WHERE named.kind = 'detection' AND d.id = named.name
             ) AS owning
             WHERE owning.org_id IS NOT NULL
               AND NOT EXISTS (SELECT FROM nave.organization_members m
                                WHERE m.org_id = owning.org_id AND m.account_id = named.account)
            """
        )
    }
}

extension Belongings.Kind: ColumnDecodable {}

extension Caller {
    /// The account whose memberships bound what is seen; `nil` for those who see everything.
    var confinedTo: AccountID? { overseesOrganizations ? nil : accountId }
}
