public import Foundation
public import Logging
public import Protocol
import SpokeCore

/// The git of a spoke: a mirror per repository, worktrees made from it, and no way to lose what is in them.
///
/// Everything lives under one data directory: `repos/<hash>.git`, `worktrees/<workspace id>`, and `trash/` for
/// what is on its way out. One mutex per repository covers whatever reads or writes its metadata; checkouts
/// happen outside it, as many at a time as there are cores.
public actor Worktrees {
    let root: String
    let warmCount: Int
    let store: any WorktreeStore
    let git: Git
    let log: Logger
    let clock: @Sendable () -> Date
    let checkouts: Permits
    /// Calls that work in worktrees.
    nonisolated let uses = WorktreeUses()
    let jobs: AsyncStream<Job>
    let post: AsyncStream<Job>.Continuation
    private var repositoryLocks: [String: Permits] = [:]
    private var workspaceLocks: [WorkspaceID: Permits] = [:]
    private var changeLocks: [WorkspaceID: Permits] = [:]
    /// Mirrors that were found whole since this process began.
    var trustedMirrors: Set<String> = []
    /// What this process is making in `drafts/`; anything else there is a crash's leftover.
    var drafts: Set<String> = []
    /// Worktrees of the pool that are being filled.
    var filling: Set<String> = []
    var sizes: [WorkspaceID: (bytes: Int64, at: Date)] = [:]

    /// What can wait until nobody waits for git.
    enum Job: Sendable {
        case refill(RepositoryAddress, defaultBranch: String, notBefore: ContinuousClock.Instant)
        case emptyTrash
    }

    /// How many jobs may wait; each is only a reminder, ``sweep()`` finds what was forgotten.
    static let jobsWaiting = 256

    /// - Parameters:
    ///   - root: the spoke's data directory; made if absent.
    ///   - warm: worktrees kept ready per repository; 0 for none.
    public init(
        root: String,
        warm: Int,
        store: any WorktreeStore,
        logger: Logger,
        cores: Int = ProcessInfo.processInfo.activeProcessorCount,
        clock: @escaping @Sendable () -> Date = { Date() }
    ) throws(Fault) {
        self.root = try Folder.prepare(root, with: ["repos", "worktrees", "worktrees/.warm", "trash", "drafts"])
        warmCount = max(0, warm)
        self.store = store
        self.clock = clock
        log = logger
        git = Git(ceiling: self.root + "/worktrees")
        checkouts = Permits(cores)
        (jobs, post) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(Self.jobsWaiting))
    }

    /// Does what can wait, one thing after the other, until cancelled: refills the warm pool, deletes what was removed.
    public func run() async {
        for await job in jobs {
            do {
                switch job {
                case .refill(let address, let branch, let start):
                    try await Self.faulting { try await Task.sleep(until: start, clock: .continuous) }
                    try await fillPool(of: address, defaultBranch: branch)
                case .emptyTrash:
                    try await emptyTrash()
                }
            } catch {
                if Task.isCancelled { return }
                log.warning("A background job of git failed.", metadata: ["error": "\(error)"])
            }
        }
    }

    /// Every worktree that this spoke has, newest use first; removed ones are left out.
    public func list() async throws(Fault) -> [WorktreeRecord] {
        try await store.workspaces().filter { $0.state != .removed }.sorted { $0.lastUsedAt > $1.lastUsedAt }
    }

    /// Whether a workspace has a worktree here that was not removed.
    public func holds(_ id: WorkspaceID) async throws(Fault) -> Bool {
        guard let record = try await store.workspace(id) else { return false }
        return record.state == .ready
    }

    /// Runs `body` alone among everything that touches the repository's metadata.
    func locked<Result: Sendable>(
        _ address: RepositoryAddress,
        _ body: () async throws -> Result
    ) async throws(Fault) -> Result {
        let key = Mirror.name(of: address)
        let lock = repositoryLocks[key] ?? Permits(1)
        repositoryLocks[key] = lock
        return try await Self.faulting { try await lock.with(body) }
    }

    /// Runs `body` alone among everything that is done to the workspace as a whole.
    func locked<Result: Sendable>(
        _ workspace: WorkspaceID,
        _ body: () async throws -> Result
    ) async throws(Fault) -> Result {
        let lock = workspaceLocks[workspace] ?? Permits(1)
        workspaceLocks[workspace] = lock
        return try await Self.faulting { try await lock.with(body) }
    }

    /// Runs `body` alone among the calls that change the workspace's branch and index. Apart from the lock of the
    /// workspace itself, whose holder may be waiting for these calls to end.
    func changing<Result: Sendable>(
        _ workspace: WorkspaceID,
        _ body: () async throws -> Result
    ) async throws(Fault) -> Result {
        let lock = changeLocks[workspace] ?? Permits(1)
        changeLocks[workspace] = lock
        return try await Self.faulting { try await lock.with(body) }
    }

    /// Runs `body` when a core is free for it.
    func withCore<Result: Sendable>(_ body: () async throws -> Result) async throws(Fault) -> Result {
        try await Self.faulting { try await checkouts.with(body) }
    }

    /// Turns whatever was thrown into a fault.
    static func faulting<Result>(
        isolation: isolated (any Actor)? = #isolation,
        _ body: () async throws -> Result
    ) async throws(Fault) -> Result {
        do {
            return try await body()
        } catch let fault as Fault {
            throw fault
        } catch is CancellationError {
            throw Fault(.aborted, "The order was cancelled while it waited for its turn.")
        } catch {
            throw Fault(.execution, "A worktree operation failed: \(error)")
        }
    }
}
