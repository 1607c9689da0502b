import Foundation
import Logging
import Postgres
import Protocol
import Synchronization

/// The ways of committing rows that are compared, in rows per second.
struct CommitWays: Sendable {
    struct Way: Sendable {
        let name: String
        let run: @Sendable (CommitWays) async throws -> Double
    }

    static let pgbench = "pgbench -c8 -j2, prepared, one row each"
    static let singles = "one row per statement, 64 tasks"
    static let multiRow = "plain VALUES of 100 rows, 1 task"
    static let grouped = "GroupWriter, 256 tasks"
    static let ingest = "ingest"
    static let all: [Way] = [
        Way(name: pgbench) { try $0.pgbench() },
        Way(name: singles) { try await $0.singles(tasks: 64) },
        Way(name: multiRow) { try await $0.multiRow(rows: 100) },
        Way(name: grouped) { try await $0.grouped(tasks: 256) },
        Way(name: ingest) { try await $0.ingested() },
    ]

    static let create = Statement<Void>(
        """
        CREATE TABLE IF NOT EXISTS events (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, spoke int NOT NULL, seq bigint NOT NULL,
            kind text NOT NULL, body jsonb NOT NULL, at timestamptz NOT NULL DEFAULT now()
        )
        """
    )
    private static let one = Statement<Void>(
        "INSERT INTO events (spoke, seq, kind, body) VALUES ($1, $2, $3, $4::jsonb)"
    )
    private static let many = Statement<Void>(
        """
        INSERT INTO events (spoke, seq, kind, body)
        SELECT spoke, seq, kind, body::jsonb
          FROM unnest($1::int4[], $2::int8[], $3::text[], $4::text[]) AS row (spoke, seq, kind, body)
        """
    )
    private static let kind = "session.output"
    private static let body = """
        {"session":"0190c0de-0000-7000-8000-000000000001","stream":"stdout","offset":123456,"bytes":180,\
        "text":"the quick brown fox jumps over the lazy dog and then writes a line about it","at":"2026-01-31T12:00:00Z"}
        """

    let database: Database
    let socket: String
    /// Spokes of a running hub whose memory is on the same server.
    let spokes: [LoadSpoke]
    let seconds: Double

    private func rate(tasks: Int, _ write: @escaping @Sendable (Int) async throws -> Int) async throws -> Double {
        let start = ContinuousClock.now
        let end = start + .seconds(seconds)
        let rows = try await withThrowingTaskGroup(of: Int.self) { group in
            for task in 0..<tasks {
                group.addTask {
                    var rows = 0
                    while ContinuousClock.now < end { rows += try await write(task) }
                    return rows
                }
            }
            return try await group.reduce(0, +)
        }
        return Double(rows) / ((ContinuousClock.now - start) / .seconds(1))
    }

    /// What the hub acknowledged, through links, chain checks and all its tables.
    private func ingested() async throws -> Double {
        let before = spokes.reduce(0) { $0 + $1.acknowledged }
        let start = ContinuousClock.now
        let end = start + .seconds(seconds)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for spoke in spokes { group.addTask { try await spoke.write(until: end, bytes: 200) } }
            try await group.waitForAll()
        }
        let took = (ContinuousClock.now - start) / .seconds(1)
        return Double(spokes.reduce(0) { $0 + $1.acknowledged } - before) / took
    }

    private func singles(tasks: Int) async throws -> Double {
        let database = database
        return try await rate(tasks: tasks) { task in
            try await database.execute(Self.one, [task, 1, Self.kind, Self.body])
        }
    }

    private func multiRow(rows: Int) async throws -> Double {
        let places = (0..<rows).map { "($\($0 * 4 + 1), $\($0 * 4 + 2), $\($0 * 4 + 3), $\($0 * 4 + 4)::jsonb)" }
        let sql = "INSERT INTO events (spoke, seq, kind, body) VALUES " + places.joined(separator: ", ")
        let statement = Statement<Void>(sql)
        let row: [any Bindable] = [1, 2, Self.kind, Self.body]
        let values = (0..<rows).flatMap { _ in row }
        let database = database
        return try await rate(tasks: 1) { _ in try await database.execute(statement, values) }
    }

    private func grouped(tasks: Int) async throws -> Double {
        let database = database
        let writer = GroupWriter<Int32, Int>(lanes: 2, maxItems: 1_000) { batch throws(Fault) in
            try await database.execute(
                Self.many,
                [
                    batch, batch.map(Int64.init), [String](repeating: Self.kind, count: batch.count),
                    [String](repeating: Self.body, count: batch.count),
                ]
            )
        }
        async let running: Void = writer.run()
        let rate = try await rate(tasks: tasks) { task in
            try await writer.append(Int32(task))
            return 1
        }
        writer.finish()
        await running
        return rate
    }

    private func pgbench() throws -> Double {
        let script = NSTemporaryDirectory() + "/nave-bench-\(ProcessInfo.processInfo.processIdentifier).sql"
        let text = "INSERT INTO events (spoke, seq, kind, body) VALUES (1, 2, '\(Self.kind)', '\(Self.body)');"
        // pgbench takes a colon before a letter for a variable; in the body colons stand before quotes and digits.
        try text.write(toFile: script, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(atPath: script) }  // Only tidiness.
        let process = Process()
        let pipe = Pipe()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [
            "pgbench", "-h", socket, "-U", "nave", "-n", "-c", "8", "-j", "2", "-T", "\(Int(seconds.rounded(.up)))",
            "-M", "prepared",
            "-f", script, "nave",
        ]
        process.standardOutput = pipe
        process.standardError = FileHandle.nullDevice
        // pgbench ends by SIGALRM, and a child inherits what the threads of this program block.
        var (none, before) = (sigset_t(), sigset_t())
        sigemptyset(&none)
        pthread_sigmask(SIG_SETMASK, &none, &before)
        try process.run()
        pthread_sigmask(SIG_SETMASK, &before, nil)
        let output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        let line = output.split(separator: "\n").first { $0.hasPrefix("tps = ") }
        guard let rate = line?.split(separator: " ").dropFirst(2).first.flatMap({ Double($0) }) else {
            throw Fault(.execution, "pgbench gave no figure; install Debian's package “postgresql”.")
        }
        return rate
    }
}
