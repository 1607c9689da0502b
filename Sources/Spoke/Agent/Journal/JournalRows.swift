import GRDB
import GRDBSQLite
import Protocol

/// The statements on table `journal`. Inserting speaks to SQLite directly, because it is the one hot path: binding
/// through GRDB's values costs as much as the insert itself.
enum JournalRows {
    /// `SQLITE_TRANSIENT` and `SQLITE_STATIC` are macros that Swift does not see.
    private static let keptByCaller: sqlite3_destructor_type? = nil

    /// Adds rows by a statement that is looked up once.
    struct Inserter {
        private let db: Database
        private let handle: OpaquePointer?

        init(_ db: Database) throws {
            self.db = db
            handle = try db.cachedStatement(sql: SQL.insert).sqliteStatement
        }

        /// The bytes are bound where they lie: they must be there until the step is done, and are looked at no more
        /// until others are bound.
        func insert(_ record: StreamRecord, sum: ChainHash?) throws {
            sqlite3_reset(handle)
            var type = record.type
            let code = type.withUTF8 { type in
                record.payload.withUnsafeBytes { payload in
                    record.hash.withUnsafeBytes { hash in
                        (sum?.bytes ?? []).withUnsafeBytes { sum in
                            sqlite3_bind_int64(handle, 1, record.seq)
                            sqlite3_bind_int64(handle, 2, record.epoch)
                            sqlite3_bind_int64(handle, 3, record.at)
                            type.withMemoryRebound(to: CChar.self) { text in
                                _ = sqlite3_bind_text(handle, 4, text.baseAddress, Int32(text.count), keptByCaller)
                            }
                            bindBlob(payload, at: 5)
                            bindBlob(hash, at: 6)
                            if sum.isEmpty { sqlite3_bind_null(handle, 7) } else { bindBlob(sum, at: 7) }
                            let code = sqlite3_step(handle)
                            sqlite3_reset(handle)
                            return code
                        }
                    }
                }
            }
            guard code == SQLITE_DONE else {
                throw DatabaseError(
                    resultCode: ResultCode(rawValue: code),
                    message: db.lastErrorMessage,
                    sql: SQL.insert
                )
            }
        }

        /// An empty blob needs an address too, or SQLite takes it for NULL.
        private func bindBlob(_ bytes: UnsafeRawBufferPointer, at index: Int32) {
            if let address = bytes.baseAddress, !bytes.isEmpty {
                sqlite3_bind_blob(handle, index, address, Int32(bytes.count), keptByCaller)
            } else {
                sqlite3_bind_zeroblob(handle, index, 0)
            }
        }
    }

    /// A row as it is stored.
    struct Stored {
        var record: StreamRecord
        var previous: ChainHash?
    }

    static func cursor(after seq: Int64, in db: Database) throws -> RowCursor {
        try Row.fetchCursor(db.cachedStatement(sql: SQL.after), arguments: [seq])
    }

    /// - Throws `SQLITE_CORRUPT` for columns that no journal writes.
    static func stored(_ row: Row) throws -> Stored {
        guard let seq = Int64.fromDatabaseValue(row[0]), let epoch = Int64.fromDatabaseValue(row[1]),
            let at = Int64.fromDatabaseValue(row[2]), let type = String.fromDatabaseValue(row[3]),
            case .blob(let hash) = (row[5] as DatabaseValue).storage, let hash = ChainHash([UInt8](hash))
        else { throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "A journal row is not one.") }
        let payload = try row.withUnsafeData(atIndex: 4) { $0.map { [UInt8]($0) } ?? [] }
        return Stored(
            record: StreamRecord(epoch: epoch, seq: seq, at: at, type: type, payload: payload, hash: hash),
            previous: hashValue(row[6])
        )
    }

    static func hashValue(_ value: DatabaseValue) -> ChainHash? {
        guard case .blob(let data) = value.storage else { return nil }
        return ChainHash([UInt8](data))
    }

    static func hash(at seq: Int64, in db: Database) throws -> ChainHash? {
        try Row.fetchOne(db.cachedStatement(sql: SQL.hashAt), arguments: [seq]).flatMap { hashValue($0[0]) }
    }

    /// The hash of the last row below `seq`; `nil` if there is none.
    static func hash(before seq: Int64, in db: Database) throws -> ChainHash? {
        try Row.fetchOne(db.cachedStatement(sql: SQL.hashBefore), arguments: [seq]).flatMap { hashValue($0[0]) }
    }

    static func weight(upTo seq: Int64, in db: Database) throws -> Int {
        try Int.fetchOne(db.cachedStatement(sql: SQL.weight), arguments: [seq]) ?? 0
    }

    static func delete(upTo seq: Int64, in db: Database) throws {
        try db.cachedStatement(sql: SQL.deleteUpTo).execute(arguments: [seq])
    }

    /// Shortens the file step by step after a long time offline; a few pages per acknowledgement.
    static func giveBackRoom(in db: Database) throws {
        let free = try Int.fetchOne(db.cachedStatement(sql: "PRAGMA freelist_count")) ?? 0
        if free > 4_096 { try db.execute(sql: "PRAGMA incremental_vacuum(256)") }
    }

    enum SQL {
        static let insert = """
            INSERT INTO journal (seq, epoch, at, type, payload, hash, sum) VALUES (?, ?, ?, ?, ?, ?, ?)
            """
        static let after = """
            SELECT seq, epoch, at, type, payload, hash, previous FROM journal WHERE seq > ? ORDER BY seq
            """
        static let hashAt = "SELECT hash FROM journal WHERE seq = ?"
        static let hashBefore = "SELECT hash FROM journal WHERE seq < ? ORDER BY seq DESC LIMIT 1"
        /// As `StreamRecord.weight` has it. `length` of a blob reads the row's header only, not the blob.
        static let weight = "SELECT sum(length(payload) + length(type) + 64) FROM journal WHERE seq <= ?"
        static let deleteUpTo = "DELETE FROM journal WHERE seq <= ?"
    }
}
