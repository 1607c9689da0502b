import HubCore
import HubDomains
import Protocol
import Synchronization
import Transport

/// One client's MCP session on this process.
final class MCPSession: Sendable {
    /// What a session has under way that may be called off.
    enum Activity: Hashable {
        case request(RPCID)
        /// The stream that a client keeps open for what the server says unasked.
        case standing
    }

    let id: String
    let activities = AbortBook<Activity>()
    private let conversation = Mutex(MCPConversation())

    init(id: String) { self.id = id }

    var version: MCPVersion? { conversation.withLock { $0.version } }

    /// What a message leads to. A request that was called off is called off here already.
    func take(_ message: RPCMessage) -> MCPConversation.Step {
        let step = conversation.withLock { $0.take(message) }
        if case .abort(let id) = step { activities.abort(.request(id)) }
        return step
    }

    /// Works a request off; `nil` if it was called off first.
    func run<Value: Sendable>(_ work: MCPWork, _ doing: @escaping @Sendable () async -> Value) async -> Value? {
        let value = await activities.run(.request(work.id), doing)
        conversation.withLock { $0.ended(work.id) }
        return value
    }
}

/// The MCP sessions of this process: who has one, and which are over.
final class MCPSessions: Sendable {
    private struct State {
        var book = MCPSessionBook()
        var sessions: [String: MCPSession] = [:]

        /// Takes those out that the book has ended.
        mutating func remove(_ ids: [String]) -> [MCPSession] { ids.compactMap { sessions.removeValue(forKey: $0) } }
    }

    private let state = Mutex(State())
    private let timekeeper: any Timekeeper

    init(timekeeper: any Timekeeper) { self.timekeeper = timekeeper }

    /// Sessions that are kept.
    var count: Int { state.withLock { $0.sessions.count } }

    /// Begins a session.
    func open(for principal: Principal) -> MCPSession {
        let session = MCPSession(id: Ids.random())
        let now = timekeeper.now()
        let ended = state.withLock { state in
            let ended = state.remove(state.book.open(session.id, for: principal.mcpOwner, at: now))
            state.sessions[session.id] = session
            return ended
        }
        for one in ended { one.activities.close() }
        return session
    }

    /// The session of that id, if it is the caller's.
    ///
    /// - Fails with `notFound` for a session that is over, or another's, or another hub process's: begin anew.
    func session(_ id: String, of principal: Principal) throws(Fault) -> MCPSession {
        let now = timekeeper.now()
        let (found, ended) = state.withLock { state in
            let isThere = state.book.use(id, by: principal.mcpOwner, at: now)
            let ended = state.remove(state.book.expire(at: now))
            return (isThere ? state.sessions[id] : nil, ended)
        }
        for one in ended { one.activities.close() }
        guard let found else { throw Fault(.notFound, "There is no such MCP session; begin one with initialize.") }
        return found
    }

    /// Ends a session and whatever it has under way.
    func close(_ session: MCPSession, of principal: Principal) {
        state.withLock { state in
            guard state.book.close(session.id, by: principal.mcpOwner) else { return }
            state.sessions[session.id] = nil
        }
        session.activities.close()
    }
}

extension Principal {
    /// Whose MCP sessions are whose: a session's token and its account's key are not the same.
    fileprivate var mcpOwner: String { "\(accountId.rawValue)/\(identity.id)" }
}
