/// Changes what people call a session; what is left out stays as it is.
public struct UpdateSession: RemoteOperation {
    public static let name = "session.update"
    public static let kind = OperationKind.mutation
    public static let summary = "Changes a session's title or the role that it is known to act in."
    public static let access = AccessControl.scopes("session:write")
    public static let examples = [UpdateSession(sessionId: "run-the-tests-1f2e3d4c", title: "Run the tests")]
    public static let fields = [
        "sessionId": "The session's id or slug.",
        "title": "What it is for.",
        "roleName": "The role that it acts in; empty for none.",
    ]
    public typealias Output = SessionRecord

    public var sessionId: String
    public var title: String?
    public var roleName: String?

    public init(sessionId: String, title: String? = nil, roleName: String? = nil) {
        self.sessionId = sessionId
        self.title = title
        self.roleName = roleName
    }
}

/// Removes a session that was put away, with all that belongs to it.
public struct DeleteSession: RemoteOperation {
    public static let name = "session.delete"
    public static let kind = OperationKind.mutation
    public static let summary = "Removes an archived session with its output, messages, mappings and detections."
    public static let access = AccessControl.scopes("session:admin")
    public static let examples = [DeleteSession(sessionId: "run-the-tests-1f2e3d4c")]
    public static let fields = ["sessionId": "The session's id or slug; archive it first."]
    public typealias Output = SessionRecord

    public var sessionId: String

    public init(sessionId: String) { self.sessionId = sessionId }
}

/// One workspace.
public struct GetWorkspace: RemoteOperation {
    public static let name = "workspace.get"
    public static let kind = OperationKind.query
    public static let summary = "One worktree by its id, also one that was removed."
    public static let access = AccessControl.scopes("workspace:read")
    public static let examples = [GetWorkspace(workspaceId: "5c4d…")]
    public static let fields = ["workspaceId": "The workspace's id."]
    public typealias Output = WorkspaceRecord

    public var workspaceId: WorkspaceID

    public init(workspaceId: WorkspaceID) { self.workspaceId = workspaceId }
}
