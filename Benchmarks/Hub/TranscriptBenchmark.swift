import Foundation
import HubDomains
import Logging
import Postgres
import Protocol

/// How fast agents' output becomes messages and parts: what is stored of it is read, taken apart, and committed row by
/// row with all keys, triggers and foreign keys, beside the same rows put into bare tables by plain multi-row inserts
/// on the same server in the same series.
struct TranscriptBenchmark {
    private let settings: BenchSettings
    private static let sessions = 32
    private static let lines = 400
    /// What a spoke sends at a time.
    private static let chunkBytes = 16_384
    private static let rowsAtATime = 100

    init(_ settings: BenchSettings) { self.settings = settings }

    func figures() async throws -> [Figure] {
        try await BenchServer.with(settings.scratch + "/transcripts", series)
    }

    private func series(on server: BenchServer) async throws -> [Figure] {
        let hub = try server.startHub()
        _ = try hub.firstLine()
        hub.stop()
        let database = Database(DatabaseConfiguration(server.address(of: "hub")), logger: server.logger)
        let domains = Domains(database: database, logger: server.logger)
        try await prepare(database)
        var (ours, plain): ([Double], [Double]) = ([], [])
        for _ in 0..<settings.rounds {
            try await settle(database)
            ours.append(try await ingested(by: domains, on: database))
            try await settle(database)
            plain.append(try await inserted(on: database))
        }
        await database.close()
        return [
            Figure(
                "agents' output → messages and parts, \(Self.sessions) sessions",
                String(format: "%.0f rows/s", ours.median),
                against: String(
                    format: "plain VALUES of %d rows, bare tables: %.0f rows/s",
                    Self.rowsAtATime,
                    plain.median
                ),
                ratio: ours.median / plain.median
            )
        ]
    }

    /// Sessions that ended, with what their agents printed.
    private func prepare(_ database: Database) async throws {
        try await database.execute(
            Statement<Void>("INSERT INTO nave.projects (id, name, directory) VALUES ('p', 'bench', '/srv/bench')")
        )
        let output = Self.output()
        for number in 0..<Self.sessions {
            try await database.execute(
                Statement<Void>(
                    """
                    INSERT INTO nave.sessions (id, project_id, slug, title, fence, ended_at, exit_reason, exit_code)
                    VALUES ($1, 'p', $1, 'bench', 1, now(), 'exited', 0)
                    """
                ),
                ["s\(number)"]
            )
            for start in stride(from: 0, to: output.count, by: Self.chunkBytes) {
                let chunk = Array(output[start..<min(start + Self.chunkBytes, output.count)])
                try await database.execute(
                    Statement<Void>(
                        """
                        INSERT INTO nave.session_output
                            (id, session_id, session_number, stream, byte_offset, content, at)
                        VALUES ($1, $2, 1, 'stdout', $3, $4, now())
                        """
                    ),
                    ["\(number)-\(start)", "s\(number)", start, chunk]
                )
            }
        }
        for table in ["messages", "parts"] {
            try await database.execute(
                Statement<Void>("CREATE TABLE plain_\(table) (LIKE nave.\(table) INCLUDING ALL)")
            )
        }
    }

    /// A conversation as common agent programs print it: a thought, a call, what came of it, a word about it.
    private static func output() -> [UInt8] {
        let words = String(repeating: "the quick brown fox reads a file and writes a line about it ", count: 5)
        let lines = (0..<lines).map { number in
            switch number % 4 {
            case 0:
                #"{"type":"assistant","message":{"id":"m\#(number)","model":"m-1","content":[{"type":"thinking","#
                    + #""thinking":"\#(words)"}]},"session_id":"c"}"#
            case 1:
                #"{"type":"assistant","message":{"id":"m\#(number)","model":"m-1","content":[{"type":"tool_use","#
                    + #""id":"t\#(number)","name":"bash","input":{"command":"\#(words)"}}]},"session_id":"c"}"#
            case 2:
                #"{"type":"user","message":{"content":[{"type":"tool_result","tool_use_id":"t\#(number - 1)","#
                    + #""content":"\#(words)"}]},"session_id":"c"}"#
            default:
                #"{"type":"assistant","message":{"id":"m\#(number)","model":"m-1","content":[{"type":"text","#
                    + #""text":"\#(words)"}],"usage":{"input_tokens":10,"output_tokens":2}},"session_id":"c"}"#
            }
        }
        return Array((lines.joined(separator: "\n") + "\n").utf8)
    }

    private func settle(_ database: Database) async throws {
        try await database.execute(Statement<Void>("CHECKPOINT"))
        sync()
        try await Task.sleep(for: .milliseconds(300))
    }

    /// Rows per second until everything that was printed is read.
    private func ingested(by domains: Domains, on database: Database) async throws -> Double {
        try await database.execute(Statement<Void>("DELETE FROM nave.messages"))
        try await database.execute(
            Statement<Void>(
                """
                UPDATE nave.sessions SET transcript =
                    '{"isDone": false, "output": "jsonl", "fence": 1, "sequence": 0}'
                """
            )
        )
        try await database.execute(Statement<Void>("VACUUM nave.messages, nave.parts, nave.sessions"))
        try await settle(database)
        let begun = ContinuousClock.now
        while try await domains.coordination.readTranscripts() > 0 {}
        let took = (ContinuousClock.now - begun) / .seconds(1)
        let rows = try await database.first(
            Statement<Int64>("SELECT (SELECT count(*) FROM nave.messages) + (SELECT count(*) FROM nave.parts)")
        )
        guard let rows, rows > Int64(Self.sessions * Self.lines) else {
            throw Fault(.execution, "Only \(rows ?? 0) rows came of \(Self.sessions * Self.lines) lines.")
        }
        return Double(rows) / took
    }

    /// Rows per second of the same rows, one statement after the other.
    private func inserted(on database: Database) async throws -> Double {
        try await database.execute(Statement<Void>("TRUNCATE plain_messages, plain_parts"))
        let messages = try await rows(database, "id, session_id, role, status, model", of: "messages")
        let parts = try await rows(
            database,
            "id, message_id, session_id, type, data::text, sequence::text",
            of: "parts"
        )
        let begun = ContinuousClock.now
        try await insert(
            messages,
            into: "plain_messages (id, session_id, role, status, model)",
            ["", "", "", "", ""],
            database
        )
        try await insert(
            parts,
            into: "plain_parts (id, message_id, session_id, type, data, sequence)",
            ["", "", "", "", "::jsonb", "::text::bigint"],
            database
        )
        let took = (ContinuousClock.now - begun) / .seconds(1)
        return Double(messages.count + parts.count) / took
    }

    private func rows(_ database: Database, _ columns: String, of table: String) async throws -> [[String?]] {
        let texts = try await database.query(
            Statement<String>("SELECT json_build_array(\(columns))::text FROM nave.\(table) ORDER BY id")
        )
        return try texts.map { text in
            try (JSONValue(parsing: Array(text.utf8)).arrayValue ?? []).map(\.stringValue)
        }
    }

    private func insert(
        _ rows: [[String?]],
        into target: String,
        _ casts: [String],
        _ database: Database
    ) async throws {
        let width = casts.count
        for start in stride(from: 0, to: rows.count, by: Self.rowsAtATime) {
            let some = rows[start..<min(start + Self.rowsAtATime, rows.count)]
            let places = some.indices.map { row in
                let cells = (0..<width).map { "$\((row - start) * width + $0 + 1)\(casts[$0])" }
                return "(" + cells.joined(separator: ", ") + ")"
            }
            let values = some.joined().map { $0 as (any Bindable)? }
            try await database.execute(
                Statement<Void>("INSERT INTO \(target) VALUES \(places.joined(separator: ", "))"),
                values
            )
        }
    }
}
