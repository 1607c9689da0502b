import Foundation
import Postgres
import Protocol
import TestSupport
import Testing

/// Goal: every value goes to a real server and comes back as it was. Method: `SELECT $1::type`.
@Suite(.timeLimit(.minutes(5))) struct ValueTests {
    private func echo<Value: ColumnDecodable & RowDecodable & Equatable>(
        _ value: Value,
        _ type: String,
        in database: Database
    ) async throws where Value: Bindable {
        let answer = try await database.first(Statement<Value>("SELECT $1::\(type)"), [value])
        #expect(answer == value)
    }

    @Test func scalarsComeBackAsTheyWere() async throws {
        let test = try await TestDatabase.make()
        let database = test.database
        for number in [0, 1, -1, Int64.max, .min] { try await echo(number, "int8", in: database) }
        for number in [0, -1, Int32.max, .min] { try await echo(number, "int4", in: database) }
        for number in [0, -1, Int16.max, .min] { try await echo(number, "int2", in: database) }
        try await echo(Int.min, "int8", in: database)
        let doubles = [0, -0.0, 0.1, .greatestFiniteMagnitude, .leastNonzeroMagnitude, .infinity, -.infinity]
        for number in doubles { try await echo(number, "float8", in: database) }
        let nan = try await database.first(Statement<Double>("SELECT $1::float8"), [Double.nan])
        #expect(nan?.isNaN == true)
        for truth in [true, false] { try await echo(truth, "bool", in: database) }
        for text in [
            "", "plain", "Grüße 🚢 \u{1F469}\u{200D}\u{1F680}", "a'b\"c\\d\n\t", String(repeating: "x", count: 300_000),
        ] {
            try await echo(text, "text", in: database)
        }
        let uuid = UUID()
        try await echo(uuid, "uuid", in: database)
        try await echo(uuid.uuidString.lowercased(), "uuid", in: database)
        try await echo(SessionID("s-1"), "text", in: database)
        await test.close()
    }

    @Test func bytesAndTimesComeBackAsTheyWere() async throws {
        let test = try await TestDatabase.make()
        let database = test.database
        for bytes in [[], [0], Array(0...255), [UInt8](repeating: 0xff, count: 100_000)] as [[UInt8]] {
            try await echo(bytes, "bytea", in: database)
            try await echo(Data(bytes), "bytea", in: database)
        }
        let times = [0, 1, -1, 1_795_000_000.123456, -62_135_596_800, 253_402_300_799.999999].map {
            Date(timeIntervalSince1970: $0)
        }
        for time in times + [.distantFuture, .distantPast] {
            let answer = try #require(try await database.first(Statement<Date>("SELECT $1::timestamptz"), [time]))
            #expect(abs(answer.timeIntervalSince(time)) < 0.000_04)
        }
        let earliest = try await database.first(Statement<Date>("SELECT '4713-01-01 BC'::timestamptz"))
        #expect(try #require(earliest).timeIntervalSince1970 < -210_000_000_000)
        let day = try await database.first(Statement<Date>("SELECT '2026-01-31'::date"))
        #expect(day == Date(wireText: "2026-01-31T00:00:00.000Z"))
        let written = try await database.first(
            Statement<String>("SELECT $1::timestamptz::text"),
            [Date(wireText: "2026-01-31T12:00:00.250Z")]
        )
        #expect(written == "2026-01-31 12:00:00.25+00")
        await #expect(throws: Fault.self) {
            try await database.execute(Statement<Void>("SELECT $1::timestamptz"), [Date(timeIntervalSince1970: 1e18)])
        }
        await test.close()
    }

    @Test func nullIsNilAndNothingElse() async throws {
        let test = try await TestDatabase.make()
        let database = test.database
        let answer = try await database.first(Statement<String?>("SELECT $1::text"), [nil])
        #expect(answer == .some(.none))
        let fault = await #expect(throws: Fault.self) {
            try await database.first(Statement<String>("SELECT NULL::text"))
        }
        #expect(fault?.code == .execution)
        let none = try await database.first(Statement<Int>("SELECT 1 WHERE false"))
        #expect(none == nil)
        await test.close()
    }

    @Test func arraysComeBackAsTheyWere() async throws {
        let test = try await TestDatabase.make()
        let database = test.database
        try await echo([] as [String], "text[]", in: database)
        try await echo(["", "ü", "{\"},\\"], "text[]", in: database)
        try await echo([nil, "a", nil], "text[]", in: database)
        try await echo([Int64.min, 0, .max], "int8[]", in: database)
        try await echo([1, 2, 3], "int8[]", in: database)
        try await echo([Int32.min, .max], "int4[]", in: database)
        try await echo([true, false, nil], "bool[]", in: database)
        try await echo([0.5, -.infinity], "float8[]", in: database)
        try await echo([[], [0, 255]] as [[UInt8]], "bytea[]", in: database)
        try await echo([Date(timeIntervalSince1970: 1_795_000_000), .distantFuture], "timestamptz[]", in: database)
        try await echo([SessionID("a"), "b"], "text[]", in: database)
        try await echo([JSONValue.integer(1), ["a": [true, .null]]], "jsonb[]", in: database)
        await test.close()
    }

    @Test func jsonGoesInFromAnyEncodableAndComesOutAsAnyDecodable() async throws {
        let test = try await TestDatabase.make()
        let database = test.database
        struct Spec: Codable, Equatable, Sendable {
            var command: [String]
            var at: Date
        }
        struct Holder: RowDecodable {
            let spec: Spec
            let none: Spec?
            init(_ row: Row) throws(Fault) {
                spec = try row.json("spec")
                none = try row.json("none")
            }
        }
        let spec = Spec(command: ["a", "ü\u{1}"], at: Date(milliseconds: 1_795_000_000_000))
        let holder = try await database.first(
            Statement<Holder>("SELECT $1::jsonb AS spec, NULL::jsonb AS none"),
            [JSON(spec)]
        )
        #expect(holder?.spec == spec)
        #expect(holder?.none == nil)
        let value: JSONValue = ["list": [1, "two", .number(0.5), .null], "empty": [:]]
        try await echo(value, "jsonb", in: database)
        try await echo(value, "json", in: database)
        await test.close()
    }

    @Test func enumsNeedOneEmptyExtension() async throws {
        let test = try await TestDatabase.make()
        try await echo(Colour.red, "text", in: test.database)
        try await echo([Colour.red, .blue], "text[]", in: test.database)
        let fault = await #expect(throws: Fault.self) {
            try await test.database.first(Statement<Colour>("SELECT 'green'"))
        }
        #expect(fault?.message.contains("Colour") == true)
        await test.close()
    }

    @Test func whatPostgresCannotHoldIsRefusedBeforeItIsSent() async throws {
        let test = try await TestDatabase.make()
        for value in ["a\0b", ["a\0b"]] as [any Bindable] {
            let fault = await #expect(throws: Fault.self) {
                try await test.database.execute(Statement<Void>("SELECT $1"), [value])
            }
            #expect(fault?.code == .validation)
        }
        let nul = await #expect(throws: Fault.self) {
            try await test.database.execute(Statement<Void>("SELECT $1::jsonb"), [JSONValue.string("\0")])
        }
        #expect(nul?.code == .validation)
        await test.close()
    }

    @Test func aMistakenColumnSaysWhichOne() async throws {
        struct Wrong: RowDecodable {
            let id: Int
            init(_ row: Row) throws(Fault) { id = try row["title"] }
        }
        let test = try await TestDatabase.make()
        for sql in ["SELECT 'x'::text AS title", "SELECT 1 AS id"] {
            let fault = await #expect(throws: Fault.self) { try await test.database.first(Statement<Wrong>(sql)) }
            #expect(fault?.message.contains("title") == true)
        }
        let description = try await test.database.describe("SELECT $1::int4 AS a, now() AS b WHERE $2 = 'x'::text")
        #expect(description.parameters == ["integer", "text"])
        #expect(description.columns.map(\.name) == ["a", "b"])
        #expect(description.columns.map(\.type) == ["integer", "timestamp with time zone"])
        await test.close()
    }
}

private enum Colour: String, Bindable, ArrayElement, ColumnDecodable, RowDecodable { case red, blue }
