import GRDB
import Protocol

/// What a session's process is told on its standard input: each text once and in order, whatever dies in between.
///
/// Every text has its place in the stream of input bytes, written down before the first of them is sent. How many
/// bytes the supervisor ever accepted then tells, after any crash, what is still to be sent.
actor SessionInput {
    private let session: SessionID
    private let fence: Int64
    private let journal: Journal
    private var last: Task<Void, Never>?

    init(_ order: StartSession, journal: Journal) {
        session = order.sessionId
        fence = order.fence
        self.journal = journal
    }

    /// A text with its place.
    struct Planned: Sendable {
        fileprivate let start: Int64
        fileprivate let bytes: [UInt8]
    }

    /// Gives a text its place behind those before it; the same command always gets the same.
    func plan(_ text: String, for command: CommandID) async throws(Fault) -> Planned {
        let bytes = Array((text.hasSuffix("\n") ? text : text + "\n").utf8)
        let (session, fence, length) = (session, fence, Int64(bytes.count))
        let start = try await journal.writing { db -> Int64 in
            let key: StatementArguments = [session.rawValue, fence, command.rawValue]
            if let known = try Int64.fetchOne(db, sql: SQL.known, arguments: key) { return known }
            let next = try Int64.fetchOne(db, sql: SQL.next, arguments: [session.rawValue, fence]) ?? 0
            try db.execute(sql: SQL.plan, arguments: key + [next, length])
            return next
        }
        return Planned(start: start, bytes: bytes)
    }

    /// Sends what the process has not had of it yet, behind everything planned before.
    func deliver(_ planned: Planned, to process: SupervisedProcess) async throws(Fault) {
        let before = last
        let sending = Task<Fault?, Never> {
            await before?.value
            let missing = planned.start + Int64(planned.bytes.count) - process.inputAccepted
            guard missing > 0 else { return nil }
            do throws(Fault) {
                try await process.send(Array(planned.bytes.suffix(Int(missing))))
                return nil
            } catch {
                return error
            }
        }
        last = Task { _ = await sending.value }
        if let fault = await sending.value { throw fault }
    }

    /// Returns once the process has read all of a text; `false` if that can never be seen.
    nonisolated func untilRead(_ planned: Planned, by process: SupervisedProcess) async -> Bool {
        let end = planned.start + Int64(planned.bytes.count)
        var pause = Duration.milliseconds(5)
        while !Task.isCancelled {
            guard let read = process.inputRead else { return false }
            if read >= end { return true }
            // A pipe tells nobody that it was read: it has to be looked at, less often the longer nothing happens.
            do { try await Task.sleep(for: pause) } catch { return false }
            pause = min(pause * 2, .seconds(1))
        }
        return false
    }

    private enum SQL {
        static let known = "SELECT start FROM session_inputs WHERE session_id = ? AND fence = ? AND command_id = ?"
        static let next = "SELECT max(start + length) FROM session_inputs WHERE session_id = ? AND fence = ?"
        static let plan = """
            INSERT INTO session_inputs (session_id, fence, command_id, start, length) VALUES (?, ?, ?, ?, ?)
            """
    }
}
