import Foundation
import HubDomains
import Logging
import Postgres
import Protocol
import Synchronization

/// What recording the call graph costs: calls that do nothing but leave their node, until the last one is committed.
///
/// The recorder, its Postgres and the callers share the machine, as they do in a hub; the server waits for the disk.
/// Beside the rate stands the processor time that this process spent on each call: what a call gets dearer by.
struct CallRecordBenchmark {
    private let settings: BenchSettings
    private static let tasks = 64
    /// What the product promises for recorded calls, the calls themselves included.
    private static let promised = 15_000.0

    init(_ settings: BenchSettings) { self.settings = settings }

    func figures() async throws -> [Figure] {
        try await BenchServer.with(settings.scratch + "/recorder", series)
    }

    private func series(on server: BenchServer) async throws -> [Figure] {
        // It names the operations, too.
        let hub = try server.startHub()
        _ = try hub.firstLine()
        hub.stop()
        let database = Database(DatabaseConfiguration(server.address(of: "hub")), logger: server.logger)
        let account = try await database.first(Statement<AccountID>("SELECT id FROM nave.accounts LIMIT 1")) ?? "none"
        let caller = Principal(identity: Identity(id: account.rawValue, scopes: ["*"]), accountId: account)
        var figures: [Figure] = []
        for (name, subject) in [
            ("queries, behind the answer", CallSubject(operationId: "project.list", kind: .query)),
            (
                "mutations, \(Self.tasks) at a time, before and after",
                CallSubject(operationId: "project.create", kind: .mutation)
            ),
        ] {
            var (rates, costs): ([Double], [Double]) = ([], [])
            for _ in 0..<settings.rounds {
                let run = try await slice(subject, as: caller, on: database, server.logger)
                rates.append(run.rate)
                costs.append(run.microseconds)
            }
            figures.append(
                Figure(
                    "calls recorded: \(name)",
                    String(format: "%.0f /s, %.1f µs of this process each", rates.median, costs.median),
                    against: String(format: "promised with the call itself: %.0f", Self.promised),
                    ratio: rates.median / Self.promised,
                    subject.kind == .query ? .atLeast(1) : .none
                )
            )
        }
        await database.close()
        return figures
    }

    private func slice(
        _ subject: CallSubject,
        as principal: Principal,
        on database: Database,
        _ logger: Logger
    ) async throws -> (rate: Double, microseconds: Double) {
        let recorder = CallDomain(database: database, hub: .random(), logger: logger).recorder
        let input = Array(#"{"path":"Sources/Hub/Main/Hub.swift","from":0,"bytes":4096,"encoding":"utf8"}"#.utf8)
        let output = Array(#"{"text":"\#(String(repeating: "x", count: 200))","end":200,"size":200}"#.utf8)
        let (began, clock) = (ContinuousClock.now, Self.processorSeconds())
        let end = began + .seconds(settings.seconds)
        let calls = try await withThrowingTaskGroup(of: Int.self) { group in
            group.addTask {
                await recorder.run()
                return 0
            }
            let calls = try await withThrowingTaskGroup(of: Int.self) { callers in
                for _ in 0..<Self.tasks {
                    callers.addTask {
                        var made = 0
                        while ContinuousClock.now < end {
                            let call = try await recorder.open(subject, input: .json(input), by: Caller(principal))
                            recorder.close(call, .answered(output))
                            made += 1
                            // A hub's callers wait for answers; these wait so that nothing is dropped.
                            while recorder.counts.waiting.load(ordering: .relaxed) > 20_000 {
                                try await Task.sleep(for: .milliseconds(1))
                            }
                        }
                        return made
                    }
                }
                return try await callers.reduce(0, +)
            }
            recorder.finish()
            try await group.waitForAll()
            return calls
        }
        precondition(recorder.counts.dropped.load(ordering: .relaxed) == 0, "The recorder dropped calls.")
        let seconds = Double((ContinuousClock.now - began).nanoseconds) / 1e9
        return (Double(calls) / seconds, (Self.processorSeconds() - clock) * 1e6 / Double(max(calls, 1)))
    }

    private static func processorSeconds() -> Double {
        var now = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now)
        return Double(now.tv_sec) + Double(now.tv_nsec) / 1e9
    }
}
