import Foundation
import Protocol
import Testing
import Transport

/// What a spoke sees of the hub. The goal: nothing acknowledged is lost, nobody gets in twice, every end has a reason.
@Suite(.serialized)
struct LinkTests {
    @Test func aSpokeJoinsConnectsAndHandsItsJournalOver() async throws {
        let hub = try await HubUnderTest.start()
        let spoke = try await FakeSpoke.join(hub)
        await #expect(throws: Fault.self) { _ = try await FakeSpoke.join(hub, name: "second") }  // The token is used.

        let (line, welcome) = try await spoke.open(hub)
        #expect(welcome.version == 1 && welcome.journalAcknowledged.seq == 0)
        var journal = FakeJournal()
        journal.raise(100)
        line.connection.send(.append(StreamBatch(stream: .journal, records: journal.records)))
        let position = try await line.first { message in
            if case .acknowledged(let position) = message, position.seq == 100 {
                position
            } else {
                StreamPosition?.none
            }
        }
        #expect(position.stream == .journal && position.epoch == 1)
        line.connection.send(
            .heartbeat(
                LinkHeartbeat(
                    load: HostLoad(cpu: 0.5, memory: 0.5, disk: 0.5),
                    sessions: 0,
                    journalNext: 101,
                    commandsApplied: 0
                )
            )
        )
        _ = try await line.first { if case .heartbeatAcknowledged = $0 { true } else { Bool?.none } }

        // The spoke asks with its own authority, over the link.
        line.connection.send(
            .callRequested(CallRequested(requestId: "r1", operationId: "account.get", input: [:], timestamp: 0))
        )
        let answer = try await line.first { message in
            if case .callResponded(let answer) = message { answer } else { CallResponded?.none }
        }
        #expect(answer.requestId == "r1" && answer.output["meta"]?["operationId"] == "account.get")
        line.connection.send(
            .callRequested(
                CallRequested(requestId: "r2", operationId: "key.create", input: [:], timestamp: 0)
            )
        )
        let failure = try await line.first { message in
            if case .callFailed(let failure) = message { failure } else { CallFailed?.none }
        }
        #expect(failure.requestId == "r2" && failure.error.code == .accessDenied)

        // Killed and started again, the hub knows how far it was.
        #expect(await hub.stop(SIGKILL) == -9)
        let again = try await HubUnderTest.start(directory: hub.directory)
        let (_, second) = try await spoke.open(again, journal: journal.summary)
        #expect(second.journalAcknowledged.seq == 100)
        #expect(await again.stop() == 0)
    }

    @Test func aStrangerAnOldVersionAndACopyAreRefused() async throws {
        let hub = try await HubUnderTest.start()
        let stranger = FakeSpoke(id: "nobody", credential: "nave_" + String(repeating: "a", count: 52))
        await #expect(throws: Fault.self) { _ = try await stranger.dial(hub) }
        let spoke = try await FakeSpoke.join(hub)
        let empty = JournalSummary(epoch: 1, first: 1, next: 1, headHash: .origin)
        // An account's key is good for calls; it makes nobody a spoke.
        let posing = try await FakeSpoke(id: spoke.id, credential: hub.key).dial(hub)
        posing.connection.send(.hello(spoke.hello(journal: empty)))
        let turnedAway = try await posing.closing()
        #expect(turnedAway.code >= 4_000 && !turnedAway.text.isEmpty)

        let old = try await spoke.dial(hub)
        old.connection.send(.hello(spoke.hello(versions: [99], journal: empty)))
        #expect(try await Self.refusal(old).code == .version)

        // A copied data directory: the same spoke with a journal that lacks what the hub has applied.
        let (line, _) = try await spoke.open(hub)
        var journal = FakeJournal()
        journal.raise(3)
        line.connection.send(.append(StreamBatch(stream: .journal, records: journal.records)))
        _ = try await line.first { if case .acknowledged(let at) = $0, at.seq == 3 { true } else { Bool?.none } }
        let copy = try await spoke.dial(hub)
        copy.connection.send(.hello(spoke.hello(journal: empty, incarnation: "copy")))
        #expect(try await Self.refusal(copy).code == .diverged)

        // A newer start takes over; the older is told and does not come back.
        let newer = try await spoke.dial(hub)
        newer.connection.send(.hello(spoke.hello(journal: journal.summary, incarnation: "newer")))
        let goodbye = try await line.first { message in
            if case .goodbye(let goodbye) = message { goodbye } else { LinkGoodbye?.none }
        }
        #expect(goodbye.reason == .replaced)
        let late = try await spoke.dial(hub)
        late.connection.send(.hello(spoke.hello(journal: journal.summary)))
        #expect(try await Self.refusal(late).code == .replaced)

        // A message that the state does not allow closes with a code and a reason.
        let rude = try await spoke.dial(hub)
        rude.connection.send(.heartbeatAcknowledged(LinkHeartbeatAcknowledged()))
        let reason = try await rude.closing()
        #expect(reason.code >= 1002 && !reason.text.isEmpty)
        #expect(await hub.stop() == 0)
    }

    @Test func aDrainingHubSaysGoodbye() async throws {
        let hub = try await HubUnderTest.start()
        let spoke = try await FakeSpoke.join(hub)
        let (line, _) = try await spoke.open(hub)
        async let exit = hub.stop()
        let goodbye = try await line.first { message in
            if case .goodbye(let goodbye) = message { goodbye } else { LinkGoodbye?.none }
        }
        #expect(goodbye.reason == .restart && goodbye.retryAfterMilliseconds != nil)
        #expect(await exit == 0)
    }

    private static func refusal(_ line: FakeSpoke.Line) async throws -> LinkRefused {
        try await line.first { message in
            if case .refused(let refusal) = message { refusal } else { LinkRefused?.none }
        }
    }
}
