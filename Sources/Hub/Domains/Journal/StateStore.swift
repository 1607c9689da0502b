import Foundation
import HubCore
import Postgres
import Protocol

/// Applies records that change states, each at most once and only if it is of the present fence.
///
/// Every statement here is guarded so that a repeated or late record changes nothing: what it tells is history.
enum StateStore {
    /// Applies one record inside the transaction that moves its spoke's mark; adds what there is news of.
    static func apply(
        _ state: JournalDelivery.State,
        in transaction: Transaction,
        news: inout Set<String>
    ) async throws(Fault) {
        let payload = state.record.payload
        let spoke = state.spoke
        switch state.type {
        case .sessionOutput: break  // Written in bulk with the marks.
        case .sessionStarted: try await started(WireCoder.value(from: payload), spoke, in: transaction, &news)
        case .sessionMessage: try await message(WireCoder.value(from: payload), spoke, in: transaction, &news)
        case .sessionSampled: try await sampled(WireCoder.value(from: payload), spoke, in: transaction)
        case .sessionExited: try await exited(WireCoder.value(from: payload), spoke, in: transaction, &news)
        case .sessionFailed: try await failed(WireCoder.value(from: payload), spoke, in: transaction, &news)
        case .outputGap: try await gap(WireCoder.value(from: payload), state, in: transaction, &news)
        case .workspaceCreated: try await created(WireCoder.value(from: payload), spoke, in: transaction, &news)
        case .workspaceObserved: try await observed(WireCoder.value(from: payload), spoke, in: transaction, &news)
        case .workspaceRemoved: try await removed(WireCoder.value(from: payload), spoke, in: transaction, &news)
        case .workspaceSalvaged: try await salvaged(WireCoder.value(from: payload), spoke, in: transaction, &news)
        case .commandCompleted: try await completed(WireCoder.value(from: payload), spoke, in: transaction, &news)
        case .alertRaised: try await alert(WireCoder.value(from: payload), spoke, in: transaction)
        }
    }

    private static func started(
        _ record: SessionStarted,
        _ spoke: SpokeID,
        in transaction: Transaction,
        _ news: inout Set<String>
    ) async throws(Fault) {
        try await transaction.execute(
            SQL.start,
            [
                record.sessionId, record.fence, spoke, record.startedAt, record.pid, record.workspaceId,
                record.agentOutput,
            ]
        )
        news.insert(record.sessionId.rawValue)
    }

    private static func message(
        _ record: SessionMessageProgress,
        _ spoke: SpokeID,
        in transaction: Transaction,
        _ news: inout Set<String>
    ) async throws(Fault) {
        let error = record.error.map { AlertStore.cleaned($0, 4_000) }
        try await transaction.execute(
            SQL.deliver,
            [record.messageId, record.sessionId, spoke, record.delivery, error]
        )
        news.insert(record.sessionId.rawValue)
    }

    /// Times are the hub's own, as of everything that anomalies are judged by.
    private static func sampled(
        _ record: SessionSampled,
        _ spoke: SpokeID,
        in transaction: Transaction
    ) async throws(Fault) {
        let seen = SessionSigns.Activity.seen(in: record, at: Date().milliseconds)
        try await transaction.execute(SQL.sample, [record.sessionId, record.fence, spoke, JSON(seen)])
    }

    private static func exited(
        _ record: SessionExited,
        _ spoke: SpokeID,
        in transaction: Transaction,
        _ news: inout Set<String>
    ) async throws(Fault) {
        let end = Ending(
            reason: record.reason,
            exitCode: record.exitCode,
            exitSignal: record.exitSignal,
            at: record.endedAt,
            sums: record.streams,
            swept: record.swept,
            remaining: record.remaining
        )
        if try await !end.write(record.sessionId, fence: record.fence, on: spoke, in: transaction) {
            try await end.fill(record.sessionId, fence: record.fence, on: spoke, in: transaction)
        }
        news.insert(record.sessionId.rawValue)
    }

    private static func failed(
        _ record: SessionFailed,
        _ spoke: SpokeID,
        in transaction: Transaction,
        _ news: inout Set<String>
    ) async throws(Fault) {
        let end = Ending(reason: .failed, at: record.at, failure: record.error)
        try await end.write(record.sessionId, fence: record.fence, on: spoke, in: transaction)
        news.insert(record.sessionId.rawValue)
    }

    private static func gap(
        _ record: OutputGap,
        _ state: JournalDelivery.State,
        in transaction: Transaction,
        _ news: inout Set<String>
    ) async throws(Fault) {
        guard record.from >= 0, record.to >= record.from else {
            throw Fault(.validation, "A gap must end behind its beginning.")
        }
        try await transaction.execute(
            SQL.leaveGap,
            [
                Ids.sortable(), record.sessionId, record.fence, record.stream, record.from, JSON(record),
                JournalDelivery.time(state.record.at), state.spoke,
            ]
        )
        news.insert(record.sessionId.rawValue)
    }

    private static func created(
        _ record: WorkspaceCreated,
        _ spoke: SpokeID,
        in transaction: Transaction,
        _ news: inout Set<String>
    ) async throws(Fault) {
        try await transaction.execute(
            SQL.createWorkspace,
            [record.workspaceId, spoke, record.branch, record.directory, record.baseCommit, record.headCommit]
        )
        news.insert(record.workspaceId.rawValue)
    }

    private static func observed(
        _ record: WorkspaceObserved,
        _ spoke: SpokeID,
        in transaction: Transaction,
        _ news: inout Set<String>
    ) async throws(Fault) {
        try await transaction.execute(
            SQL.observeWorkspace,
            [
                record.workspaceId, spoke, record.branch, record.headCommit, record.ahead, record.behind, record.dirty,
                record.sizeBytes,
            ]
        )
        news.insert(record.workspaceId.rawValue)
    }

    private static func removed(
        _ record: WorkspaceRemoved,
        _ spoke: SpokeID,
        in transaction: Transaction,
        _ news: inout Set<String>
    ) async throws(Fault) {
        try await transaction.execute(SQL.removeWorkspace, [record.workspaceId, spoke, record.headCommit])
        news.insert(record.workspaceId.rawValue)
    }

    private static func salvaged(
        _ record: WorkspaceSalvaged,
        _ spoke: SpokeID,
        in transaction: Transaction,
        _ news: inout Set<String>
    ) async throws(Fault) {
        try await transaction.execute(
            SQL.salvage,
            [
                record.salvageId, record.workspaceId, spoke, record.ref, record.commit, record.parents, record.branch,
                record.files, record.bytes, record.expiresAt, record.bundle,
            ]
        )
        news.insert(record.workspaceId.rawValue)
    }

    private static func alert(
        _ record: AlertRaised,
        _ spoke: SpokeID,
        in transaction: Transaction
    ) async throws(Fault) {
        let severity: AlertNote.Severity =
            switch record.level {
            case .info: .info
            case .warning: .warning
            case .critical: .critical
            }
        let note = AlertNote(
            severity: severity,
            kind: record.kind,
            source: "spoke:\(spoke)",
            message: record.message,
            context: record.details ?? .object([:])
        )
        try await AlertStore.raise(note, in: transaction)
    }
}

extension StateStore {
    /// A command's outcome, and what follows from it where no other record says so.
    private static func completed(
        _ record: CommandCompleted,
        _ spoke: SpokeID,
        in transaction: Transaction,
        _ news: inout Set<String>
    ) async throws(Fault) {
        let values: [(any Bindable)?] = [
            record.commandId, spoke, record.result.map { JSON($0) }, record.error.map { JSON($0) },
        ]
        guard let command = try await transaction.first(SQL.complete, values) else { return }
        news.insert(record.commandId.rawValue)
        switch command.type {
        case .sessionStart:
            // A spoke that could not even begin tells it here alone.
            guard let error = record.error else { return }
            let order: StartSession = try WireCoder.value(from: command.payload.utf8)
            let end = Ending(reason: .failed, at: Date(), failure: error)
            try await end.write(order.sessionId, fence: order.fence, on: spoke, in: transaction)
            news.insert(order.sessionId.rawValue)
        case .sessionAbort:
            // Stopped is proof, also for a session that never came to a process.
            let order: AbortSession = try WireCoder.value(from: command.payload.utf8)
            news.insert(order.sessionId.rawValue)
            guard record.error == nil, record.result?["outcome"]?.stringValue == AbortOutcome.Outcome.stopped.rawValue
            else { return }
            let end = Ending(reason: .aborted, at: Date())
            try await end.write(order.sessionId, fence: order.fence, on: spoke, in: transaction)
        case .sessionMessage:
            guard let error = record.error else { return }
            let order: SendMessage = try WireCoder.value(from: command.payload.utf8)
            let message = AlertStore.cleaned(error.message, 4_000)
            try await transaction.execute(SQL.failMessage, [order.messageId, order.sessionId, message])
            news.insert(order.sessionId.rawValue)
        case .workspaceRestore:
            let order: RestoreWorkspace = try WireCoder.value(from: command.payload.utf8)
            let isRestored = record.error == nil
            try await transaction.execute(
                SQL.finishRestore,
                [order.workspace.workspaceId, spoke, isRestored, record.result?["directory"]?.stringValue, order.ref]
            )
        case .spokeDrain:
            try await transaction.execute(SQL.resume, [spoke])
        case .workspaceRemove:
            guard record.error != nil else { return }
            let order: RemoveWorkspace = try WireCoder.value(from: command.payload.utf8)
            try await transaction.execute(SQL.keepWorkspace, [order.workspaceId, spoke])
            news.insert(order.workspaceId.rawValue)
        }
    }

    /// A command as it was sent.
    struct Sent: RowDecodable {
        var type: CommandType
        var payload: String

        init(_ row: Row) throws(Fault) {
            type = try row["type"]
            payload = try row["payload"]
        }
    }
}
