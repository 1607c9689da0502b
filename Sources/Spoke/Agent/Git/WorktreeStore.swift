public import Foundation
public import Protocol

/// What a spoke remembers about one of its worktrees.
public struct WorktreeRecord: Codable, Hashable, Sendable {
    public enum State: String, Codable, CaseIterable, Sendable {
        /// Being made: what is on disk may be half of it, and nobody was told of it.
        case preparing
        case ready
        /// Being salvaged and removed: nobody may start in it.
        case removing
        /// Gone. Kept for ``Limits/salvageDays`` so that a repeated order gets the same answer.
        case removed
    }

    public var id: WorkspaceID
    public var projectId: ProjectID
    public var repository: String
    public var defaultBranch: String
    public var branch: String
    /// The absolute path of the worktree.
    public var directory: String
    /// The name of its administrative folder in the mirror; differs from the id for worktrees from the warm pool.
    public var adminName: String
    public var base: String?
    public var baseCommit: String?
    /// HEAD when the worktree was handed over, or, once removed, when it went.
    public var headCommit: String?
    public var state: State
    /// Ours to remove by ourselves under disk pressure only if not ``WorkspaceOrder/Keep/always``.
    public var keep: WorkspaceOrder.Keep
    /// The session that works in it, set and cleared by the session runner.
    public var leaseSession: SessionID?
    public var lastUsedAt: Date
    /// Taken when the removal began; dates the salvage, so that a repeated one is the same commit.
    public var removalStartedAt: Date?
    public var removalReason: String?
    public var sizeBytes: Int64?
}

/// A mirror: a bare repository of the spoke's own.
public struct MirrorRecord: Codable, Hashable, Sendable {
    public var repository: String
    public var directory: String
    public var fetchedAt: Date
    public var sizeBytes: Int64?
}

/// Saved work. Holds what a ``WorkspaceSalvaged`` told, except the bundle, which can be made again.
public struct SalvagedWork: Codable, Hashable, Sendable {
    public var id: SalvageID
    public var workspaceId: WorkspaceID
    public var projectId: ProjectID
    public var repository: String
    public var ref: String
    public var commit: String
    public var parents: [String]
    public var branch: String
    public var files: Int
    public var expiresAt: Date
}

/// Where the records of worktrees, mirrors and salvages are kept, such that a crash corrupts none of them.
///
/// Every method is one transaction that is durable when it returns.
public protocol WorktreeStore: Sendable {
    func workspaces() async throws(Fault) -> [WorktreeRecord]
    func workspace(_ id: WorkspaceID) async throws(Fault) -> WorktreeRecord?
    /// Inserts the record, or replaces the one with the same id.
    func save(_ workspace: WorktreeRecord) async throws(Fault)
    /// The same, and the hub is told what it has become, both or neither.
    func save(_ workspace: WorktreeRecord, telling created: WorkspaceCreated) async throws(Fault)
    func delete(_ workspace: WorkspaceID) async throws(Fault)

    func mirrors() async throws(Fault) -> [MirrorRecord]
    /// Inserts the record, or replaces the one of the same repository.
    func save(_ mirror: MirrorRecord) async throws(Fault)
    func deleteMirror(of repository: String) async throws(Fault)

    func salvages() async throws(Fault) -> [SalvagedWork]
    /// Inserts the record, or replaces the one with the same id.
    func save(_ salvage: SalvagedWork) async throws(Fault)
    /// The same, and the hub is told of it, both or neither.
    func save(_ salvage: SalvagedWork, telling salvaged: WorkspaceSalvaged) async throws(Fault)
    func delete(_ salvage: SalvageID) async throws(Fault)
}
