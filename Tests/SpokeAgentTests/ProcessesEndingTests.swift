import Foundation
import Protocol
import SpokeAgent
import Testing

/// A zoo of badly behaved children. None may outlive its session; each is found by its environment, not by its parents.
@Suite struct ProcessesEndingTests {
    let stage: ProcessesStage

    init() throws { stage = try ProcessesStage() }

    /// Starts a script, waits until it says `ready`, stops it, and expects proof that nothing is left.
    private func expectStopped(
        _ script: String,
        grace: Duration = .milliseconds(150),
        cgroup: String? = nil
    ) async throws -> AbortOutcome {
        var spec = stage.spec(["sh", "-c", script])
        spec.cgroup = cgroup
        let process = try await stage.start(spec)
        try await stage.wait(for: "ready", from: process)
        let outcome = try await process.stop(grace: grace)
        #expect(outcome.outcome == .stopped)
        #expect(outcome.remaining.isEmpty)
        #expect(try stage.survivors().isEmpty)
        return outcome
    }

    @Test func anObedientProcessStopsAtTheInterrupt() async throws {
        let outcome = try await expectStopped("echo ready; exec sleep 60", grace: .seconds(20))
        #expect(outcome.processes.count == 1)
        #expect(outcome.processes.first?.command.hasSuffix("sleep 60") == true)
        #expect(outcome.waitedMilliseconds < 10_000)
        let end = try await adoptedEnd()
        #expect(end.reason == .aborted)
        #expect(end.exitSignal == SIGINT)
    }

    @Test func aProcessThatIgnoresEverythingItCanIsKilled() async throws {
        _ = try await expectStopped("trap '' INT TERM HUP; echo ready; while :; do sleep 60; done")
        #expect(try await adoptedEnd().exitSignal == SIGKILL)
    }

    @Test func aDaemonDoesNotEscape() async throws {
        let outcome = try await expectStopped(
            """
            perl -e 'use POSIX; if (!fork) { setsid; if (!fork) { close $_ for *STDIN, *STDOUT, *STDERR;
              $SIG{$_} = "IGNORE" for qw(INT TERM HUP); sleep 60 while 1; } exit } wait'
            trap '' INT TERM; echo ready; while :; do sleep 60; done
            """
        )
        #expect(outcome.processes.count >= 2)
    }

    @Test func aStoppedChildIsEndedToo() async throws {
        _ = try await expectStopped("sleep 60 & kill -STOP $!; echo ready; wait")
    }

    @Test func aTreeOfForkersIsEnded() async throws {
        // Everybody forks as fast as it can, up to a few hundred at once; some leave their parents behind at once.
        _ = try await expectStopped(
            """
            exec perl -e '$|=1; $SIG{$_}="IGNORE" for qw(INT TERM); print "ready\\n"; $SIG{CHLD}="IGNORE";
              while (1) { my $c = fork; if (!defined $c) { select undef,undef,undef,0.01; next }
                if (!$c) { if (!fork) { select undef,undef,undef,0.3; exit } exit } select undef,undef,undef,0.002 }'
            """,
            grace: .milliseconds(300)
        )
    }

    @Test func aProcessThatIsReplacedByItsChildAllTheTimeIsCaught() async throws {
        _ = try await expectStopped(
            """
            perl -e '$SIG{$_}="IGNORE" for qw(INT TERM); exit if fork; while (1) { exit if fork }' >/dev/null 2>&1
            echo ready; exec sleep 60
            """
        )
    }

    @Test func whatOutlivesTheLeaderIsSweptAndNamed() async throws {
        let end = try await stage.run(
            shell: "(trap '' TERM; sleep 61; sleep 62) & echo $!; setsid sleep 63 & echo $!; exit 6"
        )
        #expect(end.exitCode == 6)
        #expect(end.reason == .exited)
        let left = try stage.text(.stdout).split(separator: "\n").compactMap { Int32($0) }
        #expect(left.count == 2)
        #expect(Set(end.swept.map(\.pid)).isSuperset(of: left))
        #expect(end.swept.allSatisfy { !$0.command.isEmpty })
        #expect(end.remaining.isEmpty)
        #expect(try stage.survivors().isEmpty)
    }

    @Test func aControlGroupEndsEverythingInOneStroke() async throws {
        let cgroups = try #require(Cgroups.find(), "Run this where control groups can be made, or as root.")
        let group = try #require(cgroups.make(for: SessionID(stage.root)))
        defer { Cgroups.remove(group) }
        _ = try await expectStopped(
            """
            grep -q nave /proc/self/cgroup || exit 1
            perl -e '$SIG{$_}="IGNORE" for qw(INT TERM); exit if fork; while (1) { exit if fork }' >/dev/null 2>&1
            echo ready; exec sleep 60
            """,
            cgroup: group
        )
        Cgroups.remove(group)
        #expect(access(group, F_OK) != 0)
    }

    @Test func aSecondStopHastens() async throws {
        let process = try await stage.start(shell: "trap '' INT TERM; echo ready; while :; do sleep 60; done")
        try await stage.wait(for: "ready", from: process)
        async let first = process.stop(grace: .seconds(60))
        try await stage.eventually("the ladder has begun") { stage.folder().events().count > 1 }
        async let second = process.stop(grace: .seconds(60))
        try await stage.eventually("the second step was taken") { stage.folder().events().count > 1 }
        async let third = process.stop(grace: .seconds(60))
        let outcomes = try await [first, second, third]
        #expect(outcomes.allSatisfy { $0.outcome == .stopped && $0.waitedMilliseconds < 30_000 })
    }

    @Test func stoppingWhatHasEndedAnswersAtOnce() async throws {
        let process = try await stage.start(shell: "exit 0")
        _ = try await stage.end(of: process)
        let outcome = try await process.stop(grace: .seconds(60))
        #expect(outcome.outcome == .stopped)
        #expect(outcome.processes.isEmpty)
    }

    @Test func theTimeLimitHoldsWithNobodyConnected() async throws {
        var spec = stage.spec(["sh", "-c", "trap '' INT TERM; while :; do sleep 60; done"])
        spec.timeoutSeconds = 1
        spec.timeoutGrace = .milliseconds(100)
        let process = try await stage.start(spec)
        process.abandon()
        try await stage.eventually("the session has ended") { stage.folder().events().contains { $0.isFinished } }
        let end = try await adoptedEnd()
        #expect(end.reason == .timeout)
        #expect(end.exitSignal == SIGKILL)
        #expect(try stage.survivors().isEmpty)
    }

    private func adoptedEnd() async throws -> ProcessEnd {
        guard case .finished(let end) = try await SupervisedProcess.adopt(stage.folder()) else {
            throw Fault(.unknown, "The session has not ended.")
        }
        return end
    }
}
