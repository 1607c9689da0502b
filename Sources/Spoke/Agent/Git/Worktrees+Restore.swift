import Foundation
public import Protocol
import SpokeCore

extension Worktrees {
    /// Brings salvaged work back as a worktree: HEAD on the order's branch, what was staged staged, every file as
    /// it lay. A merge or rebase that was under way is not resumed; its commits are kept below the index commit.
    ///
    /// - Fails with `notFound` if neither the mirror nor the bundle has the commit, `conflict` if the branch exists
    ///   with other work on it.
    public func restore(_ order: RestoreWorkspace) async throws(Fault) -> WorkspaceCreated {
        let request = try PrepareRequest(order.workspace, root: root)
        guard order.ref.hasPrefix("refs/salvage/"), BranchName.violation(of: order.ref) == nil else {
            throw Fault.invalid("ref", "must be refs/salvage/<workspace>/<n>.")
        }
        guard order.commit.utf8.count >= 40, WorktreePlan.isCommitName(order.commit) else {
            throw Fault.invalid("commit", "must be a whole commit id.")
        }
        let created = try await locked(request.id) { try await self.bringBack(order, request) }
        refillLater(request.address, defaultBranch: order.workspace.defaultBranch)
        return created
    }

    private func bringBack(
        _ order: RestoreWorkspace,
        _ request: PrepareRequest
    ) async throws(Fault) -> WorkspaceCreated {
        if let record = try await store.workspace(request.id), let created = try await resume(record, request) {
            return created
        }
        do throws(Fault) {
            let seat = try await locked(request.address) { () async throws(Fault) -> Seat in
                let mirror = try await self.mirror(of: request.address)
                let saved = try await self.savedWork(order, in: mirror)
                let plan = try await self.plan(request, restoring: saved, in: mirror)
                var seat = try await self.seat(request, plan, in: mirror)
                seat.saved = saved
                return seat
            }
            let head = try await populate(seat, branch: request.branch)
            try await lay(seat)
            return try await handOver(seat, request, head: head)
        } catch {
            try await abandon(request)
            throw error
        }
    }

    private func savedWork(_ order: RestoreWorkspace, in mirror: Mirror) async throws(Fault) -> SavedWork {
        if try await commits([order.commit], in: mirror)[0] == nil { try await unpack(order, in: mirror) }
        let object = try await git(["cat-file", "commit", order.commit], in: mirror.place).text
        let parents = SalvageNote.parents(ofCommit: object)
        guard let note = SalvageNote(commit: object), let index = parents.last else {
            return SavedWork(files: order.commit, index: nil, head: order.commit)
        }
        return SavedWork(files: order.commit, index: index, head: note.head ?? index)
    }

    /// Takes the commits out of the bundle; what they build on must be at the origin.
    private func unpack(_ order: RestoreWorkspace, in mirror: Mirror) async throws(Fault) {
        guard let bundle = order.bundle else {
            throw Fault(
                .notFound,
                "Commit \(order.commit) is not on this spoke and no bundle came along: restore it where it was saved."
            )
        }
        let draft = newDraft("bundle")
        defer { discardDraft(draft) }
        try Folder.write([UInt8](bundle), to: draft)
        if try await git.ask(["bundle", "verify", "--quiet", draft], in: mirror.place).status != 0 {
            try await fetch(mirror)
        }
        try await git(
            [
                "fetch", "--quiet", "--no-write-fetch-head", "--no-tags", "--no-auto-maintenance", draft,
                "\(order.ref):refs/restored/\(order.commit)",
            ],
            in: mirror.place
        )
        guard try await commits([order.commit], in: mirror)[0] != nil else {
            throw Fault(.validation, "The bundle does not hold commit \(order.commit).")
        }
    }

    private func plan(
        _ request: PrepareRequest,
        restoring saved: SavedWork,
        in mirror: Mirror
    ) async throws(Fault) -> WorktreePlan {
        let tip = try await commits([request.branch.ref], in: mirror)[0]
        var contains = true
        if let tip, tip != saved.head {
            contains =
                try await git.ask(["merge-base", "--is-ancestor", tip, saved.head], in: mirror.place).status == 0
        }
        let holder = holder(of: request.branch, in: mirror)
        let plan = try WorktreePlan(
            restoring: request.branch,
            at: saved.head,
            tip: tip,
            headContainsTip: contains,
            holder: holder
        )
        if let tip, tip != saved.head {
            try await git(["update-ref", request.branch.ref, saved.head, tip], in: mirror.place)
        }
        return plan
    }

    /// Stages what was staged and writes every file that differed, byte for byte.
    private func lay(_ seat: Seat) async throws(Fault) {
        guard let saved = seat.saved, let index = saved.index else { return }
        let directory = seat.record.directory
        let place = Git.Place.worktree(admin: seat.mirror.admin(seat.record.adminName), directory: directory)
        try await git(["read-tree", "-m", index], in: place)
        let draft = newDraft("restore")
        defer { discardDraft(draft) }
        let scratch = try Scratch(git: git, mirror: seat.mirror, path: draft, directory: directory)
        let changes = try await git(
            ["diff-tree", "-r", "-z", "--name-status", "--no-renames", saved.head, saved.files],
            in: seat.mirror.place
        ).fields
        var present: [String] = []
        for pair in stride(from: 0, to: changes.count - 1, by: 2) {
            let path = changes[pair + 1]
            if changes[pair] == "D" {
                Folder.clear("\(directory)/\(path)", upTo: directory)
            } else {
                present.append(path)
            }
        }
        try await scratch(["read-tree", saved.files])
        try await scratch(["checkout-index", "--force", "--quiet", "-z", "--stdin"], input: present.nulTerminated)
        // Exit code 1 only says that files differ from the index, as they should.
        _ = try await git.ask(["update-index", "-q", "--refresh"], in: place)
    }
}
