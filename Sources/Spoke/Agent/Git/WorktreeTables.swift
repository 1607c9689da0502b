import GRDB
import Protocol

/// The records of worktrees, mirrors and salvages in the spoke's one file, written in the journal's one lane.
struct WorktreeTables: WorktreeStore {
    private let journal: Journal

    init(_ journal: Journal) { self.journal = journal }

    func workspaces() async throws(Fault) -> [WorkspaceRecord] {
        try await journal.database.read { db in try WorkspaceRecord.fetchAll(db) }
    }

    func workspace(_ id: WorkspaceID) async throws(Fault) -> WorkspaceRecord? {
        try await journal.database.read { db in try WorkspaceRecord.fetchOne(db, key: id.rawValue) }
    }

    func save(_ workspace: WorkspaceRecord) async throws(Fault) {
        try await journal.write { db in try workspace.upsert(db) }
    }

    func delete(_ workspace: WorkspaceID) async throws(Fault) {
        try await journal.write { db in _ = try WorkspaceRecord.deleteOne(db, key: workspace.rawValue) }
    }

    func mirrors() async throws(Fault) -> [MirrorRecord] {
        try await journal.database.read { db in try MirrorRecord.fetchAll(db) }
    }

    func save(_ mirror: MirrorRecord) async throws(Fault) {
        try await journal.write { db in try mirror.upsert(db) }
    }

    func deleteMirror(of repository: String) async throws(Fault) {
        try await journal.write { db in _ = try MirrorRecord.deleteOne(db, key: repository) }
    }

    func salvages() async throws(Fault) -> [SalvageRecord] {
        try await journal.database.read { db in try SalvageRecord.fetchAll(db) }
    }

    func save(_ salvage: SalvageRecord) async throws(Fault) {
        try await journal.write { db in try salvage.upsert(db) }
    }

    func delete(_ salvage: SalvageID) async throws(Fault) {
        try await journal.write { db in _ = try SalvageRecord.deleteOne(db, key: salvage.rawValue) }
    }
}

/// Records whose columns are their properties in snake_case, with times in milliseconds since 1970.
private protocol SnakeCaseRecord: Codable, FetchableRecord, PersistableRecord {}

extension SnakeCaseRecord {
    static var databaseColumnDecodingStrategy: DatabaseColumnDecodingStrategy { .convertFromSnakeCase }
    static var databaseColumnEncodingStrategy: DatabaseColumnEncodingStrategy { .convertToSnakeCase }
    static func databaseDateEncodingStrategy(for column: String) -> DatabaseDateEncodingStrategy {
        .millisecondsSince1970
    }
    static func databaseDateDecodingStrategy(for column: String) -> DatabaseDateDecodingStrategy {
        .millisecondsSince1970
    }
}

extension WorkspaceRecord: SnakeCaseRecord {
    static let databaseTableName = "workspaces"
}

extension MirrorRecord: SnakeCaseRecord {
    static let databaseTableName = "mirrors"
}

extension SalvageRecord: SnakeCaseRecord {
    static let databaseTableName = "salvages"
}
