public import Foundation

/// What a role's ids are of.
public typealias RoleID = Identifier<Subject.Role>

extension Subject {
    public enum Role {}
}

/// Whether a role leads a session or serves one.
public enum RoleMode: String, Codable, CaseIterable, Hashable, Sendable {
    case primary
    case subagent
}

/// What a rule says of an action.
public enum RolePermission: String, Codable, CaseIterable, Hashable, Sendable {
    case allow
    /// A person decides.
    case ask
    case deny
}

/// One rule of a role; the first that matches decides.
public struct RoleRule: Codable, Hashable, Sendable, Described {
    public static let fields = [
        "action": "What it is about: an operation such as fs.write, a namespace such as fs.*, or *.",
        "permission": "What it says.",
        "pattern": "On what: a text in which * stands for anything; * if left out.",
    ]
    public var action: String
    public var permission: RolePermission
    public var pattern: String?

    public init(action: String, permission: RolePermission, pattern: String? = nil) {
        self.action = action
        self.permission = permission
        self.pattern = pattern
    }
}

/// How an agent behaves: what it is told, with which model, and what it may do without asking.
public struct RoleRecord: Codable, Hashable, Sendable, Described {
    public static let fields = [
        "id": "The role's id.",
        "name": "Its name, unique among roles; sessions carry it as roleName.",
        "description": "What it is for.",
        "mode": "Whether it leads a session or serves one.",
        "temperature": "How freely the model speaks; 0.3 for primary and 0.2 for subagent roles unless set.",
        "prompt": "What an agent in it is told.",
        "model": "The model that it uses.",
        "permissions": "Its rules in order; the first that matches decides, own ones before inherited ones.",
        "tools": "What tools it has, by name.",
        "parentId": "The role from which it inherits.",
        "parent": "That role's name.",
        "createdAt": "When it was made.",
        "updatedAt": "When it last changed.",
    ]
    public var id: RoleID
    public var name: String
    public var description: String
    public var mode: RoleMode
    public var temperature: Double?
    public var prompt: String?
    public var model: String?
    public var permissions: [RoleRule]
    public var tools: JSONValue
    public var parentId: RoleID?
    public var parent: String?
    public var createdAt: Date
    public var updatedAt: Date

    public init(
        id: RoleID,
        name: String,
        description: String,
        mode: RoleMode,
        temperature: Double?,
        prompt: String?,
        model: String?,
        permissions: [RoleRule],
        tools: JSONValue,
        parentId: RoleID?,
        parent: String?,
        createdAt: Date,
        updatedAt: Date
    ) {
        self.id = id
        self.name = name
        self.description = description
        self.mode = mode
        self.temperature = temperature
        self.prompt = prompt
        self.model = model
        self.permissions = permissions
        self.tools = tools
        self.parentId = parentId
        self.parent = parent
        self.createdAt = createdAt
        self.updatedAt = updatedAt
    }
}

/// Makes a role.
public struct CreateRole: RemoteOperation {
    public static let name = "role.create"
    public static let kind = OperationKind.mutation
    public static let summary = "Makes a role for agents."
    public static let access = AccessControl.scopes("role:write")
    public static let fields = [
        "name": "Its name, unique among roles.",
        "description": "What it is for.",
        "mode": "Whether it leads a session or serves one.",
        "temperature": "How freely the model speaks, 0 to 2.",
        "prompt": "What an agent in it is told.",
        "model": "The model that it uses.",
        "permissions": "Its rules in order; the first that matches decides.",
        "tools": "What tools it has, an object by name.",
        "parent": "The role from which it inherits, by id or name.",
    ]
    public static let examples = [
        CreateRole(
            name: "doc-writer",
            description: "Writes documentation and nothing else.",
            mode: .subagent,
            permissions: [RoleRule(action: "fs.write", permission: .allow, pattern: "docs/*")],
            parent: "implementation-specialist"
        )
    ]
    public typealias Output = RoleRecord

    public var name: String
    public var description: String
    public var mode: RoleMode
    public var temperature: Double?
    public var prompt: String?
    public var model: String?
    public var permissions: [RoleRule]?
    public var tools: JSONValue?
    public var parent: String?

    public init(
        name: String,
        description: String,
        mode: RoleMode,
        temperature: Double? = nil,
        prompt: String? = nil,
        model: String? = nil,
        permissions: [RoleRule]? = nil,
        tools: JSONValue? = nil,
        parent: String? = nil
    ) {
        self.name = name
        self.description = description
        self.mode = mode
        self.temperature = temperature
        self.prompt = prompt
        self.model = model
        self.permissions = permissions
        self.tools = tools
        self.parent = parent
    }
}

/// Reads one role.
public struct GetRole: RemoteOperation {
    public static let name = "role.get"
    public static let kind = OperationKind.query
    public static let summary = "One role by id or name."
    public static let access = AccessControl.scopes("role:read")
    public static let fields = ["role": "The role, by id or name."]
    public static let examples = [GetRole(role: "coordinator")]
    public typealias Output = RoleRecord

    public var role: String

    public init(role: String) { self.role = role }
}

/// Lists roles.
public struct ListRoles: RemoteOperation {
    public static let name = "role.list"
    public static let kind = OperationKind.query
    public static let summary = "Lists roles by name."
    public static let access = AccessControl.scopes("role:read")
    public static let fields = [
        "mode": "Only roles of this mode.",
        "limit": "How many at most, 1 to 500; 100 if left out.",
        "cursor": "Where to go on: nextCursor of the page before.",
    ]
    public static let examples = [ListRoles(), ListRoles(mode: .subagent)]
    public typealias Output = RoleList

    public var mode: RoleMode?
    public var limit: Int?
    public var cursor: String?

    public init(mode: RoleMode? = nil, limit: Int? = nil, cursor: String? = nil) {
        self.mode = mode
        self.limit = limit
        self.cursor = cursor
    }
}

/// Some roles, and where the next ones start.
public struct RoleList: Codable, Hashable, Sendable, Described {
    public static let fields = [
        "roles": "The roles.", "nextCursor": "Where the next page starts; absent on the last one.",
    ]
    public var roles: [RoleRecord]
    public var nextCursor: String?

    public init(roles: [RoleRecord], nextCursor: String?) {
        self.roles = roles
        self.nextCursor = nextCursor
    }
}

/// Changes a role; what is left out stays as it is.
public struct UpdateRole: RemoteOperation {
    public static let name = "role.update"
    public static let kind = OperationKind.mutation
    public static let summary = "Changes a role; what is left out stays as it is."
    public static let access = AccessControl.scopes("role:write")
    public static let fields = [
        "role": "The role, by id or name.",
        "name": "Its new name.",
        "description": "What it is for.",
        "mode": "Whether it leads a session or serves one.",
        "temperature": "How freely the model speaks, 0 to 2.",
        "prompt": "What an agent in it is told.",
        "model": "The model that it uses.",
        "permissions": "Its rules in order; replaces them all.",
        "tools": "What tools it has, an object by name; replaces the whole.",
        "parent": "The role from which it inherits, by id or name; empty for none.",
    ]
    public static let examples = [UpdateRole(role: "coordinator", temperature: 0.4)]
    public typealias Output = RoleRecord

    public var role: String
    public var name: String?
    public var description: String?
    public var mode: RoleMode?
    public var temperature: Double?
    public var prompt: String?
    public var model: String?
    public var permissions: [RoleRule]?
    public var tools: JSONValue?
    public var parent: String?

    public init(
        role: String,
        name: String? = nil,
        description: String? = nil,
        mode: RoleMode? = nil,
        temperature: Double? = nil,
        prompt: String? = nil,
        model: String? = nil,
        permissions: [RoleRule]? = nil,
        tools: JSONValue? = nil,
        parent: String? = nil
    ) {
        self.role = role
        self.name = name
        self.description = description
        self.mode = mode
        self.temperature = temperature
        self.prompt = prompt
        self.model = model
        self.permissions = permissions
        self.tools = tools
        self.parent = parent
    }
}

/// Removes a role.
public struct DeleteRole: RemoteOperation {
    public static let name = "role.delete"
    public static let kind = OperationKind.mutation
    public static let summary = "Removes a role that no running session carries and from which no other inherits."
    public static let access = AccessControl.scopes("role:admin")
    public static let fields = [
        "role": "The role, by id or name.",
        "detachChildren": "True to let roles that inherit from it go on without a parent.",
    ]
    public static let examples = [DeleteRole(role: "doc-writer")]
    public typealias Output = RoleRecord

    public var role: String
    public var detachChildren: Bool?

    public init(role: String, detachChildren: Bool? = nil) {
        self.role = role
        self.detachChildren = detachChildren
    }
}

/// Asks what a role says of an action, and why.
public struct ResolveRole: RemoteOperation {
    public static let name = "role.resolve"
    public static let kind = OperationKind.query
    public static let summary = "What a role says of an action on something, and which rule of which role decided."
    public static let access = AccessControl.scopes("role:read")
    public static let fields = [
        "role": "The role, by id or name.",
        "action": "An operation such as fs.write; nothing is decided if left out.",
        "subject": "On what: a path, a command, a branch.",
    ]
    public static let examples = [
        ResolveRole(role: "code-reviewer", action: "fs.write", subject: "src/main.swift"),
        ResolveRole(role: "code-reviewer"),
    ]

    public struct Output: Codable, Hashable, Sendable, Described {
        public static let fields = [
            "permission": "What holds: allow, ask or deny; absent if no action was asked about.",
            "reason": "Why, in one sentence.",
            "decidedBy": "The rule that decided; absent if none matched, which means deny.",
            "chain": "The role and those from which it inherits, nearest first.",
            "temperature": "The role's own, or the nearest inherited one, or its mode's.",
            "prompt": "The role's own, or the nearest inherited one.",
            "model": "The role's own, or the nearest inherited one.",
        ]

        public struct Decision: Codable, Hashable, Sendable, Described {
            public static let fields = [
                "role": "The role that has the rule.", "index": "Its place in the role's list, from 0.",
                "rule": "The rule.",
            ]
            public var role: String
            public var index: Int
            public var rule: RoleRule

            public init(role: String, index: Int, rule: RoleRule) {
                self.role = role
                self.index = index
                self.rule = rule
            }
        }

        public var permission: RolePermission?
        public var reason: String
        public var decidedBy: Decision?
        public var chain: [String]
        public var temperature: Double
        public var prompt: String?
        public var model: String?

        public init(
            permission: RolePermission?,
            reason: String,
            decidedBy: Decision?,
            chain: [String],
            temperature: Double,
            prompt: String?,
            model: String?
        ) {
            self.permission = permission
            self.reason = reason
            self.decidedBy = decidedBy
            self.chain = chain
            self.temperature = temperature
            self.prompt = prompt
            self.model = model
        }
    }

    public var role: String
    public var action: String?
    public var subject: String?

    public init(role: String, action: String? = nil, subject: String? = nil) {
        self.role = role
        self.action = action
        self.subject = subject
    }
}
