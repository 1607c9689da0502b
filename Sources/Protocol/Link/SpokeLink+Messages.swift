// What a hub may say to a spoke, and when.
extension SpokeLink {
    mutating func received(_ message: LinkMessage, at now: Moment) -> [Action] {
        switch phase {
        case .ended: return []
        case .connecting: return close(.notAllowed("Nothing may be said before the hello."))
        case .greeting: return answered(message, at: now)
        case .open, .leaving, .departing:
            streams?.heard(at: now)
            return told(message, at: now)
        }
    }

    private mutating func answered(_ message: LinkMessage, at now: Moment) -> [Action] {
        switch message {
        case .welcome(let welcome): welcomed(welcome, at: now)
        case .refused(let refused): end(.refused(refused), closing: .normal)
        case .goodbye(let goodbye): self.goodbye(goodbye, at: now)
        case .unknown(let unknown): [.notUnderstood(type: unknown.unknownType)]
        case .hello, .heartbeat, .heartbeatAcknowledged, .operations, .operationsTaken, .append, .acknowledged, .rewind,
            .callRequested, .callResponded, .callCompleted, .callAborted, .callFailed, .callCredit:
            close(.notAllowed("Only welcome, refused or goodbye answers a hello."))
        }
    }

    private mutating func told(_ message: LinkMessage, at now: Moment) -> [Action] {
        switch message {
        case .append(let batch) where batch.stream == .commands:
            perform(streams?.incoming.received(batch.records))
        case .acknowledged(let position) where position.stream == .journal:
            perform(streams?.outgoing.acknowledged(position))
        case .rewind(let rewind) where rewind.stream == .journal: perform(streams?.outgoing.rewind(rewind))
        case .heartbeatAcknowledged(let answer): heartbeatAcknowledged(answer, at: now)
        case .goodbye(let goodbye): self.goodbye(goodbye, at: now)
        case .operationsTaken(let taken): [.operationsTaken(taken)]
        case .callRequested(let call): [.deliver(.requested(call))]
        case .callResponded(let answer): [.deliver(.responded(answer))]
        case .callCompleted(let end): [.deliver(.completed(end))]
        case .callAborted(let end): [.deliver(.aborted(end))]
        case .callFailed(let failure): [.deliver(.failed(failure))]
        case .callCredit(let credit): [.deliver(.credit(credit))]
        case .unknown(let unknown): [.notUnderstood(type: unknown.unknownType)]
        case .hello, .welcome, .refused, .heartbeat, .operations, .append, .acknowledged, .rewind:
            close(.notAllowed("A hub does not say this on an open link."))
        }
    }

    mutating func call(_ call: CallMessage) -> [Action] {
        switch phase {
        case .open, .leaving, .departing: [.send(call.linkMessage)]
        // The link is gone or not there yet; whoever waits for the call hears of that from `ended`.
        case .connecting, .greeting, .ended: []
        }
    }

    mutating func offer(_ offer: OperationsSummary) -> [Action] {
        // Before the welcome the hello tells it, after the end the next hello does.
        guard case .open = phase else { return [] }
        return [.send(.operations(offer))]
    }

    private mutating func heartbeatAcknowledged(
        _ answer: LinkHeartbeatAcknowledged,
        at now: Moment
    ) -> [Action] {
        guard let milliseconds = answer.heartbeatMilliseconds else { return [] }
        let interval = LinkStreams.bounded(milliseconds)
        streams?.beats(every: interval)
        // A shorter interval counts from this moment, a longer one from the beat that is already due.
        beatAt = beatAt.map { min($0, now + interval) }
        return []
    }

    mutating func beat(_ load: HostLoad, sessions: Int) -> [Action] {
        guard case .open = phase, let applied = streams?.incoming.applied else { return [] }
        let beat = LinkHeartbeat(
            load: load,
            sessions: sessions,
            journalNext: journalNext,
            commandsApplied: applied.seq
        )
        return [.send(.heartbeat(beat))]
    }
}

extension StreamStep {
    /// After a goodbye nothing begins, but what is under way is finished.
    var isAllowedWhileLeaving: Bool {
        switch self {
        case .load, .send: false
        case .released, .apply, .acknowledge, .rewind, .fail: true
        }
    }
}
