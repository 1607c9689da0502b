import Foundation
import Protocol
import SpokeCore

/// An order, checked.
struct PrepareRequest: Sendable {
    let order: WorkspaceOrder
    let address: RepositoryAddress
    let branch: BranchName
    let baseName: String
    let directory: String
    /// Who is to work in it, if the order is a session's.
    let session: SessionID?
    var id: WorkspaceID { order.workspaceId }

    init(_ order: WorkspaceOrder, root: String, session: SessionID? = nil) throws(Fault) {
        self.order = order
        self.session = session
        address = try RepositoryAddress(order.repository)
        branch = try BranchName(order.branch)
        baseName = order.base ?? order.defaultBranch
        if let violation = BranchName.violation(ofBase: baseName) { throw Fault.invalid("base", violation) }
        directory = "\(root)/worktrees/\(try Self.folder(for: order.workspaceId))"
    }

    /// An id is opaque; as a folder's name it must not lead anywhere else.
    static func folder(for id: WorkspaceID) throws(Fault) -> String {
        let name = id.rawValue
        let allowed = name.utf8.allSatisfy {
            ($0 | 0x20) >= 0x61 && ($0 | 0x20) <= 0x7A || $0 >= 0x30 && $0 <= 0x39 || $0 == 0x2D || $0 == 0x5F
                || $0 == 0x2E
        }
        guard allowed, (1...100).contains(name.utf8.count), name.first != "-", name.first != "." else {
            throw Fault.invalid("workspaceId", "must be 1 to 100 letters, digits, “-”, “_” or “.”.")
        }
        guard !name.contains(".."), !name.hasSuffix("."), !name.hasSuffix(".lock") else {
            throw Fault.invalid("workspaceId", "must be usable as part of a ref’s name.")
        }
        return name
    }

    func record(plan: WorktreePlan, adminName: String, at now: Date) -> WorktreeRecord {
        WorktreeRecord(
            id: order.workspaceId,
            projectId: order.projectId,
            repository: order.repository,
            defaultBranch: order.defaultBranch,
            branch: branch.rawValue,
            directory: directory,
            adminName: adminName,
            base: baseName,
            baseCommit: plan.base,
            state: .preparing,
            keep: order.keep,
            lastUsedAt: now
        )
    }
}

/// A worktree that has its place and its branch, and not yet its files.
struct Seat: Sendable {
    var record: WorktreeRecord
    var plan: WorktreePlan
    var mirror: Mirror
    var isWarm: Bool
    /// Whether it has its files already, so that a look at them is enough.
    var isFilled: Bool
    /// What is laid over the files of HEAD, if saved work is brought back.
    var saved: SavedWork?
}

/// A salvage as its commits describe it.
struct SavedWork: Sendable {
    /// The files as they lay.
    var files: String
    /// What was staged; `nil` if only commits were saved.
    var index: String?
    /// Where HEAD stood.
    var head: String
}
