import Foundation
import Postgres
import Protocol
import Synchronization
import TestSupport
import Testing

/// Goal: all of a transaction or nothing of it. Method: a real server.
@Suite(.timeLimit(.minutes(5))) struct TransactionTests {
    private static let insert = Statement<Void>("INSERT INTO notes VALUES ($1)")
    private static let count = Statement<Int>("SELECT count(*) FROM notes")

    private func make(connections: Int = 4) async throws -> TestDatabase {
        let sql =
            """
            CREATE TABLE notes (n int PRIMARY KEY);
            CREATE TABLE sums (id int PRIMARY KEY, total int);
            INSERT INTO sums VALUES (1, 0), (2, 0);
            """
        return try await TestDatabase.make(
            migrations: [Migration(number: 1, name: "notes", sql: sql)],
            connections: connections
        )
    }

    @Test func whatTheBodyReturnsIsCommitted() async throws {
        let test = try await make()
        let sum = try await test.database.transaction { transaction throws(Fault) in
            for number in 1...3 { try await transaction.execute(Self.insert, [number]) }
            return try await transaction.query(Statement<Int>("SELECT n FROM notes ORDER BY n")).reduce(0, +)
        }
        #expect(sum == 6)
        #expect(try await test.database.first(Self.count) == 3)
        // A body that asks nothing costs nothing and harms nothing.
        #expect(try await test.database.transaction { _ throws(Fault) in 7 } == 7)
        await test.close()
    }

    @Test func aBodyThatThrowsLeavesNothingBehind() async throws {
        let test = try await make()
        let fault = await #expect(throws: Fault.self) {
            try await test.database.transaction { transaction throws(Fault) in
                try await transaction.execute(Self.insert, [1])
                throw Fault(.conflict, "Enough.")
            }
        }
        #expect(fault == Fault(.conflict, "Enough."))
        #expect(try await test.database.first(Self.count) == 0)
        await test.close()
    }

    @Test func anErrorThatTheBodySwallowsStillRollsBack() async throws {
        let test = try await make()
        let fault = await #expect(throws: Fault.self) {
            try await test.database.transaction { transaction throws(Fault) in
                try await transaction.execute(Self.insert, [1])
                // Swallowed on purpose: this is the mistake the test is about.
                _ = try? await transaction.execute(Self.insert, [1])
            }
        }
        #expect(fault?.code == .execution)
        #expect(try await test.database.first(Self.count) == 0)
        await test.close()
    }

    @Test func aFailingFirstStatementDoesNotRunOutsideTheTransaction() async throws {
        let test = try await make(connections: 2)
        for _ in 0..<3 {
            await #expect(throws: Fault.self) {
                try await test.database.transaction { transaction throws(Fault) in
                    try await transaction.execute(Statement<Void>("INSERT INTO nowhere VALUES (1)"))
                }
            }
        }
        try await test.database.transaction { transaction throws(Fault) in
            let isOpen = Statement<Bool>(
                "SELECT now() = statement_timestamp() AND pg_current_xact_id_if_assigned() IS NULL"
            )
            _ = try await transaction.first(isOpen)
            try await transaction.execute(Self.insert, [1])
        }
        #expect(try await test.database.first(Self.count) == 1)
        await test.close()
    }

    @Test func transactionsThatContradictEachOtherAreRepeatedUntilAllAreDone() async throws {
        let test = try await make(connections: 8)
        let database = test.database
        let attempts = Attempts()
        try await withThrowingTaskGroup { group in
            for _ in 0..<12 {
                // Each may lose to every other one: as often as the caller likes to ask again.
                group.addTask { while try await !self.addOne(database, attempts) {} }
            }
            try await group.waitForAll()
        }
        #expect(try await database.first(Statement<Int>("SELECT total FROM sums WHERE id = 1")) == 12)
        #expect(attempts.count > 12)
        await test.close()
    }

    /// Reads and writes the same row as everybody else; `false` if the client gave up repeating.
    private func addOne(_ database: Database, _ attempts: Attempts) async throws(Fault) -> Bool {
        do throws(Fault) {
            try await database.transaction(.serializable) { transaction throws(Fault) in
                attempts.add()
                let total = try await transaction.first(Statement<Int>("SELECT total FROM sums WHERE id = 1"))
                let next = (total ?? 0) + 1
                try await transaction.execute(Statement<Void>("UPDATE sums SET total = $1 WHERE id = 1"), [next])
            }
            return true
        } catch {
            guard error.code == .unavailable else { throw error }
            return false
        }
    }

    @Test func aDeadlockIsRepeatedAndBothSucceed() async throws {
        let test = try await make(connections: 1)
        let name = try await name(test.database)
        try await test.database.execute(Statement<Void>("ALTER DATABASE \(name) SET deadlock_timeout = '20ms'"))
        // These two meet every time, and the same one may lose every time.
        var configuration = test.configuration
        configuration.transactionAttempts = 50
        configuration.connections = 4
        let database = Database(configuration, logger: .quiet)
        let add = Statement<Void>("UPDATE sums SET total = total + 1 WHERE id = $1")
        try await withThrowingTaskGroup { group in
            for first in [1, 2] {
                group.addTask {
                    for _ in 0..<5 {
                        try await database.transaction { transaction throws(Fault) in
                            try await transaction.execute(add, [first])
                            try await transaction.execute(Statement<Void>("SELECT pg_sleep(0.01)"))
                            try await transaction.execute(add, [3 - first])
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(try await database.query(Statement<Int>("SELECT total FROM sums")) == [10, 10])
        await database.close()
        await test.close()
    }

    private func name(_ database: Database) async throws -> String {
        try #require(try await database.first(Statement<String>("SELECT current_database()")))
    }

    @Test func aCancelledTransactionRollsBackAndReturnsItsConnection() async throws {
        let test = try await make(connections: 2)
        let database = test.database
        for _ in 0..<5 {
            await withTaskGroup { group in
                let (begun, signal) = AsyncStream.makeStream(of: Void.self)
                group.addTask {
                    // Cancelled: that it fails is the point.
                    try? await database.transaction { transaction throws(Fault) in
                        try await transaction.execute(Self.insert, [1])
                        signal.yield()
                        try await transaction.execute(Statement<Void>("SELECT pg_sleep(60)"))
                    }
                }
                for await _ in begun { break }
                group.cancelAll()
            }
        }
        #expect(try await database.first(Self.count) == 0)
        try await database.transaction { transaction throws(Fault) in
            try await transaction.execute(Self.insert, [1])
        }
        await test.close()
    }

    @Test func aTransactionCannotBeUsedAfterItsBody() async throws {
        let test = try await make()
        let escaped = try await test.database.transaction { transaction throws(Fault) in
            try await transaction.execute(Self.insert, [1])
            return transaction
        }
        let fault = await #expect(throws: Fault.self) { try await escaped.execute(Self.insert, [2]) }
        #expect(fault?.code == .execution)
        #expect(try await test.database.first(Self.count) == 1)
        await test.close()
    }

    @Test func manyMoreTransactionsThanConnectionsAllGetTheirTurn() async throws {
        let test = try await make(connections: 3)
        let database = test.database
        try await withThrowingTaskGroup { group in
            for number in 0..<300 {
                group.addTask {
                    try await database.transaction { transaction throws(Fault) in
                        _ = try await transaction.execute(Self.insert, [number])
                    }
                }
                group.addTask { try await database.ping() }
            }
            try await group.waitForAll()
        }
        #expect(try await database.first(Self.count) == 300)
        await test.close()
    }
}

private final class Attempts: Sendable {
    private let made = Atomic(0)
    var count: Int { made.load(ordering: .relaxed) }
    func add() { made.add(1, ordering: .relaxed) }
}
