import Protocol
import SpokeCore

/// How this spoke merges in a worktree when it is called, and gives up a merge that waits for somebody.
struct GitMerges: Sendable {
    let git: GitAnswers
    private var worktrees: Worktrees { git.worktrees }
    private var premises: Premises { git.premises }

    func register(in table: inout SpokeOperations) {
        table.answer(GitMerge.self) { (request, _) async throws(Fault) in try await merge(request) }
        table.answer(GitMergeAbort.self) { (request, _) async throws(Fault) in try await abort(request) }
    }

    private func merge(_ request: GitMerge) async throws(Fault) -> GitMerge.Output {
        let message = try request.message.map { text throws(Fault) in try GitWords.message(text) }
        return try await premises.within(request.workspaceId, request.sessionId) {
            (record) async throws(Fault) -> GitMerge.Output in
            let revision = try await git.commit(request.revision, in: record)
            return try await worktrees.alone(in: record) { () async throws(Fault) -> GitMerge.Output in
                // What somebody is resolving would be thrown away with the merge that fails because of it.
                let admin = try worktrees.admin(of: record)
                if let objection = UnderWay.objection(in: admin, of: record.id) { throw objection }
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
                let answer = try await git.ask(arguments, in: record, extra: try await git.identity(in: record))
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
        let isUnderWay = UnderWay.isMerge(in: try worktrees.admin(of: record))
        guard isUnderWay, !unmerged.isEmpty else {
            if isUnderWay { _ = try await git.ask(["merge", "--abort"], in: record) }
            let fault = Git.fault(arguments, answer)
            throw Fault(.conflict, fault.message, details: fault.details)
        }
        if request.keepConflicts != true { _ = try await git.git(["merge", "--abort"], in: record) }
        return GitMerge.Output(outcome: .conflicts, head: before, conflicts: unmerged)
    }

    private func abort(_ request: GitMergeAbort) async throws(Fault) -> GitMergeAbort.Output {
        try await premises.within(request.workspaceId, request.sessionId) {
            (record) async throws(Fault) -> GitMergeAbort.Output in
            try await worktrees.alone(in: record) { () async throws(Fault) -> GitMergeAbort.Output in
                guard UnderWay.isMerge(in: try worktrees.admin(of: record)) else {
                    throw Fault(.conflict, "No merge is under way in workspace \(record.id); there is nothing to end.")
                }
                let saved = try await worktrees.setAside(record)
                // git goes back only where what is staged is what lies there.
                let staged = Set(try await changed(["--cached"], in: record))
                let touched = try await changed([], in: record).filter(staged.contains)
                if !touched.isEmpty {
                    _ = try await git.git(
                        ["add", "--all", "--pathspec-from-file=-", "--pathspec-file-nul"],
                        in: record,
                        input: touched.nulTerminated
                    )
                }
                _ = try await git.git(["merge", "--abort"], in: record)
                return GitMergeAbort.Output(
                    head: try await git.commit("HEAD", in: record),
                    salvageId: saved?.id,
                    files: saved?.files ?? 0
                )
            }
        }
    }

    private func changed(_ sides: [String], in record: WorktreeRecord) async throws(Fault) -> [String] {
        try await git.git(["diff", "--name-only", "--no-renames", "-z"] + sides, in: record).fields
    }
}
