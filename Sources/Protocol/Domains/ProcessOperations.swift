public import Foundation

/// Runs a program in a worktree and streams what it prints.
public struct RunProcess: WorktreeOperation {
    public static let name = "process.run"
    public static let kind = OperationKind.subscription
    public static let summary = "Runs a program in a worktree, without a shell, and streams its output and its end."
    public static let access = AccessControl.scopes("process:write")
    public static let examples = [RunProcess(workspaceId: "5c4d…", command: ["make", "test"], timeoutSeconds: 600)]
    public static let fields = WorktreeFields.with([
        "command": "Program and arguments, each as the program gets it; no shell reads them.",
        "directory": "The working directory relative to the worktree; the worktree itself if absent.",
        "environment": "Variables for the program, besides those every session gets.",
        "input": "What it reads on its standard input; nothing if absent.",
        "timeoutSeconds": "It is ended after this long, 1 to 86400; 3600 if absent.",
    ])

    /// One value: the start, a piece of output, or the end.
    public struct Output: Codable, Hashable, Sendable, Described {
        public static let fields = [
            "pid": "The program's process id; in the first value.",
            "stream": "Which stream a piece of output is of.",
            "text": "A piece of output as text; characters are never cut.",
            "base64": "A piece of output that is not UTF-8.",
            "exitCode": "What the program returned; in the last value, unless a signal ended it.",
            "exitSignal": "The signal that ended it; in the last value.",
            "reason": "Why it ended; in the last value.",
            "swept": "Processes of its tree that outlived it and were ended; in the last value.",
        ]

        /// The two streams of a process.
        public enum Stream: String, Codable, CaseIterable, Hashable, Sendable { case stdout, stderr }

        public var pid: Int32?
        public var stream: Stream?
        public var text: String?
        public var base64: Data?
        public var exitCode: Int32?
        public var exitSignal: Int32?
        public var reason: ExitReason?
        public var swept: [SweptProcess]?

        public init(
            pid: Int32? = nil,
            stream: Stream? = nil,
            text: String? = nil,
            base64: Data? = nil,
            exitCode: Int32? = nil,
            exitSignal: Int32? = nil,
            reason: ExitReason? = nil,
            swept: [SweptProcess]? = nil
        ) {
            self.pid = pid
            self.stream = stream
            self.text = text
            self.base64 = base64
            self.exitCode = exitCode
            self.exitSignal = exitSignal
            self.reason = reason
            self.swept = swept
        }
    }

    public var workspaceId: WorkspaceID?
    public var sessionId: SessionID?
    public var command: [String]
    public var directory: String?
    public var environment: [String: String]?
    public var input: String?
    public var timeoutSeconds: Int?

    public init(
        workspaceId: WorkspaceID? = nil,
        sessionId: SessionID? = nil,
        command: [String],
        directory: String? = nil,
        environment: [String: String]? = nil,
        input: String? = nil,
        timeoutSeconds: Int? = nil
    ) {
        self.workspaceId = workspaceId
        self.sessionId = sessionId
        self.command = command
        self.directory = directory
        self.environment = environment
        self.input = input
        self.timeoutSeconds = timeoutSeconds
    }
}

/// A process that was ended because it outlived the program that had started it.
public struct SweptProcess: Codable, Hashable, Sendable, Described {
    public static let fields = ["pid": "Its process id.", "command": "What it was."]
    public var pid: Int32
    public var command: String

    public init(pid: Int32, command: String) {
        self.pid = pid
        self.command = command
    }
}
