import Foundation
import GRDBSQLite
import Protocol
import SpokeAgent
import SpokeCore

/// Measures the journal against SQLite's own C interface: the same rows, the same durability, the same disk, one after
/// the other in the same run, so that a busy machine slows both.
///
///     journal-bench [SECONDS [DIRECTORY]]   prints rows per second and the ratios
///     journal-bench write FILE              appends for ever and prints each durable mark, for tests that kill it
@main
struct JournalBench {
    static func main() async throws {
        let arguments = CommandLine.arguments.dropFirst()
        if arguments.first == "write", let file = arguments.dropFirst().first {
            try await write(file)
        } else {
            let directory = arguments.dropFirst().first ?? FileManager.default.currentDirectoryPath
            try await measure(seconds: arguments.first.flatMap(Double.init) ?? 1.5, in: directory)
        }
    }

    private static func write(_ file: String) async throws {
        let journal = try await Journal(try SpokeDatabase.open(file))
        var offset: Int64 = 0
        while true {
            let mark = try await journal.append([.alert(.info, "bench", "state")])
            let bytes = [UInt8](repeating: UInt8(truncatingIfNeeded: mark.seq), count: 700)
            let position = try await journal.append(
                output: OutputChunk(sessionId: "s", fence: 1, stream: .stdout, offset: offset, bytes: bytes)
            )
            offset = position.journaled
            print("\(mark.seq) \(offset)")
            fflush(nil)
        }
    }

    static let payload = WireCoder.bytes(
        of: AlertRaised(level: .info, kind: "bench", message: String(repeating: "x", count: 150))
    )

    private static func measure(seconds: Double, in directory: String) async throws {
        let scratch = directory + "/.bench-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: scratch, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: scratch) }  // What stays behind is only clutter.
        var table: [String: [Double]] = [:]
        for round in 0..<3 {
            for (name, batch) in [("one at a time", 1), ("100 together", 100), ("1000 together", 1_000)] {
                let raw = try RawJournal(scratch + "/raw\(round)-\(batch)")
                table["SQLite C, \(name)", default: []].append(
                    try rate(seconds) {
                        try raw.append(payload, count: batch)
                        return batch
                    }
                )
                let limits = JournalLimits(softBytes: 1 << 40, hardBytes: 1 << 40, batchRequests: batch)
                let database = try SpokeDatabase.open(scratch + "/journal\(round)-\(batch)")
                let journal = try await Journal(database, limits: limits)
                let drafts = [JournalDraft](repeating: JournalDraft(.alertRaised, payload: payload), count: batch)
                table["Journal, \(name)", default: []].append(
                    try await rate(seconds) {
                        try await journal.append(drafts)
                        return batch
                    }
                )
                if batch > 1 {
                    table["Journal, \(name), a task each", default: []].append(
                        try await crowd(journal, tasks: batch, seconds: seconds)
                    )
                }
                try database.close()
            }
        }
        report(table.mapValues { $0.sorted()[$0.count / 2] })
        redaction()
    }

    private static func crowd(_ journal: Journal, tasks: Int, seconds: Double) async throws -> Double {
        let draft = JournalDraft(.alertRaised, payload: payload)
        let clock = ContinuousClock()
        let (start, end) = (clock.now, clock.now + .seconds(seconds))
        let rows = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<tasks {
                group.addTask {
                    var rows = 0
                    while clock.now < end {
                        try await journal.append([draft])
                        rows += 1
                    }
                    return rows
                }
            }
            return try await group.reduce(0, +)
        }
        return Double(rows) / ((clock.now - start) / .seconds(1))
    }

    private static func report(_ table: [String: Double]) {
        for (name, rate) in table.sorted(by: { $0.key < $1.key }) {
            let raw = name.replacing("Journal,", with: "SQLite C,").replacing(", a task each", with: "")
            let ratio = table[raw].map { rate / $0 } ?? 0
            print("\(name): \(Int(rate)) rows/s, \((ratio * 100).rounded() / 100) of SQLite C")
        }
    }

    private static func redaction() {
        let line = Array("2026-01-31T12:00:00Z INFO worker-7 compiled Sources/App/Login.swift in 123 ms (ok)\n".utf8)
        let text = (0..<700).flatMap { _ in line }
        for count in [0, 1, 20] {
            let secrets = (0..<count).map { Array("s3cr\($0)t-\($0 &* 7_919)-AbCdEfGhIjKl/\($0)+x".utf8) }
            var redactor = Redactor(SecretPatterns(secrets))
            let rate = rate(1) {
                _ = redactor.redact(text)
                return text.count
            }
            print("Redactor, \(count) secrets: \(Int(rate / 1e6)) MB/s")
        }
    }

    private static func rate(_ seconds: Double, _ body: () throws -> Int) rethrows -> Double {
        let clock = ContinuousClock()
        let start = clock.now
        var units = 0
        while clock.now - start < .seconds(seconds) { units += try body() }
        return Double(units) / ((clock.now - start) / .seconds(1))
    }

    private static func rate(_ seconds: Double, _ body: () async throws -> Int) async rethrows -> Double {
        let clock = ContinuousClock()
        let start = clock.now
        var units = 0
        while clock.now - start < .seconds(seconds) { units += try await body() }
        return Double(units) / ((clock.now - start) / .seconds(1))
    }
}

/// The journal's table written as directly as SQLite allows: no chain, no counters, one prepared statement.
struct RawJournal {
    struct Refused: Error { let code: Int32 }

    private let database: OpaquePointer?
    private let statement: OpaquePointer?

    init(_ path: String) throws {
        var (database, statement): (OpaquePointer?, OpaquePointer?)
        try Self.check(sqlite3_open(path, &database))
        let schema = """
            PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
            CREATE TABLE journal (
                seq INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, at INTEGER NOT NULL, type TEXT NOT NULL,
                payload BLOB NOT NULL, hash BLOB NOT NULL, sum BLOB, previous BLOB) STRICT;
            """
        try Self.check(sqlite3_exec(database, schema, nil, nil, nil))
        let insert = "INSERT INTO journal (epoch, at, type, payload, hash) VALUES (1, ?, 'alert.raised', ?, ?)"
        try Self.check(sqlite3_prepare_v2(database, insert, -1, &statement, nil))
        (self.database, self.statement) = (database, statement)
    }

    func append(_ payload: [UInt8], count: Int) throws {
        try Self.check(sqlite3_exec(database, "BEGIN IMMEDIATE", nil, nil, nil))
        let hash = [UInt8](repeating: 7, count: 32)
        for row in 0..<count {
            sqlite3_bind_int64(statement, 1, Int64(row))
            sqlite3_bind_blob(statement, 2, payload, Int32(payload.count), nil)
            sqlite3_bind_blob(statement, 3, hash, 32, nil)
            guard sqlite3_step(statement) == SQLITE_DONE else { throw Refused(code: sqlite3_errcode(database)) }
            sqlite3_reset(statement)
        }
        try Self.check(sqlite3_exec(database, "COMMIT", nil, nil, nil))
    }

    private static func check(_ code: Int32) throws {
        guard code == SQLITE_OK else { throw Refused(code: code) }
    }
}
