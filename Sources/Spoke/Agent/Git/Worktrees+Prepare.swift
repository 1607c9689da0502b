import Foundation
public import Protocol
import SpokeCore

extension Worktrees {
    /// Makes the worktree of an order, or finds it made. Called again after a crash at any point, it ends the same.
    ///
    /// Submodules are left unpopulated and no filter beyond the owner's own git configuration runs: a session that
    /// needs either says so in its command.
    ///
    /// - Parameter session: leased to it, and the hub told of the worktree, in the commit that hands it over.
    /// - Fails with `notFound` for an unknown base (with what was probably meant), `conflict` while the branch is
    ///   checked out elsewhere, `validation` for names git would misread, `execution` with git's last error line.
    public func prepare(
        _ order: WorkspaceOrder,
        for session: SessionID? = nil
    ) async throws(Fault) -> WorkspaceCreated {
        let request = try PrepareRequest(order, root: root, session: session)
        let created = try await locked(order.workspaceId) { try await self.create(request) }
        refillLater(request.address, defaultBranch: order.defaultBranch)
        return created
    }

    private func create(_ request: PrepareRequest) async throws(Fault) -> WorkspaceCreated {
        if let record = try await store.workspace(request.id), let created = try await resume(record, request) {
            return created
        }
        if request.order.mode == .reuse {
            throw Fault(.notFound, "Workspace \(request.id) is not on this spoke: order a new one.")
        }
        do throws(Fault) {
            return try await make(request)
        } catch {
            let isRepaired = error.code == .execution ? try await repaired(request.address) : false
            // What the first try made stands in the way of the second, too.
            try await abandon(request)
            guard isRepaired else { throw error }
            return try await make(request)
        }
    }

    /// The worktree as an earlier call left it, or `nil` if there is nothing that can be used.
    func resume(
        _ record: WorktreeRecord,
        _ request: PrepareRequest
    ) async throws(Fault) -> WorkspaceCreated? {
        switch record.state {
        case .removing:
            throw Fault(.conflict, "Workspace \(record.id) is being removed: order a new one.")
        case .removed:
            return nil
        case .preparing:
            // Nobody was told of it, so nobody can have worked in it.
            try await locked(request.address) { try await self.discard(record) }
            return nil
        case .ready:
            guard Folder.exists(record.directory) else {
                try await locked(request.address) { try await self.discard(record) }
                return nil
            }
            let seat = try await verify(record.directory)
            let created = WorkspaceCreated(
                workspaceId: record.id,
                branch: seat.branch ?? record.branch,
                directory: record.directory,
                baseCommit: record.baseCommit ?? seat.head,
                headCommit: seat.head
            )
            try await give(record, as: created, to: request.session)
            return created
        }
    }

    private func make(_ request: PrepareRequest) async throws(Fault) -> WorkspaceCreated {
        let seat = try await locked(request.address) { () async throws(Fault) -> Seat in
            let mirror = try await self.mirror(of: request.address)
            let plan = try await self.plan(request, in: mirror)
            return try await self.seat(request, plan, in: mirror)
        }
        let head = try await populate(seat, branch: request.branch)
        return try await handOver(seat, request, head: head)
    }

    /// The worktree is whole: from here on it is somebody's.
    func handOver(_ seat: Seat, _ request: PrepareRequest, head: String) async throws(Fault) -> WorkspaceCreated {
        var record = seat.record
        record.state = .ready
        record.headCommit = head
        let created = WorkspaceCreated(
            workspaceId: request.id,
            branch: request.branch.rawValue,
            directory: record.directory,
            baseCommit: seat.plan.base,
            headCommit: head
        )
        try await give(record, as: created, to: request.session)
        return created
    }

    /// Writes down whose the worktree is now.
    private func give(
        _ record: WorktreeRecord,
        as created: WorkspaceCreated,
        to session: SessionID?
    ) async throws(Fault) {
        var record = record
        record.lastUsedAt = clock()
        guard let session else { return try await store.save(record) }
        record.leaseSession = session
        try await store.save(record, telling: created)
    }

    /// Asks the mirror once for all that decides; fetches only if the base is not there.
    private func plan(_ request: PrepareRequest, in mirror: Mirror) async throws(Fault) -> WorktreePlan {
        var facts = try await self.facts(request, in: mirror)
        if facts.base == nil {
            try await fetch(mirror)
            facts = try await self.facts(request, in: mirror)
        }
        if facts.base == nil, request.baseName.utf8.count >= 40, WorktreePlan.isCommitName(request.baseName) {
            // The origin may give a commit that no branch leads to; if it does not, the base stays missing.
            try? await fetch(mirror, commit: request.baseName)
            facts = try await self.facts(request, in: mirror)
        }
        let names = facts.base == nil ? try await self.names(in: mirror) : []
        return try WorktreePlan(branch: request.branch, baseName: request.baseName, facts: facts, names: names)
    }

    private func facts(_ request: PrepareRequest, in mirror: Mirror) async throws(Fault) -> WorktreePlan.Facts {
        if let facts = factsFromFiles(request, in: mirror) { return facts }
        let bases = WorktreePlan.candidates(forBase: request.baseName)
        let found = try await commits(
            bases + [request.branch.ref, "refs/remotes/origin/\(request.branch)"],
            in: mirror
        )
        return WorktreePlan.Facts(
            base: found.prefix(bases.count).compactMap(\.self).first,
            local: found[bases.count],
            remote: found[bases.count + 1],
            holder: holder(of: request.branch, in: mirror)
        )
    }

    /// The commits that the names stand for, in one run of git; `nil` for a name that stands for none.
    func commits(_ names: [String], in mirror: Mirror) async throws(Fault) -> [String?] {
        let input = names.map { "\($0)^{commit}\n" }.joined()
        let answer = try await git(["cat-file", "--batch-check"], in: mirror.place, input: Array(input.utf8))
        let found = answer.text.split(separator: "\n").map { line -> String? in
            let words = line.split(separator: " ")
            return words.count == 3 && words[1] == "commit" ? String(words[0]) : nil
        }
        guard found.count == names.count else {
            throw Fault(.execution, "git cat-file answered \(found.count) of \(names.count) questions.")
        }
        return found
    }

    private func names(in mirror: Mirror) async throws(Fault) -> [String] {
        let format = "--format=%(refname)"
        let places = ["refs/heads/", "refs/remotes/origin/", "refs/tags/"]
        let refs = try await git(["for-each-ref", format] + places, in: mirror.place).text.split(separator: "\n")
        return refs.map { ref in
            places.first { ref.hasPrefix($0) }.map { String(ref.dropFirst($0.count)) } ?? String(ref)
        }
    }

    /// The workspace that has the branch checked out: read from each worktree's HEAD, since processes switch branches.
    func holder(of branch: BranchName, in mirror: Mirror) -> WorkspaceID? {
        let wanted = "ref: \(branch.ref)"
        for name in Folder.names(in: mirror.path + "/worktrees")
        where Folder.text(mirror.admin(name) + "/HEAD") == wanted {
            let directory = Folder.text(mirror.admin(name) + "/gitdir").map { String($0.dropLast("/.git".count)) }
            guard let directory, Folder.exists(directory) else { continue }
            return WorkspaceID(directory.split(separator: "/").last.map(String.init) ?? name)
        }
        return nil
    }

    /// Gives the order its directory and branch: the part that needs the lock, a few milliseconds.
    func seat(_ request: PrepareRequest, _ plan: WorktreePlan, in mirror: Mirror) async throws(Fault) -> Seat {
        let warm = warmTree(in: mirror)
        let record = request.record(plan: plan, adminName: warm ?? request.id.rawValue, at: clock())
        try await store.save(record)
        if let warm {
            let filled = try await take(warm, for: record, plan, branch: request.branch, in: mirror)
            return Seat(record: record, plan: plan, mirror: mirror, isWarm: true, isFilled: filled)
        }
        clearLeftovers(of: record, in: mirror)
        try add(record, on: request.branch, in: mirror)
        return Seat(record: record, plan: plan, mirror: mirror, isWarm: false, isFilled: false)
    }

    /// Fills the directory and makes sure that it is what a process will take it for.
    func populate(_ seat: Seat, branch: BranchName) async throws(Fault) -> String {
        let place = Git.Place.worktree(
            admin: seat.mirror.admin(seat.record.adminName),
            directory: seat.record.directory
        )
        try await withCore {
            guard seat.isWarm else {
                // The files take long enough for the branch to be made, durably, beside them.
                async let branched: Void = self.makeBranch(seat, branch)
                try await self.git(["read-tree", "--reset", "-u", seat.plan.start], in: place)
                return try await branched
            }
            if seat.isFilled, try await self.isUntouched(place) { return }
            try await self.git(["reset", "--hard", "--quiet"], in: place)
            try await self.git(["clean", "-ffdxq"], in: place)
        }
        if let head = headFromFiles(seat, on: branch) { return head }
        let found = try await verify(seat.record.directory)
        guard found.branch == branch.rawValue else {
            throw Fault(
                .execution,
                "The worktree \(seat.record.directory) is not on branch “\(branch)” after its checkout."
            )
        }
        return found.head
    }

    /// Makes the seat's branch where the plan has it start, if it is a new one.
    func makeBranch(_ seat: Seat, _ branch: BranchName) async throws(Fault) {
        guard seat.plan.createsBranch else { return }
        try await makeBranch(branch, at: seat.plan.start, in: seat.mirror)
    }

    /// Makes a branch that is not there yet. A git that is stopped between making a lock and noting that it must go
    /// leaves it behind: whose branch nobody has can be locked by nobody else.
    func makeBranch(_ branch: BranchName, at start: String, in mirror: Mirror) async throws(Fault) {
        let make = ["update-ref", branch.ref, start, ""]
        do throws(Fault) {
            try await git(make, in: mirror.place)
        } catch {
            let lock = "\(mirror.path)/\(branch.ref).lock"
            guard error.code == .execution, Folder.exists(lock), await !Occupants.haveOpen(lock) else { throw error }
            Folder.drop(lock)
            try await git(make, in: mirror.place)
        }
    }

    /// Whether every file is as its commit has it and there is none besides: one look instead of two deeds.
    private func isUntouched(_ place: Git.Place) async throws(Fault) -> Bool {
        let look = ["status", "--porcelain", "-z", "--no-renames", "--ignored", "--untracked-files=all"]
        return try await git(look + ["--ignore-submodules=none"], in: place).output.isEmpty
    }

    /// What git finds when started inside the directory, as any process there would.
    ///
    /// - Fails with `execution` if the top level is not the directory itself: then work would land elsewhere.
    func verify(_ directory: String) async throws(Fault) -> (branch: String?, head: String) {
        let answer = try await git(
            ["rev-parse", "--show-toplevel", "HEAD", "--symbolic-full-name", "HEAD"],
            in: .directory(directory)
        )
        let lines = answer.line.split(separator: "\n").map(String.init)
        guard lines.count == 3, lines[0] == directory else {
            throw Fault(
                .execution,
                "git in \(directory) finds \(lines.first ?? "nothing") instead: its link is broken; order a new one."
            )
        }
        let heads = "refs/heads/"
        return (lines[2].hasPrefix(heads) ? String(lines[2].dropFirst(heads.count)) : nil, lines[1])
    }

    /// After a failure of git itself: rebuilds the mirror if it is broken, and says whether trying again makes sense.
    private func repaired(_ address: RepositoryAddress) async throws(Fault) -> Bool {
        try await locked(address) { () async throws(Fault) -> Bool in
            let path = "\(self.root)/repos/\(Mirror.name(of: address)).git"
            let mirror = Mirror(address: address, path: path)
            guard Folder.exists(path), try await !self.isSound(mirror) else { return false }
            try await self.rebuild(mirror)
            return true
        }
    }

    /// Takes back what a failed order left, so that a second try finds nothing in its way.
    func abandon(_ request: PrepareRequest) async throws(Fault) {
        guard let record = try await store.workspace(request.id), record.state == .preparing else { return }
        try await locked(request.address) { try await self.discard(record) }
        try await store.delete(record.id)
    }

    /// Removes what is on disk of a worktree that nobody can have worked in, or whose directory is gone.
    func discard(_ record: WorktreeRecord) async throws(Fault) {
        let address = try RepositoryAddress(record.repository)
        let mirror = Mirror(address: address, path: "\(root)/repos/\(Mirror.name(of: address)).git")
        clearLeftovers(of: record, in: mirror)
    }

    private func clearLeftovers(of record: WorktreeRecord, in mirror: Mirror) {
        for path in [record.directory, mirror.admin(record.adminName)] where Folder.exists(path) { trash(path) }
    }
}
