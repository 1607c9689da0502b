import GRDB
import Protocol

/// The records of worktrees, mirrors and salvages in the spoke's one file, written in the journal's one lane.
struct WorktreeTables: WorktreeStore {
    private let journal: Journal

    init(_ journal: Journal) { self.journal = journal }

    func workspaces() async throws(Fault) -> [WorktreeRecord] {
        try await journal.database.read { db in try WorktreeRecord.fetchAll(db) }
    }

    func workspace(_ id: WorkspaceID) async throws(Fault) -> WorktreeRecord? {
        try await journal.database.read { db in try WorktreeRecord.fetchOne(db, key: id.rawValue) }
    }

    func save(_ workspace: WorktreeRecord) async throws(Fault) {
        try await journal.write { db in try workspace.upsert(db) }
    }

    func save(_ workspace: WorktreeRecord, telling created: WorkspaceCreated) async throws(Fault) {
        try await journal.append([JournalDraft(.workspaceCreated, created)]) { db in try workspace.upsert(db) }
    }

    func delete(_ workspace: WorkspaceID) async throws(Fault) {
        try await journal.write { db in _ = try WorktreeRecord.deleteOne(db, key: workspace.rawValue) }
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

    func salvages() async throws(Fault) -> [SalvagedWork] {
        try await journal.database.read { db in try SalvagedWork.fetchAll(db) }
    }

    func save(_ salvage: SalvagedWork) async throws(Fault) {
        try await journal.write { db in try salvage.upsert(db) }
    }

    func save(_ salvage: SalvagedWork, telling salvaged: WorkspaceSalvaged) async throws(Fault) {
        try await journal.append([JournalDraft(.workspaceSalvaged, salvaged)]) { db in try salvage.upsert(db) }
    }

    func delete(_ salvage: SalvageID) async throws(Fault) {
        try await journal.write { db in _ = try SalvagedWork.deleteOne(db, key: salvage.rawValue) }
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

extension WorktreeRecord: SnakeCaseRecord {
    static let databaseTableName = "workspaces"
}

extension MirrorRecord: SnakeCaseRecord {
    static let databaseTableName = "mirrors"
}

extension SalvagedWork: SnakeCaseRecord {
    static let databaseTableName = "salvages"
}
