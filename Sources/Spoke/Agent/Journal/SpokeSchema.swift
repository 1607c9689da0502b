import GRDB

/// The tables of `spoke.sqlite`, by `PRAGMA user_version`. Forward only; a released step is never edited.
enum SpokeSchema {
    /// What this program reads and writes.
    static var version: Int { steps.count }

    /// Brings an older file up to date; refuses a newer one.
    static func migrate(_ db: Database) throws {
        let found = try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0
        // No spoke will ever have a thousand steps more: that is not a version but damage.
        guard (0...version + 1_000).contains(found) else { throw damaged }
        guard found <= version else { throw NewerFile(version: found) }
        for (index, step) in steps.enumerated().dropFirst(found) {
            try db.inTransaction(.immediate) {
                try db.execute(sql: step)
                try db.execute(sql: "PRAGMA user_version = \(index + 1)")
                return .commit
            }
        }
        let fresh = try DatabaseQueue()
        let expected = try fresh.writeWithoutTransaction { fresh in
            for step in steps { try fresh.execute(sql: step) }
            return try tables(fresh)
        }
        guard try tables(db) == expected else { throw damaged }
    }

    private static let damaged = DatabaseError(resultCode: .SQLITE_CORRUPT, message: "The tables are not as made.")

    private static func tables(_ db: Database) throws -> [String] {
        try String.fetchAll(db, sql: "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY sql")
    }

    /// The file was written by a later version of the spoke.
    struct NewerFile: Error { let version: Int }

    private static let steps = [first]

    /// `journal.previous` and `journal.sum`: docs/decisions/0003-journal-gaps.md.
    private static let first = """
        CREATE TABLE journal (
            seq      INTEGER PRIMARY KEY,
            epoch    INTEGER NOT NULL,
            at       INTEGER NOT NULL,
            type     TEXT NOT NULL,
            payload  BLOB NOT NULL,
            hash     BLOB NOT NULL,
            sum      BLOB,
            previous BLOB
        ) STRICT;

        CREATE TABLE commands (
            epoch   INTEGER NOT NULL,
            seq     INTEGER NOT NULL,
            id      TEXT NOT NULL UNIQUE,
            type    TEXT NOT NULL,
            payload BLOB NOT NULL,
            state   TEXT NOT NULL CHECK (state IN ('received', 'applied', 'failed')),
            result  BLOB,
            PRIMARY KEY (epoch, seq)
        ) STRICT;
        CREATE INDEX commands_received ON commands (epoch, seq) WHERE state = 'received';

        CREATE TABLE sessions (
            id                  TEXT NOT NULL PRIMARY KEY,
            fence               INTEGER NOT NULL,
            state               TEXT NOT NULL CHECK (state IN ('preparing', 'running', 'ended')),
            workspace_id        TEXT,
            supervisor_pid      INTEGER,
            pid                 INTEGER,
            started_at          INTEGER,
            ended_at            INTEGER,
            spec                BLOB NOT NULL,
            provider_session_id TEXT
        ) STRICT;

        CREATE TABLE session_streams (
            session_id TEXT NOT NULL,
            fence      INTEGER NOT NULL,
            stream     INTEGER NOT NULL,
            bytes      INTEGER NOT NULL,
            hash       BLOB NOT NULL,
            PRIMARY KEY (session_id, fence, stream)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE session_inputs (
            session_id TEXT NOT NULL,
            fence      INTEGER NOT NULL,
            command_id TEXT NOT NULL,
            start      INTEGER NOT NULL,
            length     INTEGER NOT NULL,
            PRIMARY KEY (session_id, fence, command_id)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE workspaces (
            id                 TEXT NOT NULL PRIMARY KEY,
            project_id         TEXT NOT NULL,
            repository         TEXT NOT NULL,
            default_branch     TEXT NOT NULL,
            branch             TEXT NOT NULL,
            directory          TEXT NOT NULL,
            admin_name         TEXT NOT NULL,
            base               TEXT,
            base_commit        TEXT,
            head_commit        TEXT,
            state              TEXT NOT NULL CHECK (state IN ('preparing', 'ready', 'removing', 'removed')),
            keep               TEXT NOT NULL CHECK (keep IN ('always', 'onFailure', 'never')),
            lease_session      TEXT,
            last_used_at       INTEGER NOT NULL,
            removal_started_at INTEGER,
            removal_reason     TEXT,
            size_bytes         INTEGER
        ) STRICT;

        CREATE TABLE mirrors (
            repository TEXT NOT NULL PRIMARY KEY,
            directory  TEXT NOT NULL UNIQUE,
            fetched_at INTEGER NOT NULL,
            size_bytes INTEGER
        ) STRICT;

        CREATE TABLE salvages (
            id           TEXT NOT NULL PRIMARY KEY,
            workspace_id TEXT NOT NULL,
            project_id   TEXT NOT NULL,
            repository   TEXT NOT NULL,
            ref          TEXT NOT NULL,
            "commit"     TEXT NOT NULL,
            parents      TEXT NOT NULL,
            branch       TEXT NOT NULL,
            files        INTEGER NOT NULL,
            expires_at   INTEGER NOT NULL
        ) STRICT;

        CREATE TABLE state (
            key   TEXT NOT NULL PRIMARY KEY,
            value BLOB NOT NULL
        ) STRICT, WITHOUT ROWID;
        """
}
