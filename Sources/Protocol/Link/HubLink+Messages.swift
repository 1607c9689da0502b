// What a spoke may say to a hub, and when.
extension HubLink {
    mutating func received(_ message: LinkMessage, at now: Moment) -> [Action] {
        switch phase {
        case .ended: return []
        case .greeting(let until): return first(message, until: until ?? now + Limits.handshake, at: now)
        case .reconciling: return meanwhile(message, at: now)
        case .open, .leaving, .departing:
            streams?.heard(at: now)
            return told(message, at: now)
        }
    }

    private mutating func first(_ message: LinkMessage, until: Moment, at now: Moment) -> [Action] {
        switch message {
        case .hello(let hello): greeted(hello, until: until)
        case .goodbye(let goodbye): self.goodbye(goodbye, at: now)
        case .welcome, .refused, .heartbeat, .heartbeatAcknowledged, .operations, .operationsTaken, .append,
            .acknowledged, .rewind, .callRequested, .callResponded, .callCompleted, .callAborted, .callFailed,
            .callCredit, .unknown:
            close(.notAllowed("A link begins with a hello."))
        }
    }

    private mutating func meanwhile(_ message: LinkMessage, at now: Moment) -> [Action] {
        switch message {
        case .goodbye(let goodbye): self.goodbye(goodbye, at: now)
        case .unknown(let unknown): [.notUnderstood(type: unknown.unknownType)]
        case .hello, .welcome, .refused, .heartbeat, .heartbeatAcknowledged, .operations, .operationsTaken, .append,
            .acknowledged, .rewind, .callRequested, .callResponded, .callCompleted, .callAborted, .callFailed,
            .callCredit:
            close(.notAllowed("After its hello a spoke waits for the welcome."))
        }
    }

    private mutating func told(_ message: LinkMessage, at now: Moment) -> [Action] {
        switch message {
        case .append(let batch) where batch.stream == .journal:
            perform(streams?.incoming.received(batch.records))
        case .acknowledged(let position) where position.stream == .commands:
            perform(streams?.outgoing.acknowledged(position))
        case .rewind(let rewind) where rewind.stream == .commands: perform(streams?.outgoing.rewind(rewind))
        case .heartbeat(let beat): heartbeat(beat)
        case .goodbye(let goodbye): self.goodbye(goodbye, at: now)
        case .operations(let offer): [.offered(offer)]
        case .callRequested(let call): [.deliver(.requested(call))]
        case .callResponded(let answer): [.deliver(.responded(answer))]
        case .callCompleted(let end): [.deliver(.completed(end))]
        case .callAborted(let end): [.deliver(.aborted(end))]
        case .callFailed(let failure): [.deliver(.failed(failure))]
        case .callCredit(let credit): [.deliver(.credit(credit))]
        case .unknown(let unknown): [.notUnderstood(type: unknown.unknownType)]
        case .hello, .welcome, .refused, .heartbeatAcknowledged, .operationsTaken, .append, .acknowledged, .rewind:
            close(.notAllowed("A spoke does not say this on an open link."))
        }
    }

    mutating func call(_ call: CallMessage) -> [Action] {
        switch phase {
        case .open, .leaving, .departing: [.send(call.linkMessage)]
        // The link is gone or not there yet; whoever waits for the call hears of that from `ended`.
        case .greeting, .reconciling, .ended: []
        }
    }

    mutating func taken(_ taken: OperationsTaken) -> [Action] {
        switch phase {
        case .open, .leaving, .departing: [.send(.operationsTaken(taken))]
        case .greeting, .reconciling, .ended: []
        }
    }

    private mutating func heartbeat(_ beat: LinkHeartbeat) -> [Action] {
        var answer = LinkHeartbeatAcknowledged()
        if let interval = newInterval {
            streams?.beats(every: interval)
            answer.heartbeatMilliseconds = streams?.beatInterval.milliseconds
            newInterval = nil
        }
        return [.send(.heartbeatAcknowledged(answer)), .heartbeat(beat)]
    }
}
