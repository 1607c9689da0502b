import Foundation
import Postgres
import Protocol
import Synchronization
import TestSupport
import Testing

/// Goal: nothing lost, nothing twice, order kept where asked for. Method: writers that note what they are given.
@Suite(.timeLimit(.minutes(5))) struct GroupWriterTests {
    private struct Item: Sendable, Hashable {
        var stream: Int
        var number: Int
    }

    private final class Log: Sendable {
        private let batches = Mutex<[[Item]]>([])
        var written: [[Item]] { batches.withLock { $0 } }
        func note(_ batch: [Item]) { batches.withLock { $0.append(batch) } }
    }

    @Test func everyItemIsWrittenOnceIntoTheDatabase() async throws {
        let test = try await TestDatabase.make(
            migrations: [
                Migration(number: 1, name: "e", sql: "CREATE TABLE e (stream int, n int, PRIMARY KEY (stream, n))")
            ])
        let database = test.database
        let insert = Statement<Void>("INSERT INTO e SELECT * FROM unnest($1::int8[], $2::int8[])")
        let writer = GroupWriter<Item, Int>(lanes: 2, maxItems: 100) { batch throws(Fault) in
            try await database.execute(insert, [batch.map(\.stream), batch.map(\.number)])
        }
        try await withThrowingTaskGroup { group in
            group.addTask { await writer.run() }
            try await withThrowingTaskGroup { writers in
                for stream in 0..<50 {
                    writers.addTask {
                        for number in 0..<20 { try await writer.append(Item(stream: stream, number: number)) }
                    }
                }
                try await writers.waitForAll()
            }
            writer.finish()
            try await group.waitForAll()
        }
        #expect(try await database.first(Statement<Int>("SELECT count(*) FROM e")) == 1_000)
        await test.close()
    }

    @Test func itemsOfOneKeyAreWrittenInOrderAndNeverInTwoLanesAtOnce() async throws {
        let log = Log()
        let inFlight = Mutex<Set<Int>>([])
        let overlaps = Atomic(0)
        let writer = GroupWriter<Item, Int>(lanes: 3, maxItems: 7, order: { "\($0.stream)" }) { batch throws(Fault) in
            let streams = Set(batch.map(\.stream))
            inFlight.withLock { busy in
                if !busy.isDisjoint(with: streams) { overlaps.add(1, ordering: .relaxed) }
                busy.formUnion(streams)
            }
            for _ in 0..<3 { await Task.yield() }
            log.note(batch)
            inFlight.withLock { $0.subtract(streams) }
            return batch.count
        }
        let done = Atomic(0)
        await withTaskGroup { group in
            group.addTask { await writer.run() }
            for number in 0..<200 {
                for stream in 0..<5 {
                    writer.submit(Item(stream: stream, number: number)) { _ in done.add(1, ordering: .relaxed) }
                }
            }
            writer.finish()
        }
        let written = log.written.flatMap { $0 }
        #expect(done.load(ordering: .relaxed) == 1_000)
        #expect(overlaps.load(ordering: .relaxed) == 0)
        for stream in 0..<5 { #expect(written.filter { $0.stream == stream }.map(\.number) == Array(0..<200)) }
        #expect(log.written.allSatisfy { $0.count <= 7 })
    }

    @Test func aFailingBatchFailsItsItemsAndNoOthers() async throws {
        let writer = GroupWriter<Int, Int>(lanes: 1, maxItems: 1) { batch throws(Fault) in
            guard batch != [3] else { throw Fault(.conflict, "Three is taken.") }
            return batch.count
        }
        let faults = await withTaskGroup(of: Fault?.self) { group in
            group.addTask {
                await writer.run()
                return nil
            }
            for number in 0..<6 {
                group.addTask {
                    do throws(Fault) { try await writer.append(number) } catch { return error }
                    return nil
                }
            }
            var faults: [Fault] = []
            for _ in 0..<6 { if let fault = await group.next() ?? nil { faults.append(fault) } }
            writer.finish()
            return faults
        }
        #expect(faults == [Fault(.conflict, "Three is taken.")])
    }

    @Test func whatArrivesDuringACommitIsTheNextBatch() async throws {
        let log = Log()
        let (gate, open) = AsyncStream.makeStream(of: Void.self)
        let (entered, enter) = AsyncStream.makeStream(of: Void.self)
        let writer = GroupWriter<Item, Int>(lanes: 1, maxItems: 100, maxWeight: 50, weigh: { $0.stream }) {
            batch throws(Fault) in
            enter.yield()
            if log.written.isEmpty { for await _ in gate { break } }
            log.note(batch)
            return batch.count
        }
        await withTaskGroup { group in
            group.addTask { await writer.run() }
            writer.submit(Item(stream: 1, number: 0)) { _ in }
            for await _ in entered { break }
            // Weights 20, 20, 20, 60: two fit, the third goes alone for the fourth is heavier than a whole batch.
            for (number, weight) in [20, 20, 20, 60].enumerated() {
                writer.submit(Item(stream: weight, number: number + 1)) { _ in }
            }
            writer.finish()
            open.yield()
        }
        #expect(log.written.map { $0.map(\.number) } == [[0], [1, 2], [3], [4]])
    }

    @Test func aFullOrFinishedOrCancelledWriterRefuses() async throws {
        let results = Mutex<[Fault.Code]>([])
        let writer = GroupWriter<Int, Int>(lanes: 1, capacity: 2) { batch throws(Fault) in batch.count }
        for number in 0..<3 {
            writer.submit(number) { result in
                if case .failure(let fault) = result { results.withLock { $0.append(fault.code) } }
            }
        }
        #expect(results.withLock { $0 } == [.unavailable])
        await withTaskGroup(of: Void.self) { group in
            group.cancelAll()
            group.addTask { await writer.run() }
        }
        #expect(results.withLock { $0 }.count == 3)
        let late = await #expect(throws: Fault.self) { try await writer.append(9) }
        #expect(late?.code == .unavailable)
    }

    @Test func aLaneThatRestsBeginsAtOnceAndThenGathersWhatComes() async throws {
        let log = Log()
        let writer = GroupWriter<Item, Int>(lanes: 1, maxItems: 10, rest: .seconds(2)) { batch throws(Fault) in
            log.note(batch)
            return batch.count
        }
        let (written, tell) = AsyncStream<Int>.makeStream()
        try await withThrowingTaskGroup { group in
            group.addTask { await writer.run() }
            let items = (0..<3).map { Item(stream: 0, number: $0) }
            #expect(try await writer.append(items[0]) == 1)
            for item in items[1...] { writer.submit(item) { tell.yield((try? $0.get()) ?? 0) } }
            #expect(await written.first { _ in true } == 2)
            #expect(log.written == [[items[0]], [items[1], items[2]]])
            writer.finish()
            try await group.waitForAll()
        }
    }

    @Test func aLaneDoesNotRestWhileSomebodyWaits() async throws {
        let log = Log()
        // As good as for ever: the test would not end.
        let writer = GroupWriter<Item, Int>(lanes: 1, maxItems: 10, rest: .seconds(86_400)) { batch throws(Fault) in
            log.note(batch)
            return batch.count
        }
        let (written, tell) = AsyncStream<Int>.makeStream()
        try await withThrowingTaskGroup { group in
            group.addTask { await writer.run() }
            let items = (0..<4).map { Item(stream: 0, number: $0) }
            for number in 0..<2 { #expect(try await writer.append(items[number]) == 1) }
            writer.submit(items[2]) { tell.yield((try? $0.get()) ?? 0) }
            writer.hurry()
            #expect(await written.first { _ in true } == 1)
            // A writer that ends writes what is left, without a rest.
            writer.submit(items[3]) { _ in }
            writer.finish()
            try await group.waitForAll()
            #expect(log.written == items.map { [$0] })
        }
    }
}
