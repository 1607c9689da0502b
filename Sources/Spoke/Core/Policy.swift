public import Protocol

/// The word of the machine's owner: what the hub may ask of this spoke. It outranks every order (safety.md 5).
///
/// The default permits everything inside the spoke's own directories and nothing outside them.
public struct Policy: Hashable, Sendable {
    /// Operations that may be called on this spoke, by `namespace.name`.
    public var operations: AllowList
    /// Repositories that may be cloned, by URL or path.
    public var repositories: AllowList
    /// Programs that sessions may run, by the first word of the command. What is denied by name is denied at any path;
    /// what is allowed by name is the owner's program of that name on the PATH, not one that a repository brings.
    public var commands: AllowList
    /// Variables that an order may set in a session's environment.
    public var environment: AllowList
    /// Paths outside the spoke's own directories that operations may touch.
    public var paths: AllowList
    /// Where servers and services of the owner's operations may be reached: `host` or `host:port`.
    public var hosts: AllowList
    /// Sessions at a time; `nil` leaves it to the spoke's slots.
    public var sessionsMax: Int?
    /// When sessions may start, in the machine's local time; always if empty.
    public var hours: [HourRange]

    public init(
        operations: AllowList = .everything,
        repositories: AllowList = .everything,
        commands: AllowList = .everything,
        environment: AllowList = .standardEnvironment,
        paths: AllowList = AllowList(allow: []),
        hosts: AllowList = .everything,
        sessionsMax: Int? = nil,
        hours: [HourRange] = []
    ) {
        self.operations = operations
        self.repositories = repositories
        self.commands = commands
        self.environment = environment
        self.paths = paths
        self.hosts = hosts
        self.sessionsMax = sessionsMax
        self.hours = hours
    }

    /// What is known of the moment an order is judged in.
    public struct Situation: Hashable, Sendable {
        public var sessionsRunning: Int
        /// Minutes since local midnight, 0..<1440.
        public var minuteOfDay: Int

        public init(sessionsRunning: Int, minuteOfDay: Int) {
            self.sessionsRunning = sessionsRunning
            self.minuteOfDay = minuteOfDay
        }
    }

    /// Why the owner does not want this order carried out; `nil` if there is no objection.
    ///
    /// - Parameter program: the program that would run: the first word of the command, or of the agent's profile.
    public func objection(to order: StartSession, program: String, in situation: Situation) -> Fault? {
        objection(toRepository: order.workspace.repository)
            ?? objection(toProgram: program)
            ?? objection(toEnvironment: order.environment, program: program)
            ?? objection(to: situation)
    }

    /// The same for work that only needs a repository, such as bringing salvaged work back.
    public func objection(toRepository repository: String) -> Fault? {
        repositories.permits(repository)
            ? nil : Self.denied("The policy of this spoke does not allow the repository \(repository).")
    }

    /// The same for an operation called on this spoke.
    public func objection(toOperation name: String) -> Fault? {
        operations.permits(name) ? nil : Self.denied("The policy of this spoke does not allow the operation \(name).")
    }

    /// The same for a program that a call runs, with the variables that the caller sets for it.
    public func objection(toCall program: String, environment: [String: String]) -> Fault? {
        objection(toProgram: program) ?? objection(toEnvironment: environment, program: program)
    }

    /// The same for a path outside the spoke's own directories.
    public func objection(toPath path: String) -> Fault? {
        paths.permits(path)
            ? nil : Self.denied("\(path) is in no worktree, and the policy of this spoke does not allow it.")
    }

    /// The same for a place on the web that an operation would reach. A host that is denied is denied on every port.
    public func objection(toReach address: WebAddress) -> Fault? {
        let names = [address.host, "\(address.host):\(address.port)"]
        let allowed = hosts.allow.contains { pattern in names.contains(where: pattern.matches) }
        let denied = hosts.deny.contains { pattern in names.contains(where: pattern.matches) }
        return allowed && !denied
            ? nil : Self.denied("The policy of this spoke does not allow reaching \(address.origin).")
    }

    private func objection(toProgram program: String) -> Fault? {
        let name = program.split(separator: "/").last.map(String.init) ?? program
        let allowed = commands.allow.contains { $0.matches(program) }
        let denied = commands.deny.contains { $0.matches(program) || $0.matches(name) }
        return allowed && !denied ? nil : Self.denied("The policy of this spoke does not allow the command \(program).")
    }

    private func objection(toEnvironment variables: [String: String], program: String) -> Fault? {
        if variables["PATH"] != nil, !program.contains("/"), commands.allow != AllowList.everything.allow {
            return Self.denied("The policy of this spoke names the commands it allows: an order may not set PATH.")
        }
        guard let name = variables.keys.sorted().first(where: { !environment.permits($0) }) else { return nil }
        return Self.denied("The policy of this spoke does not allow setting the variable \(name).")
    }

    private func objection(to situation: Situation) -> Fault? {
        if let sessionsMax, situation.sessionsRunning >= sessionsMax {
            return Self.denied("The policy of this spoke allows \(sessionsMax) sessions at a time.")
        }
        if !hours.isEmpty, !hours.contains(where: { $0.contains(minute: situation.minuteOfDay) }) {
            let spoken = hours.map(\.description).joined(separator: ", ")
            return Self.denied("The policy of this spoke allows sessions only between \(spoken).")
        }
        return nil
    }

    private static func denied(_ message: String) -> Fault { Fault(.accessDenied, message) }
}

extension AllowList {
    /// Everything but the variables that turn a harmless program into somebody else's, and our own.
    public static let standardEnvironment = AllowList(deny: ["LD_*", "DYLD_*", "NAVE_*", "GIT_DIR", "GIT_WORK_TREE"])
}

/// Part of a day, such as `22:00-06:00`; it may span midnight.
public struct HourRange: Hashable, Sendable, CustomStringConvertible {
    /// Minutes since midnight; the end is excluded.
    public let start: Int
    public let end: Int

    /// Reads `HH:MM-HH:MM`; `nil` for anything else.
    public init?(_ text: String) {
        let ends = text.split(separator: "-", omittingEmptySubsequences: false).map { Self.minutes(String($0)) }
        guard ends.count == 2, let start = ends[0], let end = ends[1] else { return nil }
        self.start = start
        self.end = end
    }

    public func contains(minute: Int) -> Bool {
        start <= end ? (start..<end).contains(minute) : minute >= start || minute < end
    }

    public var description: String { "\(Self.clock(start))-\(Self.clock(end))" }

    private static func minutes(_ text: String) -> Int? {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).compactMap { Int($0) }
        guard parts.count == 2, (0...24).contains(parts[0]), (0..<60).contains(parts[1]) else { return nil }
        let total = parts[0] * 60 + parts[1]
        return total <= 24 * 60 ? total : nil
    }

    private static func clock(_ minutes: Int) -> String {
        let padded = { (number: Int) in number < 10 ? "0\(number)" : "\(number)" }
        return "\(padded(minutes / 60)):\(padded(minutes % 60))"
    }
}
