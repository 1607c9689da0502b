/// What machine a spoke runs on.
public struct ReadHostInfo: RemoteOperation {
    public static let name = "host.info"
    public static let kind = OperationKind.query
    public static let summary = "The machine that this spoke runs on."
    public static let access = AccessControl.scopes("host:read")
    public static let examples = [ReadHostInfo()]
    public static let fields: [String: String] = [:]

    public struct Output: Codable, Hashable, Sendable, Described {
        public static let fields = [
            "spoke": "The spoke's name.",
            "os": "The operating system, such as linux.",
            "arch": "The processor's architecture, such as x86_64.",
            "cpus": "Processors that can be used.",
            "memoryBytes": "Main memory.",
            "diskFreeBytes": "Free space where the spoke keeps its worktrees.",
            "gitVersion": "The version of git; empty where there is none.",
            "spokeVersion": "The version of the spoke.",
        ]
        public var spoke: String
        public var os: String
        public var arch: String
        public var cpus: Int
        public var memoryBytes: Int64
        public var diskFreeBytes: Int64
        public var gitVersion: String
        public var spokeVersion: String

        public init(spoke: String, host: HostInfo) {
            self.spoke = spoke
            os = host.os
            arch = host.arch
            cpus = host.cpus
            memoryBytes = host.memoryBytes
            diskFreeBytes = host.diskFreeBytes
            gitVersion = host.gitVersion
            spokeVersion = host.spokeVersion
        }
    }

    public init() {}
}

/// How busy a spoke's machine is.
public struct ReadHostLoad: RemoteOperation {
    public static let name = "host.load"
    public static let kind = OperationKind.query
    public static let summary = "How busy the machine of this spoke is just now."
    public static let access = AccessControl.scopes("host:read")
    public static let examples = [ReadHostLoad()]
    public static let fields: [String: String] = [:]

    public struct Output: Codable, Hashable, Sendable, Described {
        public static let fields = [
            "spoke": "The spoke's name.",
            "cpu": "Load average of the last minute per processor; above 1, work waits.",
            "memory": "Share of the memory in use, 0 to 1.",
            "disk": "Share of the disk in use, 0 to 1.",
            "sessions": "Sessions that run here.",
            "calls": "Calls under way over this link, this one among them.",
        ]
        public var spoke: String
        public var cpu: Double
        public var memory: Double
        public var disk: Double
        public var sessions: Int
        public var calls: Int

        public init(spoke: String, load: HostLoad, sessions: Int, calls: Int) {
            self.spoke = spoke
            cpu = load.cpu
            memory = load.memory
            disk = load.disk
            self.sessions = sessions
            self.calls = calls
        }
    }

    public init() {}
}
