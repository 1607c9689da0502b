import Foundation
import Postgres
import Protocol
import Synchronization
import TestSupport
import Testing

/// Goal: nothing lost, nothing twice, nobody pays for another's mistake. Method: writers that note what they are given.
@Suite(.timeLimit(.minutes(5))) struct SharedWriterTests {
    /// Holds a writer until the test lets it go on.
    private struct Gate: Sendable {
        private let passage = AsyncStream.makeStream(of: Never.self)

        func open() { passage.continuation.finish() }
        func opened() async { for await _ in passage.stream {} }
    }

    @Test func whoComesWhileABatchIsWrittenIsInTheNext() async throws {
        let gate = Gate()
        let log = Mutex<[[Int]]>([])
        let writer = SharedWriter<Int, Int>(maxItems: 4) { batch throws(Fault) in
            log.withLock { $0.append(batch) }
            if batch == [0] { await gate.opened() }
            return batch.map { .success($0 * 10) }
        }
        try await withThrowingTaskGroup { group in
            group.addTask { _ = try await writer.append(0) }
            while log.withLock({ $0.isEmpty }) { await Task.yield() }
            for item in 1...9 {
                group.addTask {
                    let answer = try await writer.append(item)
                    #expect(answer == item * 10)
                }
            }
            while writer.waiting < 9 { await Task.yield() }
            gate.open()
            try await group.waitForAll()
        }
        let batches = log.withLock { $0 }
        #expect(batches.map(\.count) == [1, 4, 4, 1])
        #expect(Set(batches.joined()) == Set(0...9))
    }

    @Test func whatTheDatabaseRefusesIsOnlyItsOwnCallersTrouble() async throws {
        let test = try await TestDatabase.make(
            migrations: [Migration(number: 1, name: "e", sql: "CREATE TABLE e (n int PRIMARY KEY CHECK (n % 7 <> 0))")]
        )
        let database = test.database
        let insert = Statement<Void>("INSERT INTO e SELECT * FROM unnest($1::int8[])")
        let writer = SharedWriter<Int, Int> { batch throws(Fault) in
            try await database.execute(insert, [batch])
            return batch.map { .success($0) }
        }
        let refused = await withTaskGroup(of: Int?.self) { group in
            for item in 1...300 {
                group.addTask { (try? await writer.append(item)) == nil ? item : nil }
            }
            return await group.reduce(into: Set<Int>()) { if let item = $1 { $0.insert(item) } }
        }
        #expect(refused == Set(stride(from: 7, through: 300, by: 7)))
        #expect(try await database.first(Statement<Int>("SELECT count(*) FROM e")) == 300 - 42)
        await test.close()
    }

    @Test func aCallerThatIsCancelledTakesNothingBack() async throws {
        let gate = Gate()
        let log = Mutex<[Int]>([])
        let writer = SharedWriter<Int, Int> { batch throws(Fault) in
            await gate.opened()
            guard !Task.isCancelled else { throw Fault(.aborted, "The writer was cancelled with its caller.") }
            log.withLock { $0 += batch }
            return batch.map { .success($0) }
        }
        let leader = Task { try await writer.append(1) }
        let follower = Task { try await writer.append(2) }
        while writer.waiting == 0 { await Task.yield() }
        leader.cancel()
        follower.cancel()
        gate.open()
        #expect(try await leader.value == 1)
        #expect(try await follower.value == 2)
        #expect(log.withLock { $0.sorted() } == [1, 2])
    }
}
