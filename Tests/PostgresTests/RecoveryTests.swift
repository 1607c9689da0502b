import Foundation
import Glibc
import Postgres
import Protocol
import Synchronization
import TestSupport
import Testing

/// Goal: whatever is killed, what was committed is there and work goes on. Method: a cluster of one's own, `kill -9`.
@Suite(.serialized, .timeLimit(.minutes(5))) struct RecoveryTests {
    private func withCluster(
        _ directory: String,
        _ body: (PrivateCluster, DatabaseConfiguration) async throws -> Void
    ) async throws {
        let cluster = PrivateCluster(directory: directory, logger: .quiet)
        let configuration = try await cluster.start()
        let outcome: Result<Void, any Error>
        do { outcome = .success(try await body(cluster, configuration)) } catch { outcome = .failure(error) }
        await cluster.stop()
        try outcome.get()
    }

    private func remove(_ directory: String) throws { try FileManager.default.removeItem(atPath: directory) }

    /// Asks again for as long as the database is away.
    private func eventually<Value>(_ work: () async throws(Fault) -> Value) async throws -> Value {
        let deadline = ContinuousClock.now + .seconds(60)
        while true {
            do throws(Fault) { return try await work() } catch {
                guard error.code == .unavailable, ContinuousClock.now < deadline else { throw error }
            }
        }
    }

    @Test func aKilledBackendFailsItsStatementsAndThePoolGoesOn() async throws {
        let test = try await TestDatabase.make(connections: 3)
        let database = test.database
        let outcomes = try await withThrowingTaskGroup(of: Bool.self) { group in
            for round in 0..<30 {
                for _ in 0..<20 {
                    group.addTask {
                        do throws(Fault) {
                            try await database.execute(Statement<Void>("SELECT pg_sleep(0.002)"))
                            return true
                        } catch {
                            guard error.code == .unavailable else { throw error }
                            return false
                        }
                    }
                }
                if round % 10 == 5 {
                    let others = Statement<Int>(
                        """
                        SELECT pg_terminate_backend(pid)::int FROM pg_stat_activity
                         WHERE datname = current_database() AND pid <> pg_backend_pid()
                        """
                    )
                    _ = try await self.eventually { () throws(Fault) in try await database.query(others) }
                }
            }
            return try await group.reduce(into: (0, 0)) { counts, isDone in
                if isDone { counts.0 += 1 } else { counts.1 += 1 }
            }
        }
        #expect(outcomes.0 + outcomes.1 == 600)
        // Three times, at most what three connections had under way.
        #expect(outcomes.0 >= 600 - 3 * 3 * 64)
        for _ in 0..<50 { try await eventually { () throws(Fault) in try await database.ping() } }
        await test.close()
    }

    @Test func aTransactionWhoseBackendIsKilledBeginsAgain() async throws {
        let test = try await TestDatabase.make(connections: 3)
        let database = test.database
        try await database.execute(Statement<Void>("CREATE TABLE notes (n int)"))
        let attempts = Atomic(0)
        try await database.transaction { transaction throws(Fault) in
            try await transaction.execute(Statement<Void>("INSERT INTO notes VALUES (1)"))
            if attempts.add(1, ordering: .relaxed).newValue == 1 {
                let own = try await transaction.first(Statement<Int>("SELECT pg_backend_pid()"))
                try await database.execute(Statement<Void>("SELECT pg_terminate_backend($1, 5000)"), [own])
            }
            try await transaction.execute(Statement<Void>("INSERT INTO notes VALUES (2)"))
        }
        #expect(attempts.load(ordering: .relaxed) == 2)
        #expect(try await database.first(Statement<Int>("SELECT count(*) FROM notes")) == 2)
        await test.close()
    }

    @Test func aKilledServerIsStartedAgainWithAllThatWasCommitted() async throws {
        let directory = try ThrowAwayCluster.makeDirectory()
        try await withCluster(directory) { cluster, configuration in
            let database = Database(configuration, logger: .quiet)
            try await database.execute(Statement<Void>("CREATE TABLE notes (n bigint PRIMARY KEY)"))
            let progress = Progress()
            try await withThrowingTaskGroup { group in
                group.addTask { await cluster.run() }
                group.addTask { try await Self.insert(into: database, progress) }
                for _ in 0..<3 {
                    let before = try #require(await cluster.processID)
                    kill(before, SIGKILL)
                    let deadline = ContinuousClock.now + .seconds(60)
                    // Backends work on for a moment after their server: first the new one, then work on it.
                    while [before, nil].contains(await cluster.processID), ContinuousClock.now < deadline {
                        try await eventually { () throws(Fault) in try await database.ping() }
                    }
                    let soFar = progress.count
                    while progress.count < soFar + 50, ContinuousClock.now < deadline {
                        try await eventually { () throws(Fault) in try await database.ping() }
                    }
                    #expect(await cluster.processID != before)
                }
                progress.end()
                try await group.next()
                group.cancelAll()
            }
            let numbers = Statement<Int>("SELECT n FROM notes")
            let kept = Set(try await eventually { () throws(Fault) in try await database.query(numbers) })
            #expect(progress.committed.subtracting(kept).isEmpty)
            await database.close()
        }
        try remove(directory)
    }

    /// Inserts numbers until the story is over, and notes those that the server said are committed.
    private static func insert(into database: Database, _ progress: Progress) async throws(Fault) {
        var number = 0
        while !progress.isOver {
            number += 1
            do throws(Fault) {
                try await database.execute(Statement<Void>("INSERT INTO notes VALUES ($1)"), [number])
                progress.note(number)
            } catch {
                guard error.code == .unavailable else { throw error }
            }
        }
    }

    @Test func aServerThatOutlivedItsStarterIsAdoptedAndARestartKeepsTheData() async throws {
        let directory = try ThrowAwayCluster.makeDirectory()
        let first = PrivateCluster(directory: directory, logger: .quiet)
        let configuration = try await first.start()
        let database = Database(configuration, logger: .quiet)
        try await database.execute(Statement<Void>("CREATE TABLE notes AS SELECT 7 AS n"))
        // The starter is gone as far as the second one knows: it was only ever told the directory.
        let second = PrivateCluster(directory: directory, logger: .quiet)
        #expect(try await second.start() == configuration)
        #expect(await second.processID == first.processID)
        await second.stop()
        try await withCluster(directory) { third, configuration in
            #expect(await third.processID != first.processID)
            let again = Database(configuration, logger: .quiet)
            let kept = try await again.first(Statement<Int>("SELECT n FROM notes"))
            #expect(kept == 7)
            let names = ["data_checksums", "fsync", "listen_addresses", "server_encoding"]
            let settings = try await again.first(
                Statement<[String]>("SELECT array_agg(current_setting(n)) FROM unnest($1::text[]) AS n"),
                [names]
            )
            #expect(settings == ["on", "on", "", "UTF8"])
            await again.close()
        }
        await database.close()
        try remove(directory)
    }

    @Test func backendsThatOutliveTheirServerDoNotKeepTheNextFromStarting() async throws {
        let directory = try ThrowAwayCluster.makeDirectory()
        let first = PrivateCluster(directory: directory, logger: .quiet)
        let database = Database(try await first.start(), logger: .quiet)
        let server = try #require(await first.processID)
        // A stopped backend notices nothing: it keeps the shared memory until somebody ends it.
        let backend = try #require(try await database.first(Statement<Int>("SELECT pg_backend_pid()")))
        kill(pid_t(backend), SIGSTOP)
        kill(server, SIGKILL)
        var status: Int32 = 0
        waitpid(server, &status, 0)
        try await withCluster(directory) { _, configuration in
            let again = Database(configuration, logger: .quiet)
            try await again.ping()
            await again.close()
        }
        await database.close()
        try remove(directory)
    }

    @Test func aDirectoryWithALongPathWorks() async throws {
        let root = try ThrowAwayCluster.makeDirectory()
        let directory = root + "/" + String(repeating: "deep/", count: 30) + "er"
        try await withCluster(directory) { _, configuration in
            let database = Database(configuration, logger: .quiet)
            try await database.ping()
            await database.close()
        }
        try remove(root)
    }
}

/// What one writer had committed, for the others of a test to see.
private final class Progress: Sendable {
    private let state = Mutex((committed: Set<Int>(), isOver: false))
    var committed: Set<Int> { state.withLock { $0.committed } }
    var count: Int { state.withLock { $0.committed.count } }
    var isOver: Bool { state.withLock { $0.isOver } }
    func note(_ number: Int) { state.withLock { _ = $0.committed.insert(number) } }
    func end() { state.withLock { $0.isOver = true } }
}
