import Foundation
import HubCore
import Postgres
import Protocol

extension SpawnStore {
    /// Waiting sessions that one pass looks at.
    private static let waitingMax = 2_000

    /// Places waiting sessions while there is room: by priority, then fair between projects, then by age.
    /// Answers how many.
    func placeWaiting() async throws(Fault) -> Int {
        let queue = try await waiting()
        guard !queue.isEmpty else { return 0 }
        var placed = 0
        var facts: [ProjectID: [SpokeFacts]] = [:]
        for entry in queue {
            if facts[entry.session.projectId] == nil {
                facts[entry.session.projectId] = try await spokes.facts(for: entry.session.projectId, onlyFree: true)
            }
            guard let known = facts[entry.session.projectId],
                case .place(let spoke) = Placement.decide(entry.ask, among: known)
            else { continue }
            if try await place(entry, on: spoke) { placed += 1 }
            // Whatever came of it, the facts have changed.
            facts.removeAll()
        }
        return placed
    }

    /// The waiting sessions in the order in which they are tried.
    func waiting() async throws(Fault) -> [WaitingRow] {
        let rows = try await database.query(SQL.waiting, [Self.waitingMax])
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
