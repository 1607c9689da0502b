import Protocol
import Testing

/// Transcripts of the calls on one link. What is asked ends exactly once, and nobody is disturbed by nonsense.
@Suite struct CallMachineTests {
    private var machine = CallMachine(credit: 4, capacity: 3)

    private func request(_ id: String, idle: Int64? = nil) -> CallRequested {
        CallRequested(requestId: id, operationId: "fs.read", input: [:], idleTimeout: idle, timestamp: 0)
    }

    private func answer(_ id: String, _ output: JSONValue = ["data": 1]) -> CallResponded {
        CallResponded(requestId: id, output: output, timestamp: 0)
    }

    private func end(_ id: String) -> CallEnded { CallEnded(requestId: id, timestamp: 0) }

    @discardableResult
    private mutating func ask(_ id: String, stream: Bool = false, deadline: Moment? = nil, idle: Int64? = nil)
        -> [CallMachine.Action]
    {
        machine.handle(.ask(CallAsk(request(id, idle: idle), isStream: stream, deadline: deadline)), at: .zero)
    }

    private mutating func hear(_ message: CallMessage, at now: Moment = .zero) -> [CallMachine.Action] {
        machine.handle(.received(message), at: now)
    }

    private func code(_ actions: [CallMachine.Action], of id: String) -> Fault.Code? {
        for case .finished(id, .failed(let error)) in actions { return error.code }
        return nil
    }

    @Test mutating func anAnswerEndsACallAndASecondOneIsIgnored() {
        #expect(ask("a") == [.send(.requested(request("a")))])
        #expect(hear(.responded(answer("a"))) == [.finished(requestId: "a", .answered(["data": 1]))])
        #expect(hear(.responded(answer("a"))) == [.ignored(requestId: "a")])
        #expect(
            hear(.failed(CallFailed(requestId: "zzz", error: .init(.init(.unknown, "x")), timestamp: 0))) == [
                .ignored(requestId: "zzz")
            ]
        )
        #expect(machine.askedCount == 0)
    }

    @Test mutating func anIdThatLeavesNoRoomForAnAnswerIsAnsweredCut() {
        let id = String(repeating: "\u{1}", count: Limits.frameBytes / 6 - 100)
        guard case .refuse(let shown, let error) = hear(.requested(request(id))).first else {
            Issue.record("It was taken.")
            return
        }
        #expect(error.code == .validation && shown.utf8.count <= Limits.requestIdBytes)
        #expect(hear(.requested(request(String(repeating: "i", count: 600_000)))).count == 1)
    }

    @Test mutating func theSameIdTwiceOrTooManyAreObstacles() {
        ask("a")
        #expect(machine.obstacle(toAsking: "a")?.code == .conflict)
        ask("b")
        ask("c")
        #expect(machine.obstacle(toAsking: "d")?.code == .rateLimited)
        _ = hear(.responded(answer("b")))
        #expect(machine.obstacle(toAsking: "d") == nil)
        _ = machine.handle(.ended, at: .zero)
        #expect(machine.obstacle(toAsking: "d")?.code == .spokeDisconnected)
    }

    @Test mutating func aDeadlineAbortsTheCallAtItsSource() {
        ask("a", deadline: .zero + .seconds(2))
        ask("b", deadline: .zero + .seconds(1))
        #expect(machine.nextDeadline == .zero + .seconds(1))
        let actions = machine.handle(.deadlineReached, at: .zero + .seconds(1))
        #expect(actions.first == .abort(requestId: "b") && code(actions, of: "b") == .timeout)
        #expect(machine.nextDeadline == .zero + .seconds(2))
        #expect(hear(.responded(answer("b"))) == [.ignored(requestId: "b")])
        #expect(hear(.responded(answer("a"))) == [.finished(requestId: "a", .answered(["data": 1]))])
        // Too early or for nothing is harmless.
        #expect(machine.handle(.deadlineReached, at: .zero + .seconds(3)) == [])
        #expect(machine.nextDeadline == nil)
    }

    @Test mutating func aSubscriptionThatSaysNothingIsGivenUpAndAValueStartsItsTimeAnew() {
        ask("s", stream: true, idle: 1_000)
        #expect(
            hear(.responded(answer("s")), at: .zero + .milliseconds(900)) == [
                .deliver(requestId: "s", ["data": 1])
            ]
        )
        #expect(machine.handle(.deadlineReached, at: .zero + .seconds(1)) == [])
        let actions = machine.handle(.deadlineReached, at: .zero + .milliseconds(1_900))
        #expect(actions.first == .abort(requestId: "s") && code(actions, of: "s") == .timeout)
    }

    @Test mutating func aProviderThatSendsMoreThanItsCreditIsCutOff() {
        ask("s", stream: true)
        for _ in 0..<4 { #expect(hear(.responded(answer("s"))).count == 1) }
        #expect(
            machine.handle(.taken(requestId: "s", values: 1), at: .zero) == [.grant(requestId: "s", values: 1)]
        )
        #expect(hear(.responded(answer("s"))) == [.deliver(requestId: "s", ["data": 1])])
        let actions = hear(.responded(answer("s")))
        #expect(actions.first == .abort(requestId: "s") && code(actions, of: "s") == .execution)
        #expect(hear(.completed(end("s"))) == [.ignored(requestId: "s")])
    }

    @Test mutating func theIdleTimeStandsStillWhileTheProviderMaySayNothing() {
        ask("s", stream: true, idle: 1_000)
        for _ in 0..<4 { _ = hear(.responded(answer("s"))) }
        // The consumer dawdles: no fault of the provider's.
        #expect(machine.handle(.deadlineReached, at: .zero + .seconds(60)) == [])
        _ = machine.handle(.taken(requestId: "s", values: 2), at: .zero + .seconds(60))
        #expect(machine.nextDeadline == .zero + .seconds(61))
        let actions = machine.handle(.deadlineReached, at: .zero + .seconds(61))
        #expect(actions.first == .abort(requestId: "s") && code(actions, of: "s") == .timeout)
    }

    @Test mutating func anIdleTimeOfAnyLengthIsOneThatTheTimelineHolds() {
        ask("s", stream: true, idle: .max)
        ask("t", stream: true, idle: .min)
        #expect(machine.nextDeadline == .zero + .milliseconds(1))
        _ = machine.handle(.deadlineReached, at: .zero + .milliseconds(1))
        #expect(machine.nextDeadline == Moment.zero + Limits.idleTimeoutLongest)
    }

    @Test func durationsEndWhereTheirNumbersDo() {
        #expect(
            Duration.milliseconds(Int64.max).nanoseconds == .max && Duration.seconds(Int64.min).milliseconds == .min
        )
        #expect(Duration.milliseconds(1_500).milliseconds == 1_500 && Duration.microseconds(-3).nanoseconds == -3_000)
        #expect((Moment(nanoseconds: .max) + .seconds(1)).nanoseconds == .max)
        #expect((Moment(nanoseconds: .min) - Moment(nanoseconds: .max)).nanoseconds == .min)
    }

    @Test mutating func aValueBeyondTheConsumersCreditEndsItsCallAndNoMore() {
        _ = hear(.requested(request("s")))
        for _ in 0..<4 {
            #expect(machine.handle(.answered(answer("s"), isLast: false), at: .zero).count == 1)
        }
        let actions = machine.handle(.answered(answer("s"), isLast: false), at: .zero)
        #expect(actions.first == .cancel(requestId: "s") && actions.count == 2 && machine.answeringCount == 0)
        #expect(machine.handle(.answered(answer("s"), isLast: true), at: .zero) == [])
    }

    @Test mutating func aSubscriptionEndsByItsNaturalEndAndACallDoesNot() {
        ask("s", stream: true)
        ask("a")
        #expect(hear(.completed(end("s"))) == [.finished(requestId: "s", .completed)])
        #expect(code(hear(.completed(end("a"))), of: "a") == .execution)
    }

    @Test mutating func whatIsRecalledIsOverAtOnceAndItsProviderHasTheLastWord() {
        let until = Moment.zero + .seconds(5)
        let aborted = CallError(Fault(.aborted, "Stopped.", details: ["outcome": "stopped"]))
        ask("a")
        let actions = machine.handle(.recall(requestId: "a", until: until), at: .zero)
        #expect(actions.first == .recall(requestId: "a") && code(actions, of: "a") == .aborted)
        #expect(machine.askedCount == 0 && machine.obstacle(toAsking: "a")?.code == .conflict)
        #expect(machine.handle(.giveUp(requestId: "a"), at: .zero) == [])
        let word = CallMessage.failed(CallFailed(requestId: "a", error: aborted, timestamp: 0))
        #expect(hear(word) == [.proven(requestId: "a", .failed(aborted))])
        #expect(hear(word) == [.ignored(requestId: "a")] && machine.obstacle(toAsking: "a") == nil)
        // What was answered meanwhile is a word, too; values of a subscription are none.
        ask("b")
        ask("s", stream: true)
        for id in ["b", "s"] { _ = machine.handle(.recall(requestId: id, until: until), at: .zero) }
        #expect(hear(.responded(answer("s"))) == [])
        #expect(hear(.responded(answer("b"))) == [.proven(requestId: "b", .answered(["data": 1]))])
        #expect(hear(.completed(end("s"))) == [.proven(requestId: "s", .completed)])
        // Who says nothing is waited for no longer than this, and not beyond the link.
        ask("c")
        ask("d", deadline: until)
        for id in ["c", "d"] {
            _ = machine.handle(.recall(requestId: id, until: id == "c" ? until : until + .seconds(9)), at: .zero)
        }
        #expect(machine.handle(.deadlineReached, at: until) == [.proven(requestId: "c", nil)])
        #expect(machine.handle(.ended, at: until) == [.proven(requestId: "d", nil)])
        // What had ended before is no news.
        let late = machine.handle(.recall(requestId: "a", until: until), at: until)
        #expect(late == [.proven(requestId: "a", .completed)])
    }

    @Test mutating func whoGivesUpIsToldOnceAndTheProviderToo() {
        ask("a")
        let actions = machine.handle(.giveUp(requestId: "a"), at: .zero)
        #expect(actions.first == .abort(requestId: "a") && code(actions, of: "a") == .aborted)
        #expect(machine.handle(.giveUp(requestId: "a"), at: .zero) == [])
        ask("b")
        #expect(code(hear(.aborted(end("b"))), of: "b") == .aborted)
    }

    @Test mutating func thePeersCallIsBegunOnceAndAnsweredOnce() {
        #expect(hear(.requested(request("p"))) == [.begin(request("p"), credit: 4)])
        guard case .refuse("p", let error)? = hear(.requested(request("p"))).first else {
            Issue.record("A second call with the id was begun.")
            return
        }
        #expect(error.code == .conflict)
        #expect(
            machine.handle(.answered(answer("p"), isLast: true), at: .zero) == [.send(.responded(answer("p")))]
        )
        #expect(machine.handle(.answered(answer("p"), isLast: true), at: .zero) == [])
        #expect(machine.answeringCount == 0)
    }

    @Test mutating func creditIsHandedOnAndNeverWithoutEnd() {
        _ = hear(.requested(request("p")))
        #expect(hear(.credit(CallCredit(requestId: "p", values: 2))) == [.allow(requestId: "p", values: 2)])
        guard case .allow("p", let most)? = hear(.credit(CallCredit(requestId: "p", values: .max))).first else {
            Issue.record("Credit was not handed on.")
            return
        }
        #expect(most <= 1 << 16)
        #expect(hear(.credit(CallCredit(requestId: "p", values: 1))) == [])
        #expect(hear(.credit(CallCredit(requestId: "zzz", values: 1))) == [.ignored(requestId: "zzz")])
    }

    @Test mutating func anAbortCancelsAndNothingIsSentAfterIt() {
        _ = hear(.requested(request("p")))
        #expect(hear(.aborted(end("p"))) == [.cancel(requestId: "p")])
        #expect(machine.handle(.answered(answer("p"), isLast: false), at: .zero) == [])
        #expect(machine.handle(.completed(end("p")), at: .zero) == [])
        #expect(hear(.aborted(end("p"))) == [.ignored(requestId: "p")])
    }

    @Test mutating func oneIdInBothDirectionsIsTwoCalls() {
        _ = hear(.requested(request("x")))
        ask("x")
        // The inner one is over; the outer one is answered by whoever runs it.
        #expect(code(hear(.aborted(end("x"))), of: "x") == .aborted)
        #expect(machine.answeringCount == 1)
        #expect(machine.handle(.answered(answer("x"), isLast: true), at: .zero).count == 1)
    }

    @Test mutating func tooManyOfThePeersCallsAreRefused() {
        for id in ["1", "2", "3"] { _ = hear(.requested(request(id))) }
        guard case .refuse("4", let error)? = hear(.requested(request("4"))).first else {
            Issue.record("A call over the limit was begun.")
            return
        }
        #expect(error.code == .rateLimited && error.retryable)
    }

    @Test mutating func theEndOfTheLinkEndsEverythingOnce() {
        ask("a")
        ask("s", stream: true)
        _ = hear(.requested(request("p")))
        let actions = machine.handle(.ended, at: .zero)
        #expect(code(actions, of: "a") == .spokeDisconnected && code(actions, of: "s") == .spokeDisconnected)
        #expect(actions.last == .cancel(requestId: "p"))
        #expect(machine.handle(.ended, at: .zero) == [])
        #expect(hear(.requested(request("q"))) == [])
        #expect(machine.nextDeadline == nil)
    }
}
