public import Protocol

/// A session that waits for a spoke.
public struct WaitingSession: Hashable, Sendable {
    public var sessionId: SessionID
    public var projectId: ProjectID
    /// 0 low … 3 critical.
    public var priority: Int
    /// Its place by age: smaller is older.
    public var age: Int64

    public init(sessionId: SessionID, projectId: ProjectID, priority: Int, age: Int64) {
        self.sessionId = sessionId
        self.projectId = projectId
        self.priority = priority
        self.age = age
    }
}

/// In which order waiting sessions are tried: by priority, then fair between projects, then by age.
public enum WaitingOrder {
    /// Within one priority, each project's n-th session comes before any project's (n+1)-th, where a project's running
    /// sessions count as those before its first: who waits with little running goes ahead of who fills the fleet.
    ///
    /// - Parameter running: active sessions per project.
    public static func sorted(_ waiting: [WaitingSession], running: [ProjectID: Int]) -> [WaitingSession] {
        var turns: [ProjectID: [Int: Int]] = [:]
        let byAge = waiting.sorted { ($0.age, $0.sessionId) < ($1.age, $1.sessionId) }
        let ranked = byAge.map { session in
            let turn = turns[session.projectId]?[session.priority] ?? running[session.projectId] ?? 0
            turns[session.projectId, default: [:]][session.priority] = turn + 1
            return (session: session, turn: turn)
        }
        return ranked.sorted { first, second in
            (-first.session.priority, first.turn, first.session.age, first.session.sessionId)
                < (-second.session.priority, second.turn, second.session.age, second.session.sessionId)
        }
        .map(\.session)
    }
}
