import Protocol
import Testing

/// Transcripts of a spoke's link.
@Suite struct SpokeLinkTests {
    private var link: SpokeLink
    private static let mark = StreamMark(epoch: 2, seq: 41, hash: Samples.hash)

    init() {
        link = SpokeLink(hello: Samples.hello)
        #expect(link.handle(.connected, at: .zero) == [.send(.hello(Samples.hello))])
    }

    private mutating func open() -> [SpokeLink.Action] {
        link.handle(.received(.welcome(Samples.welcome)), at: .zero)
    }

    @Test mutating func aWelcomeOpensItAndTheFirstHeartbeatFollowsAtOnce() {
        let known = StreamPosition(stream: .journal, epoch: 2, seq: 41)
        #expect(open() == [.opened(Samples.welcome), .journalAcknowledged(known)])
        #expect(link.nextDeadline == .zero)
        #expect(link.handle(.deadlineReached, at: .zero) == [.measureLoad])
        let load = HostLoad(cpu: 1, memory: 0, disk: 0)
        let beat = LinkHeartbeat(load: load, sessions: 2, journalNext: 42, commandsApplied: 9)
        #expect(link.handle(.loadMeasured(load, sessions: 2), at: .zero) == [.send(.heartbeat(beat))])
        #expect(link.nextDeadline == .zero + .seconds(15))
    }

    @Test mutating func theHubMayChangeTheIntervalAndSilenceFollowsIt() {
        _ = open()
        _ = link.handle(.deadlineReached, at: .zero)
        let slower = LinkHeartbeatAcknowledged(heartbeatMilliseconds: 60_000)
        #expect(link.handle(.received(.heartbeatAcknowledged(slower)), at: .zero) == [])
        _ = link.handle(.deadlineReached, at: .zero + .seconds(15))
        #expect(link.nextDeadline == .zero + .seconds(75))
        #expect(link.handle(.deadlineReached, at: .zero + .seconds(75)) == [.measureLoad])
        let goodbye = LinkGoodbye(reason: .silence, message: CloseReason.silence.text)
        #expect(
            link.handle(.deadlineReached, at: .zero + .seconds(180)) == [
                .send(.goodbye(goodbye)), .close(.silence), .ended(.closed(.silence)),
            ]
        )
    }

    @Test mutating func nothingButAnAnswerMayFollowTheHello() {
        let actions = link.handle(.received(.callCredit(CallCredit(requestId: "r", values: 1))), at: .zero)
        #expect(isClosed(actions, code: 4002))
        #expect(link.handle(.received(.welcome(Samples.welcome)), at: .zero) == [])
        #expect(link.nextDeadline == nil)
    }

    @Test mutating func aWelcomeThatIsNoContinuationIsRefused() {
        var other = Samples.welcome
        other.journalAcknowledged = StreamMark(epoch: 2, seq: 42, hash: Samples.hash)
        #expect(isClosed(link.handle(.received(.welcome(other)), at: .zero), code: 4007))
        var copy = SpokeLink(hello: Samples.hello)
        _ = copy.handle(.connected, at: .zero)
        other.journalAcknowledged = StreamMark(epoch: 2, seq: 41, hash: .origin)
        #expect(isClosed(copy.handle(.received(.welcome(other)), at: .zero), code: 4007))
    }

    @Test mutating func withoutAnAnswerItGivesUp() {
        let late = Moment.zero + Limits.handshake + Limits.handshakeGrace
        #expect(link.nextDeadline == late)
        #expect(isClosed(link.handle(.deadlineReached, at: late), code: 4000))
    }

    @Test mutating func aGoodbyeIsAnsweredWhenWhatIsBeingStoredIsStored() throws {
        _ = open()
        let command = StreamRecord(epoch: 1, seq: 10, at: 0, type: "t", payload: [], after: Samples.hash)
        let batch = StreamBatch(stream: .commands, records: [command])
        #expect(link.handle(.received(.append(batch)), at: .zero) == [.applyCommands([command])])
        let goodbye = LinkGoodbye(reason: .drain)
        #expect(link.handle(.received(.goodbye(goodbye)), at: .zero) == [])
        let done = StreamPosition(stream: .commands, epoch: 1, seq: 10)
        #expect(
            link.handle(.commandsApplied(StreamMark(after: command)), at: .zero) == [
                .send(.acknowledged(done)), .close(.normal), .ended(.goodbye(goodbye)),
            ]
        )
    }

    @Test mutating func aFailedTransactionIsTriedAgainALittleLater() {
        _ = open()
        _ = link.handle(.deadlineReached, at: .zero)
        let command = StreamRecord(epoch: 1, seq: 10, at: 0, type: "t", payload: [], after: Samples.hash)
        _ = link.handle(.received(.append(StreamBatch(stream: .commands, records: [command]))), at: .zero)
        #expect(link.handle(.commandsFailed, at: .zero) == [])
        #expect(link.nextDeadline == Moment.zero + Limits.applyRetryFirst)
        let again = link.handle(.deadlineReached, at: .zero + Limits.applyRetryFirst)
        #expect(again == [.applyCommands([command])])
    }

    @Test mutating func whatAHubDoesNotSayClosesTheLink() {
        _ = open()
        let foreign = StreamBatch(stream: .journal, records: Samples.records)
        #expect(isClosed(link.handle(.received(.append(foreign)), at: .zero), code: 4002))
    }

    private func isClosed(_ actions: [SpokeLink.Action], code: UInt16) -> Bool {
        guard case .close(let reason)? = actions.dropLast().last, actions.last == .ended(.closed(reason)) else {
            return false
        }
        return reason.code == code
    }
}

/// Transcripts of a hub's link.
@Suite struct HubLinkTests {
    private var link = HubLink()

    init() { #expect(link.handle(.connected, at: .zero) == []) }

    private mutating func open() -> [HubLink.Action] {
        _ = link.handle(.received(.hello(Samples.hello)), at: .zero)
        return link.handle(.welcome(Samples.welcome), at: .zero)
    }

    @Test mutating func aHelloIsReconciledAndTheWelcomeOpensTheLink() {
        #expect(link.handle(.received(.hello(Samples.hello)), at: .zero) == [.reconcile(Samples.hello)])
        let known = StreamPosition(stream: .commands, epoch: 1, seq: 9)
        let actions = link.handle(.welcome(Samples.welcome), at: .zero)
        #expect(
            actions == [
                .send(.welcome(Samples.welcome)), .opened, .commandsAcknowledged(known),
                .loadCommands(after: 9, maxRecords: Limits.batchRecords, maxBytes: Limits.batchBytes),
            ]
        )
    }

    @Test mutating func aCommandStoredWhileReconcilingIsNotForgotten() {
        var welcome = Samples.welcome
        welcome.commandsNext = 10
        _ = link.handle(.received(.hello(Samples.hello)), at: .zero)
        #expect(link.handle(.commandsStored(next: 11), at: .zero) == [])
        guard case .loadCommands(after: 9, _, _)? = link.handle(.welcome(welcome), at: .zero).last else {
            return #expect(Bool(false), "The command that came in between is asked for.")
        }
    }

    @Test mutating func heartbeatsAreAnsweredAndCarryANewInterval() {
        _ = open()
        let beat = LinkHeartbeat(
            load: HostLoad(cpu: 0, memory: 0, disk: 0),
            sessions: 0,
            journalNext: 42,
            commandsApplied: 9
        )
        #expect(link.handle(.changeHeartbeat(.seconds(60)), at: .zero) == [])
        let answer = LinkHeartbeatAcknowledged(heartbeatMilliseconds: 60_000)
        #expect(
            link.handle(.received(.heartbeat(beat)), at: .zero) == [
                .send(.heartbeatAcknowledged(answer)), .heartbeat(beat),
            ]
        )
        #expect(link.nextDeadline == .zero + .seconds(180))
    }

    @Test mutating func journalIsAcknowledgedOnlyWhenApplied() {
        _ = open()
        let batch = StreamBatch(stream: .journal, records: Samples.records)
        #expect(link.handle(.received(.append(batch)), at: .zero) == [.applyJournal(Samples.records)])
        let done = StreamPosition(stream: .journal, epoch: 2, seq: 43)
        let mark = StreamMark(after: Samples.records[1])
        #expect(link.handle(.journalApplied(mark), at: .zero) == [.send(.acknowledged(done))])
    }

    @Test mutating func whatIsNotAllowedInAStateClosesWithACode() {
        let ended = link.handle(.received(.callCredit(CallCredit(requestId: "r", values: 1))), at: .zero)
        guard case .close(let reason)? = ended.first else { return #expect(Bool(false)) }
        #expect(reason.code == 4002)
        #expect(ended.last == .ended(.closed(reason)))
    }

    @Test mutating func aVersionNotSpokenIsRefusedWithoutAskingTheDatabase() {
        var hello = Samples.hello
        hello.versions = [7]
        let actions = link.handle(.received(.hello(hello)), at: .zero)
        guard case .send(.refused(let refused))? = actions.first else { return #expect(Bool(false)) }
        #expect(refused.code == .version)
        #expect(actions.dropFirst() == [.close(.refused), .ended(.refused(refused))])
    }

    @Test mutating func aSlowDatabaseIsSaidToTheSpokeBeforeItsOwnTimeIsUp() {
        _ = link.handle(.received(.hello(Samples.hello)), at: .zero)
        let actions = link.handle(.deadlineReached, at: .zero + Limits.handshake)
        guard case .send(.refused(let refused))? = actions.first else { return #expect(Bool(false)) }
        #expect(refused.code == .unavailable)
        #expect(link.handle(.welcome(Samples.welcome), at: .zero) == [])
    }

    @Test mutating func aReplacedLinkEndsAtOnceAndADrainedOneFinishes() {
        _ = open()
        var copy = link
        let replaced = LinkGoodbye(reason: .replaced)
        #expect(
            copy.handle(.leave(replaced), at: .zero) == [
                .send(.goodbye(replaced)), .close(.replaced), .ended(.left(replaced)),
            ]
        )
        let drain = LinkGoodbye(reason: .drain)
        #expect(link.handle(.leave(drain), at: .zero) == [.send(.goodbye(drain))])
        #expect(link.handle(.disconnected(.normal), at: .zero) == [.ended(.left(drain))])
        #expect(link.handle(.deadlineReached, at: .zero + .seconds(99)) == [])
    }
}

/// When a spoke dials.
@Suite struct ReconnectTests {
    private var keeper = ReconnectMachine()

    init() { #expect(keeper.handle(.start, at: .zero) == [.dial(elsewhere: nil)]) }

    @Test mutating func failuresWaitLongerAndLongerWithFullJitter() {
        var now = Moment.zero
        var ceiling = Limits.reconnectFirst
        for draw in UInt64(1)...12 {
            let actions = keeper.handle(.dialFailed(Fault(.unavailable, "No route."), draw: draw), at: now)
            guard case .waiting(let wait, _)? = actions.first else { return #expect(Bool(false)) }
            #expect(wait <= ceiling)
            ceiling = min(ceiling * 2, Limits.reconnectLongest)
            now = now + wait
            #expect(keeper.handle(.deadlineReached, at: now) == [.dial(elsewhere: nil)])
        }
    }

    @Test mutating func aNewerIncarnationEndsItForGood() {
        let refused = LinkRefused(code: .replaced, message: "Replaced.", retryAfterMilliseconds: nil)
        #expect(keeper.handle(.ended(.refused(refused), draw: 1), at: .zero) == [.giveUp(because: "Replaced.")])
        #expect(keeper.handle(.wake, at: .zero) == [])
        #expect(keeper.nextDeadline == nil)
    }

    @Test mutating func whoLeavesToSayHelloAnewDialsAgainAndWhoShutsDownDoesNot() {
        _ = keeper.handle(.opened, at: .zero)
        let again = keeper.handle(.ended(.left(LinkGoodbye(reason: .restart)), draw: 1), at: .zero)
        guard case .waiting(let wait, _)? = again.first else { return #expect(Bool(false)) }
        #expect(wait <= Limits.reconnectFirst)
        #expect(keeper.handle(.deadlineReached, at: .zero + wait) == [.dial(elsewhere: nil)])
        _ = keeper.handle(.opened, at: .zero + wait)
        let last = keeper.handle(.ended(.left(LinkGoodbye(reason: .shutdown)), draw: 1), at: .zero + wait)
        #expect(last == [.giveUp(because: "The spoke left: shutdown.")])
    }

    @Test(arguments: [LinkRefused.Code.diverged, .credential, .version, .invalid])
    mutating func whatAPersonMustMendIsAskedSeldom(_ code: LinkRefused.Code) {
        let refused = LinkRefused(code: code, message: "No.", retryAfterMilliseconds: nil)
        guard case .waiting(let wait, _)? = keeper.handle(.ended(.refused(refused), draw: 1), at: .zero).first else {
            return #expect(Bool(false))
        }
        #expect(wait >= Limits.reconnectRefused)
        #expect(keeper.handle(.wake, at: .zero) == [.dial(elsewhere: nil)])
    }

    @Test mutating func theHubsRetryTimeAndItsOtherAddressAreHonoured() {
        _ = keeper.handle(.opened, at: .zero)
        let goodbye = LinkGoodbye(reason: .drain, retryAfterMilliseconds: 7_000, elsewhere: "wss://b")
        let actions = keeper.handle(.ended(.goodbye(goodbye), draw: 3), at: .zero + .seconds(60))
        guard case .waiting(let wait, _)? = actions.first else { return #expect(Bool(false)) }
        #expect(wait >= .seconds(7) && wait <= .seconds(7) + Limits.reconnectFirst)
        var now = Moment.zero + .seconds(70)
        for draw in UInt64(0)..<3 {
            #expect(keeper.handle(.deadlineReached, at: now) == [.dial(elsewhere: "wss://b")])
            _ = keeper.handle(.dialFailed(Fault(.unavailable, "No."), draw: draw), at: now)
            now = now + .seconds(60)
        }
        #expect(keeper.handle(.deadlineReached, at: now) == [.dial(elsewhere: nil)])
    }

    @Test mutating func whoLeftToSayHelloAnewDialsAgain() {
        _ = keeper.handle(.opened, at: .zero)
        let left = keeper.handle(.ended(.left(LinkGoodbye(reason: .restart)), draw: 7), at: .zero)
        #expect(keeper.nextDeadline != nil, "\(left)")
    }
}
