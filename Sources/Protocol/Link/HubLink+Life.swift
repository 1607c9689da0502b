// How a hub's link opens and ends.
extension HubLink {
    mutating func connected(at now: Moment) -> [Action] {
        guard case .greeting(until: nil) = phase else { preconditionFailure("A connection comes up once.") }
        phase = .greeting(until: now + Limits.handshake)
        return []
    }

    mutating func greeted(_ hello: LinkHello, until: Moment) -> [Action] {
        if let refused = hello.refusal { return refuse(refused) }
        phase = .reconciling(hello, until: until)
        return [.reconcile(hello)]
    }

    mutating func welcome(_ welcome: LinkWelcome, at now: Moment) -> [Action] {
        // The spoke went away, or the time was up, while the hub made up its mind.
        guard case .reconciling(let hello, _) = phase else { return [] }
        guard let commands = hello.commandsMark(in: welcome.commandsEpoch), commands.seq < welcome.commandsNext
        else {
            return refuse(
                LinkRefused(
                    code: .diverged,
                    message: "The spoke holds commands that this hub never gave; remove it and join it anew.",
                    retryAfterMilliseconds: nil
                )
            )
        }
        streams = LinkStreams(
            outgoing: StreamSender(
                stream: .commands,
                resumingAfter: commands,
                next: welcome.commandsNext,
                limits: .standard
            ),
            incoming: StreamReceiver(stream: .journal, from: welcome.journalAcknowledged, limits: welcome.limits),
            beat: welcome.heartbeatMilliseconds,
            silence: welcome.silenceMilliseconds,
            at: now
        )
        phase = .open
        let known = StreamPosition(stream: .commands, epoch: commands.epoch, seq: commands.seq)
        return [.send(.welcome(welcome)), .opened, .commandsAcknowledged(known)]
            + perform(streams?.outgoing.stored(next: commandsNext))
    }

    mutating func refuse(_ refused: LinkRefused) -> [Action] {
        switch phase {
        case .greeting, .reconciling:
            return [.send(.refused(refused))] + end(.refused(refused), closing: .refused)
        // Too late: the link is over, or was taken in before.
        case .open, .leaving, .departing, .ended:
            return []
        }
    }

    mutating func leave(_ goodbye: LinkGoodbye, at now: Moment) -> [Action] {
        switch phase {
        case .open where goodbye.reason == .replaced:
            // Its records are fenced off already: there is nothing to finish.
            return [.send(.goodbye(goodbye))] + end(.left(goodbye), closing: .replaced)
        case .open:
            phase = .leaving(goodbye, until: now + Limits.drain)
            return [.send(.goodbye(goodbye))]
        case .greeting, .reconciling:
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
        case .greeting, .reconciling: return end(.goodbye(goodbye), closing: .normal)
        case .departing, .ended: return []
        }
    }

    /// The spoke said goodbye and nothing of it is being applied: the link is over.
    mutating func departIfDone() -> [Action] {
        guard case .departing(let goodbye, _) = phase, streams?.incoming.isBusy != true else { return [] }
        return end(.goodbye(goodbye), closing: .normal)
    }

    mutating func disconnected(_ reason: CloseReason) -> [Action] {
        switch phase {
        case .greeting, .reconciling, .open: end(.lost(reason), closing: nil)
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
        case .ended: return []
        case .greeting(let until):
            guard let until, now >= until else { return [] }
            return close(.handshakeLate)
        case .reconciling(_, let until):
            guard now >= until else { return [] }
            return refuse(
                LinkRefused(
                    code: .unavailable,
                    message: "The hub could not look the spoke up in time; it will be asked again.",
                    retryAfterMilliseconds: Limits.handshake.milliseconds / 2
                )
            )
        case .open:
            if let silence = streams?.silenceAt, now >= silence {
                let goodbye = LinkGoodbye(reason: .silence, message: CloseReason.silence.text)
                return [.send(.goodbye(goodbye))] + close(.silence)
            }
        case .leaving(let goodbye, let until):
            if now >= min(until, streams?.silenceAt ?? until) { return end(.left(goodbye), closing: .goingAway) }
        case .departing(let goodbye, let until):
            if now >= min(until, streams?.silenceAt ?? until) { return end(.goodbye(goodbye), closing: .normal) }
        }
        return perform(streams?.retryIfDue(at: now))
    }
}
