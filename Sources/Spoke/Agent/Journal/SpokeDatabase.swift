public import Foundation
import GRDB
public import Protocol

#if canImport(Glibc)
    import Glibc
#endif

/// The spoke's one file, `spoke.sqlite`: WAL, every commit on the disk before it returns, one writer.
///
/// One connection serves writer and readers alike, in order: an idle spoke has one small page cache, and what is
/// read is always what was committed before.
public final class SpokeDatabase: Sendable {
    /// Where the file is.
    public let path: String
    let queue: DatabaseQueue
    let markFile: JournalMarkFile?
    /// What was found and done while opening, for the journal to tell as its first records.
    let findings: [JournalDraft]

    private init(path: String, queue: DatabaseQueue, markFile: JournalMarkFile?, findings: [JournalDraft]) {
        self.path = path
        self.queue = queue
        self.markFile = markFile
        self.findings = findings
    }

    /// Opens the file for the agent and makes it if it is missing. A damaged tail of the journal is cut off; a file
    /// that cannot be read is moved aside and what other tables still give is taken over. Both are told in the
    /// journal's next records.
    ///
    /// - Parameter now: names the file that was moved aside.
    /// - Fails with `conflict` while another agent has it open, with `unavailable` if the directory cannot be used
    ///   or a later version of the spoke wrote the file.
    public static func open(
        _ path: String,
        limits: JournalLimits = .init(),
        now: Date = Date()
    ) throws(Fault) -> SpokeDatabase {
        let markFile = try JournalMarkFile.open(beside: path)
        do {
            do {
                let (queue, findings) = try connect(path, limits)
                return SpokeDatabase(path: path, queue: queue, markFile: markFile, findings: findings)
            } catch let error as DatabaseError where error.means(.corrupt) {
                let aside = try moveAside(path, at: now)
                markFile.beginEpoch()
                let (queue, _) = try connect(path, limits)
                let lost = try queue.writeWithoutTransaction { try takeOver(from: aside, in: $0) }
                let finding = lossAlert(error, aside: aside, lost: lost)
                return SpokeDatabase(path: path, queue: queue, markFile: markFile, findings: [finding])
            }
        } catch let error as SpokeSchema.NewerFile {
            throw Fault(
                .unavailable,
                "\(path) was written by a newer spoke (version \(error.version)); install that version or a later one."
            )
        } catch {
            throw Fault(database: error)
        }
    }

    /// Opens the file as it is, to look at it while no agent runs. Nothing can be written.
    public static func openReadOnly(_ path: String) throws(Fault) -> SpokeDatabase {
        var configuration = GRDB.Configuration()
        configuration.readonly = true
        configuration.busyMode = .timeout(2)
        do {
            let queue = try DatabaseQueue(path: path, configuration: configuration)
            return SpokeDatabase(path: path, queue: queue, markFile: nil, findings: [])
        } catch {
            throw Fault(database: error)
        }
    }

    /// Closes the file; what was appended stays.
    public func close() throws(Fault) {
        do {
            try queue.close()
            markFile?.unlock()
        } catch {
            throw Fault(database: error)
        }
    }

    /// Runs `body` behind everything that was asked of the file before. Not stopped by cancellation of the caller:
    /// others may wait for the same commit.
    func access<Value: Sendable>(_ body: @escaping @Sendable (Database) throws -> Value) async -> Result<
        Value, any Error
    > {
        await withCheckedContinuation { continuation in
            queue.asyncWriteWithoutTransaction { db in
                continuation.resume(returning: Result { try body(db) })
            }
        }
    }

    /// Reads what is committed.
    func read<Value: Sendable>(_ body: @escaping @Sendable (Database) throws -> Value) async throws(Fault) -> Value {
        switch await access(body) {
        case .success(let value): return value
        case .failure(let error): throw Fault(database: error)
        }
    }

    private static func connect(
        _ path: String,
        _ limits: JournalLimits
    ) throws -> (DatabaseQueue, [JournalDraft]) {
        var configuration = GRDB.Configuration()
        configuration.journalMode = .wal
        configuration.busyMode = .timeout(5)
        configuration.label = "spoke.sqlite"
        configuration.prepareDatabase { db in
            // Before the first table, or it has no effect: room given back after a long time offline.
            try db.execute(sql: "PRAGMA auto_vacuum = INCREMENTAL")
            try db.execute(sql: "PRAGMA cache_size = -1024")
            try db.execute(sql: "PRAGMA journal_size_limit = 8388608")
        }
        // For the owner alone from the first byte on; SQLite gives its other files the same mode.
        let file = Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        if file >= 0 { Glibc.close(file) }
        let queue = try DatabaseQueue(path: path, configuration: configuration)
        let findings = try queue.writeWithoutTransaction { db in
            try SpokeSchema.migrate(db)
            // GRDB sets NORMAL when it turns WAL on, after `prepareDatabase`; so this comes last.
            try db.execute(sql: "PRAGMA synchronous = FULL")
            return try JournalLedger.repair(in: db, limits: limits)
        }
        return (queue, findings)
    }

    private static func moveAside(_ path: String, at now: Date) throws -> String {
        let target = "\(path).corrupt-\(now.milliseconds)"
        for suffix in ["", "-wal", "-shm"] where FileManager.default.fileExists(atPath: path + suffix) {
            try FileManager.default.moveItem(atPath: path + suffix, toPath: target + suffix)
        }
        return target
    }

    /// Copies what can still be read. Not the journal, whose chain is broken, and not the positions of streams, so
    /// that spools are read again from their beginning.
    ///
    /// - Returns: the tables that could not be copied.
    private static func takeOver(from aside: String, in db: Database) throws -> [String] {
        let tables = ["commands", "sessions", "workspaces", "mirrors", "salvages"]
        do {
            try db.execute(sql: "ATTACH DATABASE ? AS aside", arguments: [aside])
        } catch {
            return tables
        }
        var lost: [String] = []
        for table in tables {
            do {
                try db.execute(sql: "INSERT OR IGNORE INTO main.\(table) SELECT * FROM aside.\(table)")
            } catch {
                lost.append(table)
            }
        }
        do {
            try db.execute(sql: "INSERT INTO main.state SELECT * FROM aside.state WHERE key = 'commands'")
        } catch {
            lost.append("state")
        }
        try db.execute(sql: "DETACH DATABASE aside")
        return lost
    }

    private static func lossAlert(_ error: DatabaseError, aside: String, lost: [String]) -> JournalDraft {
        .alert(
            .critical,
            "journal.lost",
            "The spoke's file could not be read (\(error.resultCode)); it was moved to \(aside) and a new one begun.",
            details: ["path": .string(aside), "tablesLost": .array(lost.map { .string($0) })]
        )
    }
}

extension Fault {
    /// What a caller is told of an error of the spoke's file.
    init(database error: any Error) {
        switch error {
        case let fault as Fault: self = fault
        case let error as DatabaseError where error.means(.full):
            self.init(.unavailable, "The spoke's disk is full; free some room and try again.")
        case let error as DatabaseError:
            self.init(.unavailable, "The spoke's file answered \(error.resultCode): \(error.message ?? "no more").")
        default:
            self.init(.unavailable, "The spoke's file could not be used: \(error).")
        }
    }
}

/// What an error of SQLite means for the journal.
enum StorageTrouble {
    /// No room, or a disk that refuses to write: may be over in a moment.
    case full
    /// What is in the file cannot be what was written.
    case corrupt
}

extension DatabaseError {
    func means(_ trouble: StorageTrouble) -> Bool {
        switch trouble {
        case .full: [.SQLITE_FULL, .SQLITE_IOERR].contains(resultCode)
        // A schema that cannot be parsed any more is a plain error to SQLite.
        case .corrupt: [.SQLITE_CORRUPT, .SQLITE_NOTADB, .SQLITE_ERROR, .SQLITE_FORMAT].contains(resultCode)
        }
    }
}
