import Foundation
import HubCore
import Logging
import Postgres
import Protocol
import Synchronization
import TestSupport
import Testing

@testable import HubDomains

/// The graph waits for the database; callers of queries do not.
@Suite(.timeLimit(.minutes(5))) struct CallOutageTests {
    /// A recorder whose database is nowhere.
    static func lost() -> CallRecorder {
        var configuration = DatabaseConfiguration("host='/nonexistent/nave' dbname=nowhere")
        configuration.waitLongest = .milliseconds(50)
        let database = Database(configuration, logger: .quiet)
        return CallRecorder(
            store: CallStore(database: database),
            settings: SettingStore(database: database),
            hub: "hub-1",
            logger: .quiet
        )
    }

    static let caller = Caller(Principal(identity: Identity(id: "a", scopes: []), accountId: "a"))

    @Test func whileTheDatabaseIsAwayMutationsAreRefusedAndQueriesPass() async throws {
        let recorder = Self.lost()
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await recorder.run() }
            for _ in 0..<100 {
                let call = try? await recorder.open(
                    CallStage.query,
                    input: .value(1),
                    by: Caller(Self.caller.principal)
                )
                #expect(call != nil)
                if let call { recorder.close(call, .answered([49])) }
            }
            let refused = await #expect(throws: Fault.self) {
                try await recorder.open(CallStage.mutation, input: .value(1), by: Self.caller)
            }
            #expect(refused?.code == .unavailable && refused?.details?["retryAfterMilliseconds"] != nil)
            #expect(recorder.running.count == 0)
            #expect(recorder.counts.written.load(ordering: .relaxed) == 0)
            // Whoever stops it now gives up what it holds, and it is counted.
            group.cancelAll()
        }
        #expect(recorder.counts.dropped.load(ordering: .relaxed) >= 100)
        #expect(recorder.counts.waiting.load(ordering: .relaxed) == 0)
    }

    @Test func whatWaitsIsBoundedAndTheRestIsCounted() async throws {
        // Nobody runs it: nothing is ever written.
        let recorder = Self.lost()
        let output = CallOutcome.answered([UInt8](repeating: 48, count: Limits.callPayloadBytes))
        let most = Limits.callRecordBytesWaiting / Limits.callPayloadBytes
        for _ in 0..<(most + 500) {
            let call = try await recorder.open(CallStage.query, input: nil, by: Caller(Self.caller.principal))
            recorder.close(call, output)
        }
        let (waiting, dropped) = (
            recorder.counts.waiting.load(ordering: .relaxed), recorder.counts.dropped.load(ordering: .relaxed)
        )
        #expect(waiting + dropped == most + 500 && dropped >= 500)
        #expect(recorder.counts.waitingBytes.load(ordering: .relaxed) <= Limits.callRecordBytesWaiting)
        for _ in 0..<100 {
            let call = try await recorder.open(CallStage.query, input: nil, by: Caller(Self.caller.principal))
            recorder.close(call, output)
        }
        #expect(recorder.counts.dropped.load(ordering: .relaxed) == dropped + 100)
    }

    @Test func whatWasSaidWhileTheDatabaseStoodStillIsWrittenAfterwards() async throws {
        try await CallStage.with { stage in
            // A lock that the writer must wait for stands for a database that does not get on.
            try await stage.hub.database.transaction { transaction async throws(Fault) in
                try await transaction.execute(
                    Statement<Void>("LOCK TABLE nave.call_graph_nodes IN ACCESS EXCLUSIVE MODE")
                )
                do {
                    for number in 0..<2_000 { try await stage.made("stuck-\(number)") }
                } catch {
                    throw Fault(.execution, "\(error)")
                }
            }
            #expect(try await stage.nodes() == 2_000)
        }
    }
}
