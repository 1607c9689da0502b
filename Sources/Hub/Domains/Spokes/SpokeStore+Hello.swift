import Foundation
import HubCore
import Postgres
public import Protocol

/// How a hello was taken.
public enum HelloOutcome: Hashable, Sendable {
    case welcome(LinkWelcome)
    case refused(LinkRefused)
}

/// What a hub tells the spokes that it takes in.
public struct LinkTerms: Hashable, Sendable {
    public var hubId: HubID
    public var heartbeat: Duration
    public var silence: Duration
    public var limits: LinkLimits

    public init(
        hubId: HubID,
        heartbeat: Duration = Limits.heartbeat,
        silence: Duration = Limits.silence,
        limits: LinkLimits = .standard
    ) {
        self.hubId = hubId
        self.heartbeat = heartbeat
        self.silence = silence
        self.limits = limits
    }
}

extension SpokeStore {
    /// Takes a spoke in, or says why not: compares its whole truth with the hub's and settles it, in one transaction.
    ///
    /// - Parameter credential: The spoke whose credential opened the connection; no other may speak through it.
    public func hello(
        _ hello: LinkHello,
        credential: SpokeID,
        terms: LinkTerms
    ) async throws(Fault) -> HelloOutcome {
        guard hello.spokeId == credential else {
            let message = "This credential is not spoke \(hello.spokeId)'s; join this machine anew."
            return .refused(LinkRefused(code: .credential, message: message, retryAfterMilliseconds: nil))
        }
        return try await database.transaction { transaction async throws(Fault) -> HelloOutcome in
            guard let known = try await transaction.first(SQL.lockForHello, [hello.spokeId]) else {
                let message = "This hub knows no spoke \(hello.spokeId); join this machine anew."
                return .refused(LinkRefused(code: .credential, message: message, retryAfterMilliseconds: nil))
            }
            switch SpokeAdmission.decide(hello, known: known.admission) {
            case .refuse(let refusal):
                return .refused(refusal)
            case .admit(let journal, let lost):
                if let lost { try await warn(hello.spokeId, "journal.epoch", lost, in: transaction) }
                return .welcome(try await admit(hello, known, journal: journal, terms: terms, in: transaction))
            }
        }
    }

    private func admit(
        _ hello: LinkHello,
        _ known: KnownSpoke,
        journal: StreamMark,
        terms: LinkTerms,
        in transaction: Transaction
    ) async throws(Fault) -> LinkWelcome {
        try await alignCommands(hello, in: transaction)
        let outcome = try await reconcile(hello, in: transaction)
        let former = SpokeAdmission.formerIncarnations(known.admission, after: hello.incarnation)
        let labels = hello.labels.merging(known.joinLabels) { _, given in given }
        try await transaction.execute(
            SQL.connect,
            [
                hello.spokeId, terms.hubId, hello.incarnation, former, hello.spokeType, JSON(hello.hostInfo),
                JSON(labels), hello.hostInfo.spokeVersion, hello.slots,
                hello.draining ? "draining, as its owner wants" : nil, journal.epoch, journal.seq, journal.hash.bytes,
                JSON(hello.agents ?? []),
            ]
        )
        try await transaction.execute(SQL.seeWorktrees, worktreeValues(hello))
        try await owe(outcome.owed, hello, in: transaction)
        // What is owed may be plain at once: nothing is left in the journal to explain it.
        if journal.seq >= hello.journal.next - 1 { try await SettleStore.settle(hello.spokeId, in: transaction) }
        guard let head = try await transaction.first(CommandStore.SQL.head, [hello.spokeId]) else {
            throw Fault(.notFound, "The spoke was removed meanwhile; join this machine anew.")
        }
        return LinkWelcome(
            hubId: terms.hubId,
            heartbeatMilliseconds: terms.heartbeat.milliseconds,
            silenceMilliseconds: terms.silence.milliseconds,
            journalAcknowledged: journal,
            commandsEpoch: head.epoch,
            commandsNext: head.next,
            operationsWanted: hello.operations.specs == nil && !hello.operations.hash.isEmpty
                && hello.operations.hash != known.operationsHash,
            limits: terms.limits,
            serverTime: Date(),
            verdicts: outcome.verdicts
        )
    }

    /// A spoke that has taken in what the hub never sent, or less than was acknowledged, gets a new epoch of commands.
    private func alignCommands(_ hello: LinkHello, in transaction: Transaction) async throws(Fault) {
        guard let stream = try await transaction.first(SQL.commandsAt, [hello.spokeId, hello.commands.seq]) else {
            return
        }
        let isFresh = hello.commands.seq == 0 && stream.next == 1 && hello.commands.epoch <= stream.epoch
        let isSame =
            hello.commands.epoch == stream.epoch && hello.commands.seq < stream.next
            && hello.commands.seq >= stream.acknowledged
            && (stream.hash.map { $0 == hello.commands.hash } ?? (hello.commands.seq == 0))
        // A spoke that knows no epoch yet takes the hub's from its first record on.
        let isUntouched = hello.commands.seq == 0 && hello.commands.epoch == 0 && stream.acknowledged == 0
        if isFresh || isSame || isUntouched {
            try await transaction.execute(
                CommandStore.SQL.acknowledge,
                [hello.spokeId, hello.commands.epoch, hello.commands.seq]
            )
            return
        }
        try await commands.renew(hello.spokeId, beyond: hello.commands.epoch, in: transaction)
        let message =
            "It has taken in its commands up to \(hello.commands.seq) of epoch \(hello.commands.epoch), which does not "
            + "fit epoch \(stream.epoch) here; what was not acknowledged is sent again under a new epoch."
        try await warn(hello.spokeId, "commands.epoch", message, in: transaction)
    }

    private func reconcile(
        _ hello: LinkHello,
        in transaction: Transaction
    ) async throws(Fault) -> Reconciliation.Outcome {
        let reported = hello.sessions.map(\.sessionId)
        let rows = try await transaction.query(SQL.knownSessions, [hello.spokeId, reported])
        return Reconciliation.compare(reported: hello.sessions, known: rows.map(\.session))
    }

    private func owe(_ sessions: [SessionID], _ hello: LinkHello, in transaction: Transaction) async throws(Fault) {
        try await transaction.execute(
            SQL.owe,
            [hello.spokeId, hello.journal.next - 1, sessions, hello.worktrees.map(\.workspaceId)]
        )
    }

    private func worktreeValues(_ hello: LinkHello) -> [(any Bindable)?] {
        [
            hello.spokeId, hello.worktrees.map(\.workspaceId), hello.worktrees.map(\.branch),
            hello.worktrees.map(\.head), hello.worktrees.map(\.dirty),
        ]
    }

    private func warn(
        _ spoke: SpokeID,
        _ kind: String,
        _ message: String,
        in transaction: Transaction
    ) async throws(Fault) {
        let note = AlertNote(severity: .error, kind: kind, source: "spoke:\(spoke)", message: message)
        try await AlertStore.raise(note, in: transaction)
    }
}
