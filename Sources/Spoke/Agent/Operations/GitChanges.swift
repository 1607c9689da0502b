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
        table.answer(GitMerge.self) { (request, _) async throws(Fault) in try await merge(request) }
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
                if request.onlyStaged != true {
                    _ = try await git.git(["add", "--all", "--"] + (paths.isEmpty ? ["."] : paths), in: record)
                }
                let extra = try await identity(author, in: record)
                let only = paths.isEmpty ? [] : ["--only", "--"] + paths
                let arguments = ["commit", "--quiet", "--no-verify", "--cleanup=whitespace", "--file=-"] + only
                let answer = try await git.ask(arguments, in: record, input: Array(message.utf8), extra: extra)
                guard answer.status == 0 else { throw try await Self.refusal(arguments, answer, git, record) }
                let files = try await git.git(
                    ["diff-tree", "--root", "--no-commit-id", "--name-only", "-z", "-r", "HEAD"],
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

    private static func refusal(
        _ arguments: [String],
        _ answer: Git.Answer,
        _ git: GitAnswers,
        _ record: WorktreeRecord
    ) async throws(Fault) -> Fault {
        let staged = try await git.ask(["diff", "--cached", "--quiet"], in: record)
        if staged.status == 0 { return Fault(.conflict, "There is nothing to commit in workspace \(record.id).") }
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

    /// Who commits: as this machine's git says; where it says nothing, the spoke.
    private func identity(_ author: [String: String], in record: WorktreeRecord) async throws(Fault) -> [String: String]
    {
        var identity = author
        let known = try await git.ask(["config", "--get", "user.email"], in: record)
        if known.status != 0 || known.line.isEmpty {
            for role in ["AUTHOR", "COMMITTER"] where identity["GIT_\(role)_NAME"] == nil {
                identity["GIT_\(role)_NAME"] = "Nave"
                identity["GIT_\(role)_EMAIL"] = "nave@localhost"
            }
        }
        return identity
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
        if let branch = request.branch { named = try BranchName(branch) }
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
            let lease = replacing.map { ["--force-with-lease=\(branch.ref):\($0)"] } ?? []
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

    private static func destination(_ named: BranchName?, _ own: String?) throws(Fault) -> BranchName {
        if let named { return named }
        guard let own else {
            throw Fault.invalid("branch", "is required: the head of the worktree is detached.")
        }
        return try BranchName(own)
    }

    /// The counterpart of what lets a mirror be fetched from a repository of another owner on this machine.
    static let receivePackForAnyOwner = "--receive-pack=git -c 'safe.directory=*' receive-pack"

    // MARK: Merge

    private func merge(_ request: GitMerge) async throws(Fault) -> GitMerge.Output {
        let message = try request.message.map { text throws(Fault) in try GitWords.message(text) }
        return try await premises.within(request.workspaceId, request.sessionId) {
            (record) async throws(Fault) -> GitMerge.Output in
            let revision = try await git.commit(request.revision, in: record)
            return try await worktrees.alone(in: record) { () async throws(Fault) -> GitMerge.Output in
                let before = try await git.commit("HEAD", in: record)
                let forward: [String] =
                    switch request.fastForward ?? .allow {
                    case .allow: ["--ff"]
                    case .only: ["--ff-only"]
                    case .never: ["--no-ff"]
                    }
                let arguments =
                    ["merge", "--quiet", "--no-verify", "--no-edit", "--no-stat", "--no-autostash", "--no-log"]
                    + forward + ["-m", message ?? "Merge \(request.revision)", revision]
                let answer = try await git.ask(
                    arguments,
                    in: record,
                    extra: try await identity([:], in: record)
                )
                guard answer.status == 0 else { return try await failed(request, arguments, answer, record, before) }
                let head = try await git.commit("HEAD", in: record)
                return GitMerge.Output(outcome: head == before ? .upToDate : .merged, head: head)
            }
        }
    }

    /// Nothing is changed, unless the caller wants to have the conflicts in the files.
    private func failed(
        _ request: GitMerge,
        _ arguments: [String],
        _ answer: Git.Answer,
        _ record: WorktreeRecord,
        _ before: String
    ) async throws(Fault) -> GitMerge.Output {
        let unmerged = try await git.git(["diff", "--name-only", "--diff-filter=U", "-z"], in: record).fields
        let isUnderWay = try await git.ask(["rev-parse", "--verify", "--quiet", "MERGE_HEAD"], in: record).status == 0
        guard isUnderWay, !unmerged.isEmpty else {
            if isUnderWay { _ = try await git.ask(["merge", "--abort"], in: record) }
            let fault = Git.fault(arguments, answer)
            throw Fault(.conflict, fault.message, details: fault.details)
        }
        if request.keepConflicts != true { _ = try await git.git(["merge", "--abort"], in: record) }
        return GitMerge.Output(outcome: .conflicts, head: before, conflicts: unmerged)
    }
}
