public import Foundation

/// How a project's history is kept.
public enum VersionControl: String, Codable, CaseIterable, Hashable, Sendable {
    case git
}

/// A repository, or a plain directory, in which sessions work.
public struct ProjectRecord: Codable, Hashable, Sendable, Described {
    public static let fields = [
        "id": "The project's id.",
        "orgId": "The organisation that it belongs to.",
        "name": "Its name, by which every operation takes it as well.",
        "directory": "An absolute path on spokes, for a project that is a plain directory.",
        "repoUrl": "The repository's URL, or its absolute path.",
        "vcs": "How its history is kept.",
        "defaultBranch": "The branch that work starts from unless it names another.",
        "lastFetchedAt": "When a spoke last fetched it.",
        "iconUrl": "A picture for the dashboard.",
        "iconColor": "A colour for the dashboard.",
        "verification": "The commands of its verification gate.",
        "settings": "Settings of its own.",
        "metadata": "Whatever its owner noted.",
        "createdAt": "When it was added.",
        "updatedAt": "When it last changed.",
    ]
    public var id: ProjectID
    public var orgId: OrganizationID?
    public var name: String
    public var directory: String?
    public var repoUrl: String?
    public var vcs: VersionControl
    public var defaultBranch: String
    public var lastFetchedAt: Date?
    public var iconUrl: String?
    public var iconColor: String?
    public var verification: JSONValue
    public var settings: JSONValue
    public var metadata: JSONValue
    public var createdAt: Date
    public var updatedAt: Date

    public init(
        id: ProjectID,
        orgId: OrganizationID?,
        name: String,
        directory: String?,
        repoUrl: String?,
        vcs: VersionControl,
        defaultBranch: String,
        lastFetchedAt: Date?,
        iconUrl: String?,
        iconColor: String?,
        verification: JSONValue,
        settings: JSONValue,
        metadata: JSONValue,
        createdAt: Date,
        updatedAt: Date
    ) {
        self.id = id
        self.orgId = orgId
        self.name = name
        self.directory = directory
        self.repoUrl = repoUrl
        self.vcs = vcs
        self.defaultBranch = defaultBranch
        self.lastFetchedAt = lastFetchedAt
        self.iconUrl = iconUrl
        self.iconColor = iconColor
        self.verification = verification
        self.settings = settings
        self.metadata = metadata
        self.createdAt = createdAt
        self.updatedAt = updatedAt
    }
}

/// Adds a project.
public struct CreateProject: RemoteOperation {
    public static let name = "project.create"
    public static let kind = OperationKind.mutation
    public static let summary = "Adds a project: a git repository by URL or absolute path, or a plain directory."
    public static let access = AccessControl.scopes("project:write")
    public static let fields = [
        "name": "Its name, unique among projects with a repository; it must not begin with a dash.",
        "repoUrl": "The repository: https://…, ssh://…, git@host:path, file://…, or an absolute path.",
        "directory": "An absolute path on spokes, for a project without a repository.",
        "defaultBranch": "The branch that work starts from; main if left out.",
        "verification": "The commands of its verification gate, a list.",
        "settings": "Settings of its own, an object.",
        "metadata": "Whatever its owner wants to note, an object.",
        "iconUrl": "A picture for the dashboard.",
        "iconColor": "A colour for the dashboard.",
        "org": "The organisation whose members alone shall see it, by id or slug; the caller is one of them.",
    ]
    public static let examples = [
        CreateProject(name: "website", repoUrl: "https://example.org/website.git"),
        CreateProject(name: "tools", repoUrl: "/srv/git/tools.git", defaultBranch: "trunk"),
    ]
    public typealias Output = ProjectRecord

    public var name: String
    public var repoUrl: String?
    public var directory: String?
    public var defaultBranch: String?
    public var verification: JSONValue?
    public var settings: JSONValue?
    public var metadata: JSONValue?
    public var iconUrl: String?
    public var iconColor: String?
    public var org: String?

    public init(
        name: String,
        repoUrl: String? = nil,
        directory: String? = nil,
        defaultBranch: String? = nil,
        verification: JSONValue? = nil,
        settings: JSONValue? = nil,
        metadata: JSONValue? = nil,
        iconUrl: String? = nil,
        iconColor: String? = nil,
        org: String? = nil
    ) {
        self.name = name
        self.repoUrl = repoUrl
        self.directory = directory
        self.defaultBranch = defaultBranch
        self.verification = verification
        self.settings = settings
        self.metadata = metadata
        self.iconUrl = iconUrl
        self.iconColor = iconColor
        self.org = org
    }
}

/// Lists projects.
public struct ListProjects: RemoteOperation {
    public static let name = "project.list"
    public static let kind = OperationKind.query
    public static let summary = "Lists projects by name: those of no organisation, and of the caller's own."
    public static let access = AccessControl.scopes("project:read")
    public static let fields = [
        "org": "Only those of this organisation, by id or slug.",
        "limit": "How many at most, 1 to 500; 100 if left out.",
        "cursor": "Where to go on: nextCursor of the page before.",
    ]
    public static let examples = [ListProjects()]
    public typealias Output = ProjectList

    public var org: String?
    public var limit: Int?
    public var cursor: String?

    public init(org: String? = nil, limit: Int? = nil, cursor: String? = nil) {
        self.org = org
        self.limit = limit
        self.cursor = cursor
    }
}

/// Some projects, and where the next ones start.
public struct ProjectList: Codable, Hashable, Sendable, Described {
    public static let fields = [
        "projects": "The projects.", "nextCursor": "Where the next page starts; absent on the last one.",
    ]
    public var projects: [ProjectRecord]
    public var nextCursor: String?

    public init(projects: [ProjectRecord], nextCursor: String?) {
        self.projects = projects
        self.nextCursor = nextCursor
    }
}

/// Reads one project.
public struct GetProject: RemoteOperation {
    public static let name = "project.get"
    public static let kind = OperationKind.query
    public static let summary = "One project by id or name."
    public static let access = AccessControl.scopes("project:read")
    public static let fields = ["project": "The project's id or name."]
    public static let examples = [GetProject(project: "website")]
    public typealias Output = ProjectRecord

    public var project: String

    public init(project: String) { self.project = project }
}

/// Changes a project; what is left out stays as it is.
public struct UpdateProject: RemoteOperation {
    public static let name = "project.update"
    public static let kind = OperationKind.mutation
    public static let summary = "Changes a project; what is left out stays as it is."
    public static let access = AccessControl.scopes("project:write")
    public static let fields = [
        "project": "The project's id or name.",
        "name": "Its new name.",
        "repoUrl": "The repository's new URL or absolute path.",
        "directory": "The new absolute path on spokes.",
        "defaultBranch": "The branch that work starts from.",
        "verification": "The commands of its verification gate, a list.",
        "settings": "Settings of its own, an object; replaces the whole.",
        "metadata": "Whatever its owner wants to note, an object; replaces the whole.",
        "iconUrl": "A picture for the dashboard.",
        "iconColor": "A colour for the dashboard.",
        "org": "The organisation to move it to, by id or slug; empty for none. For owners and admins of both.",
    ]
    public static let examples = [UpdateProject(project: "website", defaultBranch: "trunk")]
    public typealias Output = ProjectRecord

    public var project: String
    public var name: String?
    public var repoUrl: String?
    public var directory: String?
    public var defaultBranch: String?
    public var verification: JSONValue?
    public var settings: JSONValue?
    public var metadata: JSONValue?
    public var iconUrl: String?
    public var iconColor: String?
    public var org: String?

    public init(
        project: String,
        name: String? = nil,
        repoUrl: String? = nil,
        directory: String? = nil,
        defaultBranch: String? = nil,
        verification: JSONValue? = nil,
        settings: JSONValue? = nil,
        metadata: JSONValue? = nil,
        iconUrl: String? = nil,
        iconColor: String? = nil,
        org: String? = nil
    ) {
        self.project = project
        self.name = name
        self.repoUrl = repoUrl
        self.directory = directory
        self.defaultBranch = defaultBranch
        self.verification = verification
        self.settings = settings
        self.metadata = metadata
        self.iconUrl = iconUrl
        self.iconColor = iconColor
        self.org = org
    }
}

/// Removes a project with all that hangs on it.
public struct DeleteProject: RemoteOperation {
    public static let name = "project.delete"
    public static let kind = OperationKind.mutation
    public static let summary = "Removes a project with its workspaces, sessions and tasks from the hub's memory."
    public static let access = AccessControl.scopes("project:admin")
    public static let fields = [
        "project": "The project's id or name.",
        "discardSalvaged": "Gives up what was salvaged of its worktrees as well. Without it, salvages forbid this.",
    ]
    public static let examples = [DeleteProject(project: "website")]
    public typealias Output = ProjectRecord

    public var project: String
    public var discardSalvaged: Bool?

    public init(project: String, discardSalvaged: Bool? = nil) {
        self.project = project
        self.discardSalvaged = discardSalvaged
    }
}
