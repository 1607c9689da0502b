import HubCore
import Protocol
import Testing

/// Who gets a session, who waits, and what is said of those that were ruled out.
struct PlacementTests {
    private func spoke(_ id: SpokeID, slots: Int = 4, busy: Int = 0, _ change: (inout SpokeFacts) -> Void = { _ in })
        -> SpokeFacts
    {
        var facts = SpokeFacts(id: id, name: "spoke-\(id)", isConnected: true, slots: slots, busy: busy)
        change(&facts)
        return facts
    }

    private let ask = PlacementAsk(projectId: "p")

    @Test func aWarmSpokeComesFirstThenTheLeastLoaded() {
        let (cold, warm) = (spoke("a"), spoke("b", busy: 3) { $0.isWarm = true })
        #expect(Placement.decide(ask, among: [cold, warm]) == .place("b"))
        #expect(
            Placement.decide(ask, among: [spoke("a", slots: 4, busy: 2), spoke("b", slots: 8, busy: 3)]) == .place("b")
        )
        #expect(Placement.decide(ask, among: [spoke("b"), spoke("a")]) == .place("a"))
    }

    @Test func everyObstacleHasItsWord() {
        let cases: [(SpokeFacts, SpokeRefusal.Reason, String)] = [
            (
                spoke("a") { ($0.isConnected, $0.disconnectedSince) = (false, "2026-01-01") }, .disconnected,
                "2026-01-01"
            ),
            (spoke("a") { $0.isDraining = true }, .draining, "draining"),
            (spoke("a") { $0.pausedReason = "night" }, .paused, "night"),
            (spoke("a", slots: 2, busy: 2), .slots, "2 of 2"),
            (spoke("a") { $0.projectId = "other" }, .project, "another project"),
            (spoke("a") { $0.isTrusted = false }, .project, "organisation"),
            (spoke("a") { $0.load = HostLoad(cpu: 0, memory: 0, disk: 0.99) }, .disk, "99 %"),
        ]
        for (facts, reason, words) in cases {
            let refusal = Placement.refusal(of: facts, for: ask)
            #expect(refusal?.reason == reason)
            #expect(refusal?.message.contains(words) == true, "\(reason)")
            #expect(Placement.decide(ask, among: [facts]) == .wait([refusal].compactMap { $0 }))
        }
        let labelled = PlacementAsk(projectId: "p", target: SpokeTarget(labels: ["gpu": "yes"]))
        #expect(Placement.refusal(of: spoke("a"), for: labelled)?.reason == .labels)
        #expect(
            Placement.decide(labelled, among: [spoke("a"), spoke("b") { $0.labels = ["gpu": "yes"] }]) == .place("b")
        )
    }

    @Test func anAgentRunsOnlyWhereItIsSetUp() {
        let (plain, coder) = (spoke("a"), spoke("b", busy: 3) { $0.agents = [AgentOffer(name: "coder")] })
        let ask = PlacementAsk(projectId: "p", agent: WantedAgent(name: "coder"))
        #expect(Placement.decide(ask, among: [plain, coder]) == .place("b"))
        #expect(Placement.refusal(of: plain, for: ask)?.reason == .agent)
        #expect(Placement.missingAgent(ask, among: [plain, coder]) == nil)
        let misspelt = PlacementAsk(projectId: "p", agent: WantedAgent(name: "coda"))
        #expect(Placement.decide(misspelt, among: [plain]) == .wait(Placement.refusals(misspelt, among: [plain])))
        #expect(Placement.refusal(of: coder, for: misspelt)?.message == "It has no agent “coda”, but coder.")
        #expect(Placement.missingAgent(misspelt, among: [plain, coder])?.contains("“coder”") == true)
        let again = PlacementAsk(projectId: "p", agent: WantedAgent(name: "coder", resumes: true))
        #expect(Placement.refusal(of: coder, for: again)?.message.contains("cannot take up") == true)
        let able = spoke("c") { $0.agents = [AgentOffer(name: "coder", resumes: true)] }
        #expect(Placement.decide(again, among: [coder, able]) == .place("c"))
        #expect(WantedAgent(RunOrder(command: ["true"])) == nil)
    }

    @Test func aSpokeThatIsNotThereIsNamedFirst() {
        let ask = PlacementAsk(projectId: "p", target: SpokeTarget(spokeName: "nowhere"))
        guard case .wait(let refusals) = Placement.decide(ask, among: [spoke("a")]) else {
            Issue.record("placed on a spoke that was not asked for")
            return
        }
        #expect(refusals.map(\.reason) == [.unknown, .notTargeted])
        let pinned = PlacementAsk(projectId: "p", pinned: "b")
        #expect(Placement.decide(pinned, among: [spoke("a"), spoke("b", busy: 3)]) == .place("b"))
    }

    @Test func waitingIsByPriorityThenFairThenByAge() {
        func waiting(_ id: SessionID, _ project: ProjectID, _ priority: Int, _ age: Int64) -> WaitingSession {
            WaitingSession(sessionId: id, projectId: project, priority: priority, age: age)
        }
        let queue = [
            waiting("a1", "a", 1, 1), waiting("a2", "a", 1, 2), waiting("a3", "a", 1, 3), waiting("b1", "b", 1, 4),
            waiting("u", "a", 3, 9),
        ]
        #expect(WaitingOrder.sorted(queue, running: [:]).map(\.sessionId) == ["u", "a1", "b1", "a2", "a3"])
        #expect(WaitingOrder.sorted(queue, running: ["a": 5]).map(\.sessionId) == ["u", "b1", "a1", "a2", "a3"])
    }

    @Test func branchNamesFollowGitsRules() {
        #expect(BranchName.suggested(for: "Fix  the Login page!") == "wt/fix-the-login-page")
        #expect(BranchName.suggested(for: "--force") == "wt/force")
        #expect(BranchName.suggested(for: "!!!") == nil)
        #expect(BranchName.suggested(for: "a..b.lock") == nil)
        for good in ["main", "wt/a", "feature/x-1", "a.b", "ü"] { #expect(BranchName.violation(of: good) == nil) }
        for bad in [
            "", "-x", "@", "HEAD", "a b", "a~1", "a^", "a:b", "a?", "a*", "a[", "a\\b", "a..b", "a@{1}", "a.", "/a",
            "a/", "a//b", ".a", "a/.b", "a.lock", "a/b.lock", "a\u{7f}", "a\nb", String(repeating: "x", count: 201),
        ] { #expect(BranchName.violation(of: bad) != nil, "\(bad)") }
    }
}

/// What a hello makes of what the hub believes.
struct ReconciliationTests {
    private func summary(_ id: SessionID, fence: Int64 = 1, _ state: SessionSummary.State = .running) -> SessionSummary
    {
        SessionSummary(sessionId: id, fence: fence, state: state, pid: 1, startedAt: nil)
    }

    private func known(
        _ id: SessionID,
        fence: Int64 = 1,
        _ state: Reconciliation.KnownSession.State,
        taken: Bool = true
    ) -> Reconciliation.KnownSession {
        .init(sessionId: id, fence: fence, state: state, isOrderTaken: taken)
    }

    @Test func everyPairOfBeliefsHasAVerdict() {
        let cases: [(SessionSummary, Reconciliation.KnownSession?, SessionVerdict.Verdict)] = [
            (summary("s"), known("s", .here), .adopt),
            (summary("s", .preparing), known("s", .here), .adopt),
            (summary("s", .ended), known("s", .here), .adopt),
            (summary("s", fence: 1), known("s", fence: 2, .here), .stop),
            (summary("s", fence: 3), known("s", fence: 2, .here), .unknown),
            (summary("s"), known("s", .ended), .stop),
            (summary("s", .ended), known("s", .ended), .adopt),
            (summary("s", fence: 1, .ended), known("s", fence: 2, .ended), .stop),
            (summary("s"), known("s", .elsewhere), .stop),
            (summary("s"), nil, .unknown),
        ]
        for (reported, believed, verdict) in cases {
            let outcome = Reconciliation.compare(reported: [reported], known: believed.map { [$0] } ?? [])
            #expect(outcome.verdicts == [SessionVerdict(sessionId: "s", verdict: verdict)])
            #expect(outcome.owed.isEmpty)
        }
    }

    @Test func onlyWhatWasOrderedTakenAndNotNamedIsOwed() {
        let outcome = Reconciliation.compare(
            reported: [summary("named")],
            known: [
                known("named", .here), known("missing", .here), known("not-taken", .here, taken: false),
                known("ended", .ended), known("moved", .elsewhere),
            ]
        )
        #expect(outcome.owed == ["missing"])
    }

    private func hello(
        _ incarnation: String = "new",
        epoch: Int64 = 1,
        first: Int64 = 1,
        next: Int64,
        head: ChainHash = .origin,
        versions: [Int] = [1]
    ) -> LinkHello {
        LinkHello(
            versions: versions,
            spokeId: "a",
            name: "a",
            incarnation: incarnation,
            bootId: "b",
            spokeType: .compute,
            hostInfo: HostInfo(
                os: "",
                arch: "",
                cpus: 1,
                memoryBytes: 1,
                diskFreeBytes: 1,
                gitVersion: "",
                spokeVersion: ""
            ),
            labels: [:],
            slots: 1,
            draining: false,
            journal: JournalSummary(epoch: epoch, first: first, next: next, headHash: head),
            commands: .start(of: 1),
            operations: OperationsSummary(hash: ""),
            sessions: [],
            worktrees: []
        )
    }

    @Test func aHelloIsTakenOnlyAsTheContinuationOfWhatIsKnown() {
        let hash = ChainHash.origin.appending([1])
        let known = SpokeAdmission.Known(
            incarnation: "now",
            formerIncarnations: ["old"],
            journal: StreamMark(epoch: 2, seq: 5, hash: hash)
        )
        func code(_ hello: LinkHello) -> LinkRefused.Code? {
            guard case .refuse(let refusal) = SpokeAdmission.decide(hello, known: known) else { return nil }
            return refusal.code
        }
        #expect(code(hello("now", epoch: 2, next: 6, head: hash)) == nil)
        #expect(code(hello("new", epoch: 2, first: 6, next: 9)) == nil)
        #expect(code(hello("old", epoch: 2, next: 6, head: hash)) == .replaced)
        #expect(code(hello(epoch: 1, next: 9)) == .diverged)
        #expect(code(hello(epoch: 2, next: 5)) == .diverged)
        #expect(code(hello(epoch: 2, next: 6, head: .origin)) == .diverged)
        #expect(code(hello(epoch: 2, first: 7, next: 9)) == .diverged)
        #expect(code(hello(epoch: 3, first: 2, next: 9)) == .diverged)
        #expect(code(hello(epoch: 2, next: 6, head: hash, versions: [2])) == .version)
        #expect(code(hello(epoch: 2, first: 9, next: 6)) == .invalid)
        #expect(code(hello("", epoch: 2, next: 6, head: hash)) == .invalid)
        guard case .admit(let mark, let lost?) = SpokeAdmission.decide(hello(epoch: 3, next: 4), known: known) else {
            Issue.record("a new epoch was not taken in, or without a word of what is lost")
            return
        }
        #expect(mark == .start(of: 3))
        #expect(lost.contains("record 5"))
        #expect(SpokeAdmission.formerIncarnations(known, after: "new") == ["old", "now"])
        #expect(SpokeAdmission.formerIncarnations(known, after: "now") == ["old"])
    }

    @Test func lifecyclesHaveNoWayBack() {
        for status in MappingStatus.allCases where status != .active {
            #expect(MappingLifecycle.mayBecome(status, from: .active))
            for next in MappingStatus.allCases { #expect(!MappingLifecycle.mayBecome(next, from: status)) }
        }
        #expect(MappingLifecycle.outcome(of: .exited, exitCode: 0) == .completed)
        #expect(MappingLifecycle.outcome(of: .exited, exitCode: 1) == .failed)
        #expect(MappingLifecycle.outcome(of: .aborted, exitCode: nil) == .aborted)
        #expect(!MappingLifecycle.agree(.busy, endedFor: nil, exitCode: nil, mapping: .completed))
        #expect(!MappingLifecycle.agree(.idle, endedFor: .exited, exitCode: 0, mapping: .active))
        #expect(!SessionLifecycle.mayBecome(.busy, from: .archived))
    }
}
