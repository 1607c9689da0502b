import Foundation
import Postgres
import Protocol
import TestSupport
import Testing

/// Goal: statements side by side never disturb each other. Method: a real server.
@Suite(.timeLimit(.minutes(5))) struct StatementTests {
    @Test func eightFailuresAmongTwoHundredStayTheirOwn() async throws {
        let test = try await TestDatabase.make(connections: 2)
        try await test.database.execute(Statement<Void>("CREATE TABLE numbers (n int PRIMARY KEY CHECK (n < 1000))"))
        let insert = Statement<Void>("INSERT INTO numbers VALUES ($1)")
        try await test.database.execute(insert, [3])
        let database = test.database
        let codes = await withTaskGroup(of: String.self) { group in
            for number in 0..<200 {
                // 3 is taken, and every 29th is too large: eight failures.
                let value = number > 0 && number % 29 == 0 ? number + 1_000 : number
                group.addTask {
                    do throws(Fault) {
                        return try await database.execute(insert, [value]) == 1 ? "done" : "nothing"
                    } catch {
                        return error.details?["sqlstate"]?.stringValue ?? error.code.rawValue
                    }
                }
            }
            return await group.reduce(into: [String: Int]()) { $0[$1, default: 0] += 1 }
        }
        let tooLarge = (1..<200).count { $0 % 29 == 0 }
        #expect(codes == ["done": 199 - tooLarge, "23505": 1, "23514": tooLarge])
        let count = try await database.first(Statement<Int>("SELECT count(*) FROM numbers"))
        #expect(count == 200 - tooLarge)
        await test.close()
    }

    @Test func tenThousandQueriesAtOnceAreAllAnsweredRight() async throws {
        let test = try await TestDatabase.make(connections: 8)
        let database = test.database
        let wrong = try await withThrowingTaskGroup(of: Bool.self) { group in
            for number in 0..<10_000 {
                group.addTask {
                    try await database.first(Statement<Int>("SELECT $1::int8 * 2"), [number]) != number * 2
                }
            }
            return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(wrong == 0)
        await test.close()
    }

    @Test func aViolationNamesItsConstraintAndKeepsTheServersWordsToItself() async throws {
        let test = try await TestDatabase.make()
        let database = test.database
        try await database.execute(Statement<Void>("CREATE TABLE a (id int CONSTRAINT a_key PRIMARY KEY)"))
        try await database.execute(
            Statement<Void>(
                "CREATE TABLE b (a_id int CONSTRAINT b_a REFERENCES a, CONSTRAINT b_small CHECK (a_id < 9))"
            )
        )
        try await database.execute(Statement<Void>("INSERT INTO a VALUES (1)"))
        let cases: [(String, Fault.Code, String, String)] = [
            ("INSERT INTO a VALUES (1)", .conflict, "23505", "a_key"),
            ("INSERT INTO b VALUES (2)", .conflict, "23503", "b_a"),
            ("INSERT INTO b VALUES (10)", .validation, "23514", "b_small"),
        ]
        for (sql, code, state, constraint) in cases {
            let fault = await #expect(throws: Fault.self) { try await database.execute(Statement<Void>(sql)) }
            #expect(fault?.code == code)
            #expect(fault?.details?["sqlstate"]?.stringValue == state)
            #expect(fault?.details?["constraint"]?.stringValue == constraint)
            #expect(fault?.message.contains("violates") == false)
        }
        let nowhere = Statement<Void>("SELECT FROM nowhere")
        let fault = await #expect(throws: Fault.self) { try await database.execute(nowhere) }
        #expect(fault?.code == .execution)
        await test.close()
    }

    @Test func aStatementThatTakesTooLongIsATimeout() async throws {
        let test = try await TestDatabase.make()
        var configuration = test.configuration
        configuration.statementTimeout = .milliseconds(100)
        let database = Database(configuration, logger: .quiet)
        let fault = await #expect(throws: Fault.self) {
            try await database.execute(Statement<Void>("SELECT pg_sleep(60)"))
        }
        #expect(fault?.code == .timeout)
        try await database.ping()
        await database.close()
        await test.close()
    }

    @Test func aCancelledStatementEndsAndItsConnectionLivesOn() async throws {
        let test = try await TestDatabase.make(connections: 1)
        let database = test.database
        let backend = try await database.first(Statement<Int>("SELECT pg_backend_pid()"))
        let watch = try await TestDatabase.make(connections: 1)
        let sleeping = Statement<Int>(
            "SELECT count(*) FROM pg_stat_activity WHERE pid = $1 AND query LIKE '%sleep(61)%' AND state = 'active'"
        )
        let start = ContinuousClock.now
        let fault = await withTaskGroup(of: Fault?.self) { group in
            group.addTask {
                do throws(Fault) {
                    try await database.execute(Statement<Void>("SELECT pg_sleep(61)"))
                    return nil
                } catch { return error }
            }
            while await asked(watch.database, sleeping, backend) != 1 { await Task.yield() }
            group.cancelAll()
            return await group.next() ?? nil
        }
        #expect(fault?.code == .aborted)
        // The same connection answers, so the statement was cancelled at the server, too.
        for number in 0..<20 {
            #expect(try await database.first(Statement<Int>("SELECT $1::int8"), [number]) == number)
        }
        #expect(try await database.first(Statement<Int>("SELECT pg_backend_pid()")) == backend)
        #expect(ContinuousClock.now - start < .seconds(61))
        await test.close()
        await watch.close()
    }

    private func asked(_ database: Database, _ statement: Statement<Int>, _ value: Int?) async -> Int? {
        // A failing watcher is as good as one that saw nothing: the test's deadline catches it.
        try? await database.first(statement, [value]) ?? nil
    }

    @Test func manyCancelledTasksNeverMixUpAnswers() async throws {
        let test = try await TestDatabase.make(connections: 2)
        let database = test.database
        for round in 0..<20 {
            let wrong = await withTaskGroup(of: Bool.self) { group in
                for number in 0..<50 {
                    group.addTask {
                        let wait = number % 7 == 0 ? 0.02 : 0.0
                        let sql = Statement<Int>("SELECT $1::int8 FROM pg_sleep($2)")
                        // Cancelled ones fail, the others must be right.
                        let answer = try? await database.first(sql, [number, wait])
                        return answer != nil && answer != number
                    }
                }
                if round % 2 == 0 { group.cancelAll() }
                return await group.contains(true)
            }
            #expect(!wrong)
        }
        #expect(try await database.first(Statement<Int>("SELECT 7::int8")) == 7)
        await test.close()
    }

    @Test func aPlanThatTheServerGaveUpIsMadeAnew() async throws {
        let test = try await TestDatabase.make(connections: 1)
        let database = test.database
        try await database.execute(Statement<Void>("CREATE TABLE things (id int)"))
        try await database.execute(Statement<Void>("INSERT INTO things VALUES (1)"))
        let all = Statement<Int>("SELECT * FROM things")
        #expect(try await database.first(all) == 1)
        try await database.execute(Statement<Void>("ALTER TABLE things ALTER id TYPE bigint"))
        #expect(try await database.first(all) == 1)
        try await database.execute(Statement<Void>("DEALLOCATE ALL"))
        #expect(try await database.first(all) == 1)
        await test.close()
    }

    @Test func aServerThatIsNotThereIsUnavailableAndAWrongNameSaysSoAtOnce() async throws {
        var nowhere = DatabaseConfiguration("host=/nonexistent dbname=x")
        nowhere.waitLongest = .milliseconds(300)
        let database = Database(nowhere, logger: .quiet)
        let fault = await #expect(throws: Fault.self) { try await database.ping() }
        #expect(fault?.code == .unavailable)
        #expect(fault?.details?["retryAfterMilliseconds"]?.integerValue != nil)
        await database.close()

        let test = try await TestDatabase.make()
        var misnamed = test.configuration
        misnamed.connectionString += " dbname=nobody_made_this"
        misnamed.waitLongest = .seconds(60)
        let wrong = Database(misnamed, logger: .quiet)
        let start = ContinuousClock.now
        #expect(await #expect(throws: Fault.self) { try await wrong.ping() }?.code == .unavailable)
        #expect(ContinuousClock.now - start < .seconds(60))
        await wrong.close()
        await test.close()
    }

    @Test func aClosedDatabaseRefusesAndClosingTwiceIsHarmless() async throws {
        let test = try await TestDatabase.make()
        try await test.database.ping()
        await test.database.close()
        await test.database.close()
        #expect(await #expect(throws: Fault.self) { try await test.database.ping() }?.code == .unavailable)
    }
}
