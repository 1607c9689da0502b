/// Puts a session away.
public struct ArchiveSession: RemoteOperation {
    public static let name = "session.archive"
    public static let kind = OperationKind.mutation
    public static let summary = "Puts a session that is over away for good: it can still be read, and not resumed."
    public static let access = AccessControl.scopes("session:write")
    public static let examples = [ArchiveSession(sessionId: "run-the-tests-1f2e3d4c")]
    public static let fields = ["sessionId": "The session's id or slug."]
    public typealias Output = SessionRecord

    public var sessionId: String

    public init(sessionId: String) { self.sessionId = sessionId }
}

/// Takes an agent's conversation up again.
public struct ResumeSession: RemoteOperation {
    public static let name = "session.resume"
    public static let kind = OperationKind.mutation
    public static let summary = "Takes an agent's conversation up again where it worked, with a new mapping."
    public static let access = AccessControl.scopes("coord:write")
    public static let examples = [ResumeSession(sessionId: "fix-the-bug-1f2e3d4c", prompt: "Go on.")]
    public static let fields = [
        "sessionId": "The session's id or slug; it must be over, an agent's, and have told its own id.",
        "prompt": "What the agent is told; “Continue.” if absent.",
    ]
    public typealias Output = SpawnedSession

    public var sessionId: String
    public var prompt: String?

    public init(sessionId: String, prompt: String? = nil) {
        self.sessionId = sessionId
        self.prompt = prompt
    }
}
