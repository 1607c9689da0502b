import Foundation
import GRDB
import Protocol

/// Single values, as JSON, in table `state`.
enum StateTable {
    /// The names of all there are.
    enum Key: String {
        /// A ``JournalLedger/Anchor``.
        case journal
        /// The `StreamMark` of the last command received.
        case commands
    }

    static func set(_ key: Key, _ value: some Encodable, in db: Database) throws {
        try db.cachedStatement(sql: SQL.set).execute(arguments: [key.rawValue, Data(WireCoder.bytes(of: value))])
    }

    /// - Throws `SQLITE_CORRUPT` for a value that cannot be read.
    static func get<Value: Decodable>(_ key: Key, as type: Value.Type, in db: Database) throws -> Value? {
        guard let bytes = try Data.fetchOne(db.cachedStatement(sql: SQL.get), arguments: [key.rawValue]) else {
            return nil
        }
        do {
            return try WireCoder.value(type, from: bytes)
        } catch {
            throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "State \(key.rawValue): \(error.message)")
        }
    }

    private enum SQL {
        static let set = """
            INSERT INTO state (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value
            """
        static let get = "SELECT value FROM state WHERE key = ?"
    }
}

/// The ends of streams, in table `session_streams`: written with the output they sum up, in one transaction.
enum OutputSums {
    static func one(_ key: OutputKey, in db: Database) throws -> OutputSum? {
        let row = try Row.fetchOne(
            db.cachedStatement(sql: "SELECT bytes, hash FROM session_streams WHERE \(place)"),
            arguments: [key.sessionId.rawValue, key.fence, key.stream.number]
        )
        return try row.map { try sum(key.stream, bytes: $0[0], hash: $0[1]) }
    }

    /// Every stream that one placement of a session has had.
    static func all(_ session: SessionID, fence: Int64, in db: Database) throws -> [OutputSum] {
        try Row.fetchAll(
            db.cachedStatement(
                sql: """
                    SELECT bytes, hash, stream FROM session_streams WHERE session_id = ? AND fence = ? ORDER BY stream
                    """
            ),
            arguments: [session.rawValue, fence]
        ).compactMap { row -> OutputSum? in
            guard let stream = Protocol.OutputStream(number: row[2]) else { return nil }
            return try sum(stream, bytes: row[0], hash: row[1])
        }
    }

    static func write(_ sum: OutputSum, of key: OutputKey, in db: Database) throws {
        try db.cachedStatement(
            sql: """
                INSERT INTO session_streams (session_id, fence, stream, bytes, hash) VALUES (?, ?, ?, ?, ?)
                ON CONFLICT (session_id, fence, stream) DO UPDATE SET bytes = excluded.bytes, hash = excluded.hash
                """
        ).execute(
            arguments: [key.sessionId.rawValue, key.fence, key.stream.number, sum.bytes, Data(sum.hash.bytes)])
    }

    static func forget(_ session: SessionID, in db: Database) throws {
        try db.execute(sql: "DELETE FROM session_streams WHERE session_id = ?", arguments: [session.rawValue])
    }

    /// Sets streams back to what is left of them below `seq`, so that their spools are read again from there.
    ///
    /// - Returns: how many were.
    static func rewind(behind seq: Int64, in db: Database) throws -> Int {
        var (ends, lost) = ([OutputKey: OutputSum](), Set<OutputKey>())
        do {
            let cursor = try Row.fetchCursor(
                db,
                sql: """
                    SELECT seq, substr(payload, 1, 300), length(payload), sum
                    FROM journal WHERE type = 'session.output' ORDER BY seq
                    """
            )
            while let row = try cursor.next() {
                guard let head = OutputChunk(decoding: [UInt8](row[1] as Data)),
                    let hash = JournalRows.hashValue(row[3])
                else { continue }
                let key = OutputKey(sessionId: head.sessionId, fence: head.fence, stream: head.stream)
                let size = row[2] as Int64 - Int64(18 + head.sessionId.rawValue.utf8.count)
                if row[0] as Int64 >= seq {
                    lost.insert(key)
                } else {
                    ends[key] = OutputSum(stream: key.stream, bytes: head.offset + size, hash: hash)
                }
            }
        } catch let error as DatabaseError where error.means(.corrupt) {
            // What cannot be read cannot be counted; the alert tells of the damage.
        }
        for key in lost {
            let sum = ends[key] ?? OutputSum(stream: key.stream, bytes: 0, hash: .origin)
            try write(sum, of: key, in: db)
        }
        return lost.count
    }

    private static let place = "session_id = ? AND fence = ? AND stream = ?"

    private static func sum(_ stream: Protocol.OutputStream, bytes: Int64, hash: Data) throws -> OutputSum {
        guard let hash = ChainHash([UInt8](hash)) else {
            throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "A stream's hash is not one.")
        }
        return OutputSum(stream: stream, bytes: bytes, hash: hash)
    }
}

extension ChainHash {
    /// As a blob.
    var data: Data { Data(bytes) }
}
