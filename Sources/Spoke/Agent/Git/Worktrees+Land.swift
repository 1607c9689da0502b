import Foundation
import Logging
import Protocol
import SpokeCore

/// What is to be landed, checked: nothing in it can be taken for an option.
struct LandingOrder: Sendable {
    var record: WorktreeRecord
    var into: BranchName
    var strategy: LandingStrategy
    var message: String?
    var dryRun: Bool
    var pushes: Bool
    /// Though a session works in the worktree.
    var force: Bool
}

extension Worktrees {
    /// The branch that is landed, and the commit at its end.
    private struct Source: Sendable {
        var branch: String
        var commit: String
    }

    /// How one attempt went; `overtaken` if somebody else moved the origin's branch meanwhile.
    private enum Attempt: Sendable {
        case done(GitLand.Output)
        case overtaken(String)
    }

    /// What a workspace's record says, whatever became of its worktree.
    ///
    /// - Throws: `NOT_FOUND` for one that was never here or is long gone.
    nonisolated func record(of id: WorkspaceID) async throws(Fault) -> WorktreeRecord {
        guard let record = try await store.workspace(id) else {
            throw Fault(.notFound, "Workspace \(id) is not on this spoke; git.worktrees lists those that are.")
        }
        return record
    }

    /// Whether landings of a repository are sent there unless somebody says otherwise: not into a clone with files on
    /// this machine, which is somebody's own.
    nonisolated func isSentTo(_ repository: String) throws(Fault) -> Bool {
        let address = try RepositoryAddress(repository)
        guard address.isLocal else { return true }
        let scheme = "file://"
        let path = repository.lowercased().hasPrefix(scheme) ? String(repository.dropFirst(scheme.count)) : repository
        return !Folder.exists(path + "/.git") && !path.hasSuffix("/.git")
    }

    /// Brings the branch of a worktree into another one. Nothing is changed unless all of it goes.
    ///
    /// - Throws: `CONFLICT` for a worktree with uncommitted changes or a session in it, for branches that went
    ///   different ways, and for an origin that does not take it; `NOT_FOUND` for a branch that is not there.
    func land(_ order: LandingOrder) async throws(Fault) -> GitLand.Output {
        let address = try RepositoryAddress(order.record.repository)
        let mirror = try await locked(address) { try await self.mirror(of: address) }
        // Behind whatever is being done to the workspace, such as its removal at its session's end.
        let source = try await locked(order.record.id) { try await self.source(order, in: mirror) }
        return try await locked(address) { () async throws(Fault) -> GitLand.Output in
            guard source.branch != order.into.rawValue else {
                throw Fault.invalid("into", "is the branch that would be landed; name another.")
            }
            try await self.fetch(mirror)
            var why = ""
            for _ in 0..<2 {
                switch try await self.attempt(order, source, in: mirror) {
                case .done(let output): return output
                case .overtaken(let reason):
                    why = reason
                    try await self.fetch(mirror)
                }
            }
            throw Fault(.conflict, "Others send to \(order.into) faster than this could land: \(why). Try again.")
        }
    }

    private func attempt(
        _ order: LandingOrder,
        _ source: Source,
        in mirror: Mirror
    ) async throws(Fault) -> Attempt {
        let before = try await target(order.into, in: mirror)
        let count = try await git(["rev-list", "--count", source.commit, "^\(before)"], in: mirror.place).line
        var output = GitLand.Output(
            outcome: .upToDate,
            branch: source.branch,
            source: source.commit,
            into: order.into.rawValue,
            before: before,
            commits: Int(count) ?? 0
        )
        let message = try await message(order, source, before, in: mirror)
        switch try await result(order, source, before, message, in: mirror) {
        case .upToDate: return .done(output)
        case .conflicts(let conflicts):
            (output.outcome, output.conflicts) = (.conflicts, conflicts)
            return .done(output)
        case .commit where order.dryRun:
            output.outcome = .mergeable
            return .done(output)
        case .commit(let commit):
            if order.pushes, let reason = try await push(commit, to: order.into, from: mirror) {
                return .overtaken(reason)
            }
            output.ref = try await advance(order, to: commit, in: mirror)
            (output.outcome, output.commit, output.pushed) = (.landed, commit, order.pushes)
            log.info(
                "A branch was landed.",
                metadata: ["branch": "\(source.branch)", "into": "\(order.into)", "commit": "\(commit)"]
            )
            return .done(output)
        }
    }

    // MARK: The two sides

    private func source(_ order: LandingOrder, in mirror: Mirror) async throws(Fault) -> Source {
        let record = try await record(of: order.record.id)
        switch record.state {
        case .preparing, .removing:
            throw Fault(.conflict, "Workspace \(record.id) was left \(record.state.rawValue); land it in a moment.")
        case .removed: return try await leftBehind(by: record, in: mirror)
        case .ready: break
        }
        if let session = record.leaseSession, !order.force {
            throw Fault(
                .conflict,
                "Session \(session) still works in workspace \(record.id); wait for it, or force it."
            )
        }
        let admin = mirror.admin(record.adminName)
        if let objection = UnderWay.objection(in: admin, of: record.id) { throw objection }
        let place = Git.Place.worktree(admin: admin, directory: record.directory)
        let changed = try await git(["status", "--porcelain", "-z", "--no-renames"], in: place).fields
        guard changed.isEmpty else {
            let shown = changed.prefix(3).map { String($0.dropFirst(3)) }.joined(separator: ", ")
            throw Fault(
                .conflict,
                "Workspace \(record.id) has \(changed.count) uncommitted changes (\(shown)); use git.commit."
            )
        }
        let branch = try await git.ask(["symbolic-ref", "--quiet", "--short", "HEAD"], in: place)
        let head = try await git(["rev-parse", "--verify", "HEAD^{commit}"], in: place).line
        return Source(branch: branch.status == 0 ? branch.line : record.branch, commit: head)
    }

    /// The branch of a worktree that is gone; where even the branch is, the commit at which it went.
    private func leftBehind(by record: WorktreeRecord, in mirror: Mirror) async throws(Fault) -> Source {
        let names = ["refs/heads/\(record.branch)"] + [record.headCommit].compactMap(\.self)
        guard let commit = try await commits(names, in: mirror).compactMap(\.self).first else {
            throw Fault(
                .notFound,
                "The branch \(record.branch) is not on this spoke any more; there is nothing to land."
            )
        }
        return Source(branch: record.branch, commit: commit)
    }

    /// Where a branch stands, as the mirror and what was last fetched know it.
    ///
    /// - Throws: `NOT_FOUND` for one that neither has, `CONFLICT` where they went different ways.
    func target(_ into: BranchName, in mirror: Mirror) async throws(Fault) -> String {
        let found = try await commits(["refs/remotes/origin/\(into)", into.ref], in: mirror)
        let (origin, local) = (found[0], found[1])
        let target = LandingTarget(
            origin: origin,
            local: local,
            isOriginOlder: try await isAncestor(origin, of: local, in: mirror),
            isLocalOlder: try await isAncestor(local, of: origin, in: mirror)
        )
        switch target {
        case .at(let commit): return commit
        case .diverged:
            throw Fault(
                .conflict,
                "Branch \(into) of this spoke's mirror and the origin's went different ways; merge them."
            )
        case .missing:
            let format = "--format=%(refname:lstrip=3)"
            let names = try await git(["for-each-ref", format, "refs/remotes/origin/"], in: mirror.place).text
            let near = Nearness.nearest(into.rawValue, among: names.split(separator: "\n").map(String.init))
            let hint = near.isEmpty ? "" : " Did you mean \(near.map { "“\($0)”" }.joined(separator: " or "))?"
            throw Fault(.notFound, "There is no branch “\(into)” to land on.\(hint)")
        }
    }

    private func isAncestor(_ one: String?, of other: String?, in mirror: Mirror) async throws(Fault) -> Bool {
        guard let one, let other else { return false }
        return try await git.ask(["merge-base", "--is-ancestor", one, other], in: mirror.place).status == 0
    }

    // MARK: What comes of it

    private func result(
        _ order: LandingOrder,
        _ source: Source,
        _ before: String,
        _ message: String,
        in mirror: Mirror
    ) async throws(Fault) -> Landing.Result {
        let folder = newDraft("land")
        defer { discardDraft(folder) }
        try Folder.make(folder)
        try await layAttributes(of: before, in: folder, mirror)
        let known = try await git.ask(["config", "--get", "user.email"], in: mirror.place)
        let isKnown = known.status == 0 && !known.line.isEmpty
        let people = ["AUTHOR", "COMMITTER"].flatMap {
            [("GIT_\($0)_NAME", "Nave"), ("GIT_\($0)_EMAIL", "nave@localhost")]
        }
        let landing = Landing(
            git: git,
            mirror: mirror,
            folder: folder,
            committer: isKnown ? [:] : Dictionary(uniqueKeysWithValues: people)
        )
        return try await landing.result(source.commit, on: before, order.strategy, message: message)
    }

    /// Writes the files by which a repository says how its files are merged; git reads them from a folder only.
    private func layAttributes(of commit: String, in folder: String, _ mirror: Mirror) async throws(Fault) {
        let paths = try await git(["ls-tree", "-r", "-z", "--name-only", commit], in: mirror.place).fields
        let wanted = paths.filter { $0 == ".gitattributes" || $0.hasSuffix("/.gitattributes") }
        guard !wanted.isEmpty else { return }
        let draft = newDraft("attributes")
        defer { discardDraft(draft) }
        let scratch = try Scratch(git: git, mirror: mirror, path: draft, directory: folder)
        try await scratch(["read-tree", commit])
        try await scratch(["checkout-index", "--force", "--quiet", "-z", "--stdin"], input: wanted.nulTerminated)
    }

    private func message(
        _ order: LandingOrder,
        _ source: Source,
        _ before: String,
        in mirror: Mirror
    ) async throws(Fault) -> String {
        if let message = order.message { return message }
        guard order.strategy == .squash else { return "Merge \(source.branch) into \(order.into)" }
        let range = ["log", "--reverse", "--no-merges", "--max-count=100", "-z", "--format=tformat:%B", source.commit]
        let said = try await git(range + ["^\(before)", "--"], in: mirror.place).fields
        // Several messages become one that names them; a single one is as good as it was.
        if said.count == 1 { return said[0] }
        let subjects = said.map { "* " + ($0.split(separator: "\n").first.map(String.init) ?? "") }
        return "Land \(source.branch) on \(order.into)\n\n" + subjects.joined(separator: "\n")
    }

    /// What git says where the branch moved: before it looked, and while it wrote.
    private static let overtakenWords = ["fetch first", "non-fast-forward", "failed to update ref", "cannot lock ref"]

    /// Sends the commit; answers why if the origin's branch had moved meanwhile.
    ///
    /// - Throws: `CONFLICT` in the origin's words for anything else that it does not take.
    private func push(_ commit: String, to into: BranchName, from mirror: Mirror) async throws(Fault) -> String? {
        let arguments =
            ["push", "--porcelain", "--no-verify", "--no-recurse-submodules", "--no-follow-tags"]
            + (mirror.address.isLocal ? [GitChanges.receivePackForAnyOwner] : [])
            + ["--", "origin", "\(commit):\(into.ref)"]
        let answer = try await git.ask(arguments, in: mirror.place, limit: Git.networkLimit)
        if answer.status == 0 { return nil }
        guard let line = answer.text.split(separator: "\n").first(where: { $0.hasPrefix("!") }) else {
            throw Git.fault(arguments, answer)
        }
        let why = line.split(separator: "\t").last.map(String.init) ?? "rejected"
        if Self.overtakenWords.contains(where: why.contains) { return why }
        throw Fault(.conflict, "The origin did not take \(into): \(why). Nothing was landed.")
    }

    /// Moves the mirror's own branch along; answers where the commit now stands.
    private func advance(_ order: LandingOrder, to commit: String, in mirror: Mirror) async throws(Fault) -> String {
        let local = try await commits([order.into.ref], in: mirror)[0]
        if order.pushes {
            // The push has moved what is known of the origin. A branch of our own only follows if there is one.
            let follows = try await isAncestor(local, of: commit, in: mirror)
            if let local, follows, holder(of: order.into, in: mirror) == nil {
                try await git(["update-ref", order.into.ref, commit, local], in: mirror.place)
            }
            return "refs/remotes/origin/\(order.into)"
        }
        if let holder = holder(of: order.into, in: mirror) {
            throw Fault(
                .conflict,
                "Branch \(order.into) is checked out in workspace \(holder); land when that one is gone."
            )
        }
        try await git(["update-ref", order.into.ref, commit, local ?? ""], in: mirror.place)
        return order.into.ref
    }
}
