import HubCore
import Postgres
import Protocol

/// Reads agents' output into messages and parts: what was read, what it amounts to and where reading goes on are one
/// transaction, so that no line counts twice and none is missed, whatever is killed in between.
struct TranscriptStore: Sendable {
    let database: Database

    /// Sessions of one pass; the rest is for the next.
    private static let sessionsMax = 200

    /// Reads on in every agent's output; answers the sessions that have something new. Any number of hubs may do so.
    func readOn() async throws(Fault) -> [News] {
        var told: [News] = []
        for id in try await database.query(SQL.open, [Self.sessionsMax]) {
            if let news = try await readOn(SessionID(id)) { told.append(news) }
        }
        return told
    }

    /// That there is something new of a session.
    struct News: Sendable {
        var session: SessionID
        /// An error, a malformed call, a limit or another file is in it.
        var isTroubled: Bool
    }

    /// One page of one session's output; `nil` if it brought nothing.
    private func readOn(_ session: SessionID) async throws(Fault) -> News? {
        try await database.transaction { transaction async throws(Fault) -> News? in
            guard let row = try await transaction.first(SQL.hold, [session]) else { return nil }
            var book = row.book
            var machine = book.machine ?? TranscriptMachine(book.output, fence: book.fence)
            let before = machine
            let chunks = try await transaction.query(
                OutputStore.SQL.page,
                [session, machine.fence, Protocol.OutputStream.stdout, machine.offset, OutputStore.pageChunks]
            )
            let (steps, isAll) = Self.read(chunks, isOver: row.isOver, with: &machine)
            guard !steps.isEmpty || isAll else { return nil }
            var facts = machine.facts
            if isAll, facts.state != .quota { facts.state = .done }
            try await store(steps, of: session, &book, in: transaction)
            book.machine = machine
            book.isDone = isAll
            let values: [(any Bindable)?] = [
                session, JSON(book), facts.providerSessionId, JSON(facts.usage), JSON(facts),
            ]
            try await transaction.execute(SQL.advance, values)
            return News(session: session, isTroubled: machine.isInMoreTrouble(than: before))
        }
    }

    /// The steps of a page, and whether nothing is left to read.
    private static func read(
        _ chunks: [OutputStore.Chunk],
        isOver: Bool,
        with machine: inout TranscriptMachine
    ) -> (steps: [TranscriptStep], isAll: Bool) {
        var steps: [TranscriptStep] = []
        var bytes: [UInt8] = []
        var end = machine.offset
        func flush(_ machine: inout TranscriptMachine, isLast: Bool) {
            steps += machine.read(bytes, isLast: isLast)
            bytes = []
        }
        for chunk in chunks where chunk.end > end {
            if chunk.offset > end { flush(&machine, isLast: false) }
            if let gap = chunk.gap {
                flush(&machine, isLast: false)
                steps += machine.skip(to: max(gap.to, chunk.offset), because: gap.reason)
            } else {
                bytes += chunk.bytes.dropFirst(Int(max(0, end - chunk.offset)))
            }
            end = chunk.end
        }
        // Whoever is over has no more output than what is stored: its end came behind its last byte.
        let isAll = isOver && chunks.count < OutputStore.pageChunks
        flush(&machine, isLast: isAll)
        return (steps, isAll)
    }

    private func store(
        _ steps: [TranscriptStep],
        of session: SessionID,
        _ book: inout Book,
        in transaction: Transaction
    ) async throws(Fault) {
        var (messages, parts) = (Messages(), Parts())
        for step in steps {
            switch step {
            case .open(let role, let model): book.message = messages.open(role, model)
            case .part(let kind, let data):
                guard let message = book.message else { continue }
                book.sequence += 1
                parts.add(message, kind, data, book.sequence)
            case .close(let status):
                if let message = book.message { messages.close(message, status) }
                book.message = nil
            }
        }
        if !messages.ids.isEmpty {
            let values: [(any Bindable)?] = [
                session, messages.ids, messages.roles, messages.statuses, messages.models,
            ]
            try await transaction.execute(SQL.addMessages, values)
        }
        for (message, status) in messages.closed { try await transaction.execute(SQL.closeMessage, [message, status]) }
        guard !parts.ids.isEmpty else { return }
        let values: [(any Bindable)?] = [session, parts.ids, parts.messages, parts.kinds, parts.data, parts.sequences]
        try await transaction.execute(SQL.addParts, values)
    }

    /// Messages as the columns of one insert: most begin and end in the page that is read.
    private struct Messages {
        var ids: [MessageID] = []
        var roles: [String] = []
        var statuses: [String] = []
        var models: [String?] = []
        /// Messages of earlier pages that end here.
        var closed: [(MessageID, MessageStatus)] = []
        private var sortable = SortableIds()

        mutating func open(_ role: MessageRole, _ model: String?) -> MessageID {
            let id = MessageID(sortable.next())
            ids.append(id)
            roles.append(role.rawValue)
            statuses.append(MessageStatus.streaming.rawValue)
            models.append(model)
            return id
        }

        mutating func close(_ message: MessageID, _ status: MessageStatus) {
            // One message is open at a time, so the one that ends is the last that began, if it began here.
            if ids.last == message {
                statuses[statuses.count - 1] = status.rawValue
            } else {
                closed.append((message, status))
            }
        }
    }

    /// Parts as the columns of one insert.
    private struct Parts {
        var ids: [String] = []
        var messages: [MessageID] = []
        var kinds: [PartKind] = []
        var data: [JSONValue] = []
        var sequences: [Int64] = []
        private var sortable = SortableIds()

        mutating func add(_ message: MessageID, _ kind: PartKind, _ value: JSONValue, _ sequence: Int64) {
            ids.append(sortable.next())
            messages.append(message)
            kinds.append(kind)
            data.append(value)
            sequences.append(sequence)
        }
    }

    /// Parts of a session behind a place, from either end.
    func parts(_ request: ListParts, of session: SessionID, behind: Int64?, limit: Int) async throws(Fault)
        -> [PartRecord]
    {
        let statement = request.from == .newest ? SQL.newest : SQL.oldest
        return try await database.query(statement, [session, behind, limit, request.messageId, request.type])
    }

    /// Whether a session is an agent's and all that it printed was read.
    func isRead(_ session: SessionID) async throws(Fault) -> Bool {
        try await database.first(SQL.isRead, [session]) ?? true
    }
}
