import Postgres
import Protocol
import TestSupport
import Testing

/// Statements in somebody's place: a real server, one connection, so that nothing of one could stay for the next.
@Suite(.timeLimit(.minutes(5))) struct StandpointTests {
    private static let who = Statement<String>(
        "SELECT current_user || ' ' || coalesce(nullif(current_setting('test.who', true), ''), 'nobody')"
    )
    private static let notes = Statement<Int>("SELECT n FROM notes ORDER BY n")

    private func make() async throws -> TestDatabase {
        let sql = """
            CREATE TABLE notes (n int PRIMARY KEY, owner text NOT NULL);
            INSERT INTO notes VALUES (1, 'ada'), (2, 'bob'), (3, 'ada');
            DO $$ BEGIN
                CREATE ROLE nave_test_reader NOLOGIN;
            EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
            GRANT SELECT ON notes TO nave_test_reader;
            ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
            CREATE POLICY own ON notes FOR SELECT USING (owner = current_setting('test.who', true));
            """
        let migrations = [Migration(number: 1, name: "notes", sql: sql)]
        return try await TestDatabase.make(migrations: migrations, schema: "public", connections: 1)
    }

    private func place(_ name: String, role: String = "nave_test_reader") -> Standpoint {
        Standpoint(role: role, setting: "test.who", value: name)
    }

    @Test func aStatementRunsInSomebodysPlaceAndTheNextDoesNot() async throws {
        let test = try await make()
        let own = try await test.database.first(Self.who)
        for name in ["ada", "bob", "o'hara \\ ü", ""] {
            let there = try await Standpoint.$current.withValue(place(name)) { try await test.database.first(Self.who) }
            #expect(there == "nave_test_reader \(name.isEmpty ? "nobody" : name)")
            #expect(try await test.database.first(Self.who) == own)
        }
        #expect(try await test.database.query(Self.notes) == [1, 2, 3])
        for (name, wanted) in [("ada", [1, 3]), ("bob", [2]), ("eve", [])] {
            let seen = try await Standpoint.$current.withValue(place(name)) {
                try await test.database.query(Self.notes)
            }
            #expect(seen == wanted, "\(name)")
        }
        await test.close()
    }

    @Test func manyAtOnceDoNotMixUp() async throws {
        let test = try await make()
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for number in 0..<300 {
                group.addTask {
                    guard number % 3 > 0 else { return try await test.database.query(Self.notes) == [1, 2, 3] }
                    let (name, wanted) = number % 3 == 1 ? ("ada", [1, 3]) : ("bob", [2])
                    return try await Standpoint.$current.withValue(place(name)) {
                        try await test.database.query(Self.notes) == wanted
                    }
                }
            }
            for try await isRight in group { #expect(isRight) }
        }
        await test.close()
    }

    @Test func aTransactionIsInSomebodysPlaceToItsEnd() async throws {
        let test = try await make()
        let seen = try await Standpoint.$current.withValue(place("bob")) {
            try await test.database.transaction { transaction throws(Fault) in
                let first = try await transaction.query(Self.notes)
                return first + (try await transaction.query(Self.notes))
            }
        }
        #expect(seen == [2, 2])
        #expect(try await test.database.query(Self.notes) == [1, 2, 3])
        await test.close()
    }

    @Test func whatThePlaceDoesNotAllowFailsAndHarmsNobodyElse() async throws {
        let test = try await make()
        let insert = Statement<Void>("INSERT INTO notes VALUES (9, 'ada')")
        for name in ["ada", "bob"] {
            await #expect(throws: Fault.self) {
                try await Standpoint.$current.withValue(place(name)) { try await test.database.execute(insert) }
            }
            await #expect(throws: Fault.self) {
                try await Standpoint.$current.withValue(place(name, role: "nave_no_such_role")) {
                    try await test.database.query(Self.notes)
                }
            }
            let seen = try await Standpoint.$current.withValue(place("bob")) {
                try await test.database.query(Self.notes)
            }
            #expect(seen == [2])
            #expect(try await test.database.query(Self.notes) == [1, 2, 3])
        }
        await test.close()
    }

    /// A plan that the server gives up is made again, in somebody's place as in one's own.
    @Test func aPlanThatIsGivenUpIsMadeAgain() async throws {
        let test = try await make()
        let all = Statement<Void>("SELECT * FROM notes")
        for round in 0..<3 {
            for _ in 0..<2 {
                let count = try await Standpoint.$current.withValue(place("ada")) {
                    try await test.database.execute(all)
                }
                #expect(count == 2)
                #expect(try await test.database.execute(all) == 3)
            }
            try await test.database.execute(Statement<Void>("ALTER TABLE notes ADD COLUMN c\(round) int"))
            if round == 1 { try await test.database.execute(Statement<Void>("DEALLOCATE ALL")) }
        }
        await test.close()
    }
}
