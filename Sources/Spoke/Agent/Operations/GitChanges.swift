import Foundation
import Protocol
import SpokeCore

/// What this spoke does to worktrees with git when it is called.
struct GitChanges: Sendable {
    let git: GitAnswers
    private var worktrees: Worktrees { git.worktrees }
    private var premises: Premises { git.premises }

    init(git: GitAnswers) { self.git = git }

    func register(in table: inout SpokeOperations) {
        table.answer(GitCommit.self) { (request, _) async throws(Fault) in try await commit(request) }
        table.answer(GitFetch.self) { (request, _) async throws(Fault) in try await fetch(request) }
        table.answer(GitPush.self) { (request, _) async throws(Fault) in try await push(request) }
    }

    // MARK: Commit

    private func commit(_ request: GitCommit) async throws(Fault) -> GitCommit.Output {
        let message = try GitWords.message(request.message)
        let paths = try GitWords.paths(request.paths)
        guard request.onlyStaged != true || paths.isEmpty else {
            throw Fault.invalid("onlyStaged", "commits what is staged; leave paths out.")
        }
        let author = try Self.author(request)
        return try await premises.within(request.workspaceId, request.sessionId) {
            (record) async throws(Fault) -> GitCommit.Output in
            try await worktrees.alone(in: record) { () async throws(Fault) -> GitCommit.Output in
                let partly = try await stage(request, paths, in: record)
                let extra = try await git.identity(author, in: record)
                let only = partly ? ["--only", "--"] + paths : []
                let arguments = ["commit", "--quiet", "--no-verify", "--cleanup=whitespace", "--file=-"] + only
                let answer = try await git.ask(arguments, in: record, input: Array(message.utf8), extra: extra)
                guard answer.status == 0 else { throw try await refusal(paths, arguments, answer, record) }
                // A merge is told by what it brought to the branch.
                let files = try await git.git(
                    [
                        "diff-tree", "--root", "--no-commit-id", "--name-only", "-z", "-r",
                        "--diff-merges=first-parent", "HEAD",
                    ],
                    in: record
                )
                return GitCommit.Output(
                    commit: try await git.commit("HEAD", in: record),
                    branch: try await branch(of: record),
                    files: files.fields.count
                )
            }
        }
    }

    /// Stages what is to be committed, and answers whether only that is.
    ///
    /// - Throws: `CONFLICT` before anything is touched while files are in conflict, see ``GitConflicts``.
    private func stage(_ request: GitCommit, _ paths: [String], in record: WorktreeRecord) async throws(Fault) -> Bool {
        let conflicts = try await GitConflicts(of: record, git)
        let named = request.onlyStaged == true ? [] : paths
        if let objection = conflicts.objection(named: named, trusting: request.onlyStaged != true) { throw objection }
        if request.onlyStaged == true { return false }
        let resolved = paths.isEmpty ? [] : conflicts.files.map(\.path)
        let arguments = ["add", "--all", "--"] + (paths.isEmpty ? ["."] : paths + resolved)
        let answer = try await git.ask(arguments, in: record)
        guard answer.status == 0 else { throw Self.refusal(ofPaths: arguments, answer) }
        let isWhole = UnderWay.endsWithACommit(in: try worktrees.admin(of: record))
        return !paths.isEmpty && conflicts.files.isEmpty && !isWhole
    }

    /// What is wrong with paths that git does not stage.
    private static func refusal(ofPaths arguments: [String], _ answer: Git.Answer) -> Fault {
        if let unknown = answer.complaint.firstMatch(of: /pathspec '(.*)' did not match/) {
            let path = String(unknown.1)
            return Fault(
                .notFound,
                "There is no file \(path) in this worktree, and none that was there; git.status lists changes.",
                details: ["path": .string(path)]
            )
        }
        guard answer.complaint.contains("paths are ignored") else { return Git.fault(arguments, answer) }
        let ignored = answer.complaint.split(separator: "\n").map(String.init).filter(arguments.contains)
        return Fault.invalid("paths", "must not name what .gitignore leaves out: \(ignored.joined(separator: ", ")).")
    }

    private func refusal(
        _ paths: [String],
        _ arguments: [String],
        _ answer: Git.Answer,
        _ record: WorktreeRecord
    ) async throws(Fault) -> Fault {
        let sides = paths.isEmpty ? ["--cached"] : ["HEAD", "--"] + paths
        let changed = try await git.ask(["diff", "--quiet"] + sides, in: record)
        if changed.status == 0 { return Fault(.conflict, "There is nothing to commit in workspace \(record.id).") }
        return Git.fault(arguments, answer)
    }

    private static func author(_ request: GitCommit) throws(Fault) -> [String: String] {
        guard let author = request.author else {
            guard request.email == nil else { throw Fault.invalid("email", "belongs to author; name one.") }
            return [:]
        }
        let name = try GitWords.person(author, field: "author")
        let email = try GitWords.person(request.email ?? "nave@localhost", field: "email")
        return ["GIT_AUTHOR_NAME": name, "GIT_AUTHOR_EMAIL": email]
    }

    /// The branch of a worktree; `nil` while its head is detached.
    private func branch(of record: WorktreeRecord) async throws(Fault) -> String? {
        let answer = try await git.ask(["symbolic-ref", "--quiet", "--short", "HEAD"], in: record)
        return answer.status == 0 ? answer.line : nil
    }

    // MARK: Fetch and push

    private func fetch(_ request: GitFetch) async throws(Fault) -> Done {
        try await premises.within(request.workspaceId, request.sessionId) { (record) async throws(Fault) -> Done in
            try await permit(record)
            try await worktrees.refresh(record.repository)
            return Done()
        }
    }

    /// The owner may have changed the policy since the worktree was made.
    private func permit(_ record: WorktreeRecord) async throws(Fault) {
        if let objection = try await premises.policy.current().objection(toRepository: record.repository) {
            throw objection
        }
    }

    private func push(_ request: GitPush) async throws(Fault) -> GitPush.Output {
        var named: BranchName?
        if let branch = request.branch { named = try BranchName(short: branch) }
        let replacing = try request.replacing.map { text throws(Fault) in
            try GitWords.revision(text, field: "replacing")
        }
        return try await premises.within(request.workspaceId, request.sessionId) {
            [named] (record) async throws(Fault) -> GitPush.Output in
            try await permit(record)
            let own = try await branch(of: record)
            let branch = try Self.destination(named, own)
            let mirror = try worktrees.mirror(for: record)
            let commit = try await git.commit("HEAD", in: record)
            let lease = try await lease(replacing, on: branch, in: record)
            let arguments =
                ["push", "--porcelain", "--no-verify", "--no-recurse-submodules", "--no-follow-tags"] + lease
                + (mirror.address.isLocal ? [Self.receivePackForAnyOwner] : [])
                + ["--", "origin", "\(commit):\(branch.ref)"]
            let answer = try await worktrees.alone(with: mirror) { () async throws(Fault) -> Git.Answer in
                try await git.ask(arguments, in: record, limit: Git.networkLimit)
            }
            let line = answer.text.split(separator: "\n").first {
                $0.contains("\t\(commit):") || $0.contains(branch.ref)
            }
            if answer.status != 0, line?.first == "!" {
                let why = line?.split(separator: "\t").last.map(String.init) ?? "rejected"
                throw Fault(.conflict, "The origin did not take \(branch): \(why). Fetch and merge first.")
            }
            guard answer.status == 0 else { throw Git.fault(arguments, answer) }
            return GitPush.Output(branch: branch.rawValue, commit: commit, changed: line?.first != "=")
        }
    }

    /// The option by which the origin gives up the commit that the caller knows to be there, and no other.
    private func lease(
        _ replacing: String?,
        on branch: BranchName,
        in record: WorktreeRecord
    ) async throws(Fault) -> [String] {
        guard let replacing else { return [] }
        // A whole hash is what the origin is asked for, whether or not the commit was ever fetched.
        let isWhole = replacing.utf8.count == 40 && WorktreePlan.isCommitName(replacing)
        let commit = isWhole ? replacing : try await git.commit(replacing, in: record, field: "replacing")
        return ["--force-with-lease=\(branch.ref):\(commit)"]
    }

    private static func destination(_ named: BranchName?, _ own: String?) throws(Fault) -> BranchName {
        if let named { return named }
        guard let own else {
            throw Fault.invalid("branch", "is required: the head of the worktree is detached.")
        }
        return try BranchName(own)
    }

    /// The counterpart of what lets a mirror be fetched from a repository of another owner on this machine.
    static let receivePackForAnyOwner = "--receive-pack=git -c 'safe.directory=*' receive-pack"
}
