// How a spoke's link opens and ends.
extension SpokeLink {
    mutating func connected(at now: Moment) -> [Action] {
        guard case .connecting = phase else { preconditionFailure("A connection comes up once.") }
        phase = .greeting(until: now + Limits.handshake + Limits.handshakeGrace)
        return [.send(.hello(hello))]
    }

    mutating func welcomed(_ welcome: LinkWelcome, at now: Moment) -> [Action] {
        if let reason = welcome.refusal(for: hello) { return close(reason) }
        guard let commands = hello.commandsMark(in: welcome.commandsEpoch) else {
            preconditionFailure("A welcome that was accepted has commands that can go on.")
        }
        let mark = welcome.journalAcknowledged
        streams = LinkStreams(
            outgoing: StreamSender(
                stream: .journal,
                resumingAfter: mark,
                next: hello.journal.next,
                limits: welcome.limits
            ),
            incoming: StreamReceiver(stream: .commands, from: commands, limits: .standard),
            beat: welcome.heartbeatMilliseconds,
            silence: welcome.silenceMilliseconds,
            at: now
        )
        phase = .open
        // The first heartbeat follows at once: the hub places work by it.
        beatAt = now
        let known = StreamPosition(stream: .journal, epoch: mark.epoch, seq: mark.seq)
        return [.opened(welcome), .journalAcknowledged(known)]
            + perform(streams?.outgoing.stored(next: journalNext))
    }

    mutating func leave(_ goodbye: LinkGoodbye, at now: Moment) -> [Action] {
        switch phase {
        case .open:
            phase = .leaving(goodbye, until: now + Limits.drain)
            return [.send(.goodbye(goodbye))]
        case .connecting, .greeting:
            return [.send(.goodbye(goodbye))] + end(.left(goodbye), closing: .goingAway)
        case .leaving, .departing, .ended:
            return []
        }
    }

    mutating func goodbye(_ goodbye: LinkGoodbye, at now: Moment) -> [Action] {
        switch phase {
        case .open:
            phase = .departing(goodbye, until: now + Limits.drain)
            return departIfDone()
        case .leaving(let ours, _): return end(.left(ours), closing: .normal)
        case .greeting: return end(.goodbye(goodbye), closing: .normal)
        case .connecting, .departing, .ended: return []
        }
    }

    /// The hub said goodbye and nothing of it is being stored: the link is over.
    mutating func departIfDone() -> [Action] {
        guard case .departing(let goodbye, _) = phase, streams?.incoming.isBusy != true else { return [] }
        return end(.goodbye(goodbye), closing: .normal)
    }

    mutating func disconnected(_ reason: CloseReason) -> [Action] {
        switch phase {
        case .connecting, .greeting, .open: end(.lost(reason), closing: nil)
        case .leaving(let goodbye, _): end(.left(goodbye), closing: nil)
        case .departing(let goodbye, _): end(.goodbye(goodbye), closing: nil)
        case .ended: []
        }
    }

    mutating func close(_ reason: CloseReason) -> [Action] { end(.closed(reason), closing: reason) }

    mutating func end(_ end: LinkEnd, closing reason: CloseReason?) -> [Action] {
        phase = .ended
        streams = nil
        return (reason.map { [.close($0)] } ?? []) + [.ended(end)]
    }

    mutating func deadlineReached(at now: Moment) -> [Action] {
        switch phase {
        case .connecting, .ended: return []
        case .greeting(let until): return now >= until ? close(.handshakeLate) : []
        case .open:
            if let silence = streams?.silenceAt, now >= silence {
                let goodbye = LinkGoodbye(reason: .silence, message: CloseReason.silence.text)
                return [.send(.goodbye(goodbye))] + close(.silence)
            }
            return measureIfDue(at: now) + perform(streams?.retryIfDue(at: now))
        case .leaving(let goodbye, let until):
            if now >= min(until, streams?.silenceAt ?? until) { return end(.left(goodbye), closing: .goingAway) }
        case .departing(let goodbye, let until):
            if now >= min(until, streams?.silenceAt ?? until) { return end(.goodbye(goodbye), closing: .normal) }
        }
        return perform(streams?.retryIfDue(at: now))
    }

    private mutating func measureIfDue(at now: Moment) -> [Action] {
        guard let due = beatAt, due <= now, let interval = streams?.beatInterval else { return [] }
        beatAt = now + interval
        return [.measureLoad]
    }
}
