import Foundation
import HubCore
import Postgres
import Protocol

extension SpawnStore {
    /// Waiting sessions that are looked at together.
    static let waitingPage = 2_000

    /// Places waiting sessions while there is room: by priority, then fair between projects, then by age.
    /// Answers how many.
    ///
    /// Many that nobody can take do not keep those behind them from a spoke that could take them: a page follows the
    /// other while there is room.
    func placeWaiting() async throws(Fault) -> Int {
        var (placed, last): (Int, SessionID?) = (0, nil)
        repeat {
            let page = try await waiting(after: last)
            let outcome = try await place(page.queue)
            placed += outcome.placed
            last = outcome.isRoomLeft ? page.last : nil
        } while last != nil && !Task.isCancelled
        return placed
    }

    /// Tries these in their order; what was placed, and whether any spoke has room when all were tried.
    private func place(_ queue: [WaitingRow]) async throws(Fault) -> (placed: Int, isRoomLeft: Bool) {
        var placed = 0
        var facts: [ProjectID: [SpokeFacts]] = [:]
        for entry in queue {
            let project = entry.session.projectId
            if facts[project] == nil { facts[project] = try await spokes.facts(for: project, onlyFree: true) }
            // Which spokes are free is no matter of the project.
            guard let known = facts[project], !known.isEmpty else { return (placed, false) }
            guard case .place(let spoke) = Placement.decide(entry.ask, among: known) else { continue }
            if try await place(entry, on: spoke) { placed += 1 }
            // Whatever came of it, the facts have changed.
            facts.removeAll()
        }
        return (placed, true)
    }

    /// Some waiting sessions in the order in which they are tried.
    struct WaitingPage: Sendable {
        var queue: [WaitingRow]
        /// Behind which the next page begins; `nil` if there is none.
        var last: SessionID?
    }

    /// Why these wait: those of them that do.
    func waiting(among sessions: [SessionID]) async throws(Fault) -> [SessionID: WaitingRow] {
        guard !sessions.isEmpty else { return [:] }
        let rows = try await database.query(SQL.waitingAmong, [sessions])
        return Dictionary(rows.map { ($0.session.sessionId, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// The waiting sessions behind one, or from the first on.
    func waiting(after last: SessionID? = nil) async throws(Fault) -> WaitingPage {
        let rows = try await database.query(SQL.waiting, [Self.waitingPage, last])
        let end = rows.count == Self.waitingPage ? rows.last?.session.sessionId : nil
        return WaitingPage(queue: try await sorted(rows), last: end)
    }

    private func sorted(_ rows: [WaitingRow]) async throws(Fault) -> [WaitingRow] {
        guard !rows.isEmpty else { return [] }
        let running = try await database.query(SQL.running, [Array(Set(rows.map(\.session.projectId)))])
        let counts = Dictionary(running.map { ($0.project, $0.count) }, uniquingKeysWith: { first, _ in first })
        let byId = Dictionary(rows.map { ($0.session.sessionId, $0) }, uniquingKeysWith: { first, _ in first })
        return WaitingOrder.sorted(rows.map(\.session), running: counts).compactMap { byId[$0.sessionId] }
    }

    /// Under the spoke's lock, then the session's: `false` if either is not what it was.
    private func place(_ entry: WaitingRow, on spoke: SpokeID) async throws(Fault) -> Bool {
        try await database.transaction { transaction async throws(Fault) -> Bool in
            let held = try await spokes.lockedFacts(spoke, for: entry.session.projectId, in: transaction)
            guard let held, Placement.refusal(of: held, for: entry.ask) == nil else { return false }
            guard try await transaction.first(SQL.take, [entry.session.sessionId, spoke]) != nil else { return false }
            try await start(entry.session.sessionId, on: spoke, in: transaction)
            return true
        }
    }

    /// The order to start, made from what is stored, and behind it what was said to the session while it waited.
    func start(_ session: SessionID, on spoke: SpokeID, in transaction: Transaction) async throws(Fault) {
        guard let stored = try await transaction.first(SQL.order, [session]) else {
            throw Fault(.notFound, "The session \(session) was removed meanwhile; spawn it again.")
        }
        let order = stored.order
        try await commands.append(.sessionStart, order, id: order.commandId, to: spoke, in: transaction)
        for message in try await transaction.query(SQL.queued, [session]) {
            let send = SendMessage(
                commandId: .random(),
                sessionId: session,
                fence: order.fence,
                messageId: message.id,
                text: message.data["text"]?.stringValue ?? ""
            )
            try await commands.append(.sessionMessage, send, id: send.commandId, to: spoke, in: transaction)
        }
    }
}
