import Foundation
import Postgres
import Protocol
import TestSupport
import Testing

/// Goal: history is applied once, in order, and never rewritten. Method: a real server.
@Suite(.timeLimit(.minutes(5))) struct MigratorTests {
    private static let first = Migration(
        number: 1,
        name: "fruit",
        sql: """
            CREATE TABLE fruit (name text PRIMARY KEY);
            CREATE FUNCTION shout(word text) RETURNS text LANGUAGE plpgsql
            AS $$ BEGIN RETURN upper(word || ';'); END $$;
            INSERT INTO fruit VALUES ('apple'), ('p;ear');
            """
    )
    private static let second = Migration(number: 2, name: "taste", sql: "ALTER TABLE fruit ADD taste text")
    private static let third = Migration(number: 3, name: "broken", sql: "CREATE TABLE half (); SELECT 1 / 0")

    private func migrator(_ test: TestDatabase, _ migrations: Migration...) -> Migrator {
        Migrator(test.database, schema: "house", migrations: migrations, logger: .quiet)
    }

    @Test func aFreshDatabaseGetsAllAndTheNextRunNothing() async throws {
        let test = try await TestDatabase.make()
        let migrator = migrator(test, Self.first, Self.second)
        #expect(try await migrator.status() == .init(applied: [], pending: [1, 2], trouble: nil))
        #expect(try await migrator.apply() == [1, 2])
        #expect(try await migrator.apply() == [])
        #expect(try await migrator.status() == .init(applied: [1, 2], pending: [], trouble: nil))
        #expect(try await test.database.first(Statement<String>("SELECT shout('a')")) == "A;")
        await test.close()
    }

    @Test func aFailingMigrationLeavesNothingOfItselfAndKeepsWhatCameBefore() async throws {
        let test = try await TestDatabase.make()
        let fault = await #expect(throws: Fault.self) {
            try await migrator(test, Self.first, Self.second, Self.third).apply()
        }
        #expect(fault?.message.contains("Migration 3 (broken)") == true)
        #expect(fault?.details?["sqlstate"]?.stringValue == "22012")
        #expect(try await migrator(test, Self.first, Self.second).status().applied == [1, 2])
        let half = try await test.database.first(Statement<Bool>("SELECT to_regclass('half') IS NULL"))
        #expect(half == true)
        await test.close()
    }

    @Test func anEditedMigrationIsRefused() async throws {
        let test = try await TestDatabase.make()
        try await migrator(test, Self.first, Self.second).apply()
        let edited = Migration(number: 1, name: "fruit", sql: Self.first.sql + " ")
        let fault = await #expect(throws: Fault.self) { try await migrator(test, edited, Self.second).apply() }
        #expect(fault?.code == .conflict)
        #expect(fault?.message.contains("edited") == true)
        #expect(try await migrator(test, edited, Self.second).status().trouble == fault)
        await test.close()
    }

    @Test func aDatabaseNewerThanTheProgramIsRefused() async throws {
        let test = try await TestDatabase.make()
        try await migrator(test, Self.first, Self.second).apply()
        let fault = await #expect(throws: Fault.self) { try await migrator(test, Self.first).apply() }
        #expect(fault?.code == .conflict)
        #expect(fault?.message.contains("newer") == true)
        await test.close()
    }

    @Test func fourProgramsAtOnceApplyEachMigrationOnce() async throws {
        let test = try await TestDatabase.make()
        let programs = (0..<4).map { _ in Database(test.configuration, logger: .quiet) }
        let applied = try await withThrowingTaskGroup(of: [Int].self) { group in
            for program in programs {
                group.addTask {
                    try await Migrator(
                        program,
                        schema: "house",
                        migrations: [Self.first, Self.second],
                        logger: .quiet
                    ).apply()
                }
            }
            return try await group.reduce([], +)
        }
        #expect(applied.sorted() == [1, 2])
        for program in programs { await program.close() }
        await test.close()
    }
}
