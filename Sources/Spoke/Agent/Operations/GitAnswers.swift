import Foundation
import Protocol
import SpokeCore

/// What this spoke answers about worktrees as git sees them, and without changing any.
struct GitAnswers: Sendable {
    let premises: Premises
    var worktrees: Worktrees { premises.worktrees }
    /// Answers of git may be large and are held in memory: few at a time.
    let queries = Permits(4)

    func register(in table: inout SpokeOperations) {
        table.answer(GitStatus.self) { (request, _) async throws(Fault) in try await status(request) }
        table.answer(GitDiff.self) { (request, _) async throws(Fault) in try await diff(request) }
        table.answer(GitLog.self) { (request, _) async throws(Fault) in try await log(request) }
        table.answer(GitShow.self) { (request, _) async throws(Fault) in try await show(request) }
        table.answer(GitMergeability.self) { (request, _) async throws(Fault) in try await mergeability(request) }
        table.answer(GitWorktrees.self) { (request, call) async throws(Fault) in try await list(request, call) }
        GitChanges(git: self).register(in: &table)
        GitMerges(git: self).register(in: &table)
        GitLandings(premises: premises).register(in: &table)
    }

    /// Runs git in a worktree; paths are taken literally, and nothing of the repository is run to show them.
    func git(
        _ arguments: [String],
        in record: WorktreeRecord,
        input: [UInt8]? = nil,
        extra: [String: String] = [:]
    ) async throws(Fault) -> Git.Answer {
        let answer = try await ask(arguments, in: record, input: input, extra: extra)
        guard answer.status == 0 else { throw Git.fault(arguments, answer) }
        return answer
    }

    /// The same, whatever its exit code.
    func ask(
        _ arguments: [String],
        in record: WorktreeRecord,
        input: [UInt8]? = nil,
        extra: [String: String] = [:],
        limit: Duration = Git.localLimit
    ) async throws(Fault) -> Git.Answer {
        let place = try worktrees.place(of: record)
        let settings = ["GIT_LITERAL_PATHSPECS": "1"].merging(extra) { $1 }
        let git = worktrees.git
        // What talks to another machine takes long and answers little: it stands in nobody's way.
        guard limit <= Git.localLimit else {
            return try await git.ask(arguments, in: place, input: input, extra: settings, limit: limit)
        }
        return try await Worktrees.faulting {
            try await queries.with {
                try await git.ask(arguments, in: place, input: input, extra: settings, limit: limit)
            }
        }
    }

    /// Who commits: as this machine's git says; where it says nothing, the spoke.
    func identity(
        _ author: [String: String] = [:],
        in record: WorktreeRecord
    ) async throws(Fault) -> [String: String] {
        var identity = author
        let known = try await ask(["config", "--get", "user.email"], in: record)
        if known.status != 0 || known.line.isEmpty {
            for role in ["AUTHOR", "COMMITTER"] where identity["GIT_\(role)_NAME"] == nil {
                identity["GIT_\(role)_NAME"] = "Nave"
                identity["GIT_\(role)_EMAIL"] = "nave@localhost"
            }
        }
        return identity
    }

    /// The commit that a caller's revision stands for.
    ///
    /// - Throws: `NOT_FOUND` if it stands for none.
    func commit(_ revision: String, in record: WorktreeRecord, field: String = "revision") async throws(Fault) -> String
    {
        let words = try GitWords.revision(revision, field: field)
        let arguments = ["rev-parse", "--verify", "--quiet", "--end-of-options", words + "^{commit}"]
        let answer = try await ask(arguments, in: record)
        guard answer.status == 0, let hash = answer.line.split(separator: "\n").last else {
            let known = ["rev-parse", "--verify", "--quiet", "refs/remotes/origin/\(words)^{commit}"]
            let isOrigins = try await ask(known, in: record).status == 0
            let hint = isOrigins ? "the origin's branch is “origin/\(words)”" : "git.fetch brings new ones"
            throw Fault(
                .notFound,
                "There is no commit “\(revision)” in this repository; \(hint).",
                details: ["field": .string(field), "revision": .string(revision)]
            )
        }
        return String(hash)
    }

    private func status(_ request: GitStatus) async throws(Fault) -> GitStatus.Output {
        let limit = try Bounds.check(request.limit, "limit", 1...5_000, usual: 1_000)
        return try await premises.within(request.workspaceId, request.sessionId) {
            (record) async throws(Fault) -> GitStatus.Output in
            let state = try await worktrees.state(of: record.id)
            let answer = try await git(["status", "--porcelain=v2", "-z", "--untracked-files=all"], in: record)
            return GitStatus.Output(
                workspaceId: record.id,
                branch: state.branch,
                head: state.head,
                ahead: state.ahead,
                behind: state.behind,
                files: state.files,
                changes: Array(StatusEntries.changes(in: answer.text).prefix(limit))
            )
        }
    }

    private static let patchOptions = ["--no-ext-diff", "--no-textconv", "--no-color", "--submodule=short"]

    private func diff(_ request: GitDiff) async throws(Fault) -> GitPatch {
        let most = try Self.most(request.maxBytes)
        let paths = try GitWords.paths(request.paths)
        guard request.to == nil || request.staged != true else {
            throw Fault.invalid("staged", "says what the new side is; leave to out.")
        }
        guard request.to != nil || request.sinceMergeBase != true else {
            throw Fault.invalid("sinceMergeBase", "needs from and to.")
        }
        return try await premises.within(request.workspaceId, request.sessionId) {
            (record) async throws(Fault) -> GitPatch in
            var old = try await commit(request.from ?? "HEAD", in: record, field: "from")
            var sides: [String] = []
            if let to = request.to {
                let new = try await commit(to, in: record, field: "to")
                if request.sinceMergeBase == true {
                    let base = try await ask(["merge-base", old, new], in: record)
                    guard base.status == 0 else { throw Fault(.conflict, "The two have no common history.") }
                    old = base.line
                }
                sides = [new]
            }
            let arguments =
                ["diff"] + Self.patchOptions + (request.statistics == true ? ["--stat=200"] : [])
                + (request.staged == true ? ["--cached"] : []) + [old] + sides + ["--"] + paths
            return await cut(try await git(arguments, in: record).output, most)
        }
    }

    private func log(_ request: GitLog) async throws(Fault) -> GitLog.Output {
        let limit = try Bounds.check(request.limit, "limit", 1...500, usual: 50)
        let skip = try Bounds.check(request.skip, "skip", 0...1_000_000, usual: 0)
        let paths = try GitWords.paths(request.paths)
        return try await premises.within(request.workspaceId, request.sessionId) {
            (record) async throws(Fault) -> GitLog.Output in
            var revisions = [try await commit(request.revision ?? "HEAD", in: record)]
            if let since = request.since {
                revisions.append("^" + (try await commit(since, in: record, field: "since")))
            }
            let arguments =
                ["log", "-z", GitCommitText.format, "--max-count=\(limit + 1)", "--skip=\(skip)"] + revisions + ["--"]
            let commits = GitCommitText.commits(in: try await git(arguments + paths, in: record).text)
            return GitLog.Output(commits: Array(commits.prefix(limit)), hasMore: commits.count > limit)
        }
    }

    private func show(_ request: GitShow) async throws(Fault) -> GitShow.Output {
        let most = try Self.most(request.maxBytes)
        let path = try request.path.map { path throws(Fault) in try GitWords.paths([path], field: "path")[0] }
        return try await premises.within(request.workspaceId, request.sessionId) {
            (record) async throws(Fault) -> GitShow.Output in
            let hash = try await commit(request.revision ?? "HEAD", in: record)
            let text = try await git(["log", "-z", GitCommitText.format, "--max-count=1", hash, "--"], in: record).text
            guard let shown = GitCommitText.commits(in: text).first else {
                throw Fault(.execution, "git told nothing of the commit \(hash).")
            }
            guard let path else {
                let arguments = ["show", "--format=", "--patch", "--diff-merges=first-parent"]
                let cut = await cut(try await git(arguments + Self.patchOptions + [hash], in: record).output, most)
                return GitShow.Output(commit: shown, patch: cut.patch, isCut: cut.isCut)
            }
            let found = try await ask(["cat-file", "blob", "\(hash):\(path)"], in: record)
            guard found.status == 0 else { throw Fault(.notFound, "There is no file \(path) in commit \(hash).") }
            let part = await part(found.output, most)
            let isCut = found.output.count > most
            let whole = UTF8Cut.length(of: part, isLast: !isCut)
            let shownText = String(validating: part[..<whole], as: UTF8.self)
            return GitShow.Output(
                commit: shown,
                text: shownText,
                base64: shownText == nil ? Data(part) : nil,
                isCut: isCut
            )
        }
    }

    private func mergeability(_ request: GitMergeability) async throws(Fault) -> GitMergeability.Output {
        try await premises.within(request.workspaceId, request.sessionId) {
            (record) async throws(Fault) -> GitMergeability.Output in
            let revision = try await commit(request.revision ?? "HEAD", in: record)
            let into = try await target(request.into, in: record)
            let base = try await ask(["merge-base", revision, into], in: record)
            guard base.status == 0 else { throw Fault(.conflict, "The two have no common history.") }
            let arguments = ["merge-tree", "--write-tree", "-z", "--name-only", "--no-messages", into, revision]
            let answer = try await ask(arguments, in: record)
            guard answer.status == 0 || answer.status == 1, let tree = answer.fields.first else {
                throw Git.fault(arguments, answer)
            }
            return GitMergeability.Output(
                mergeable: answer.status == 0,
                upToDate: base.line == revision,
                fastForward: base.line == into && into != revision,
                conflicts: answer.status == 0 ? [] : Array(answer.fields.dropFirst()),
                tree: answer.status == 0 ? tree : nil,
                revision: revision,
                into: into
            )
        }
    }

    /// A branch's name stands for where git.land would put a landing on it; anything else for the commit that it names.
    private func target(_ into: String, in record: WorktreeRecord) async throws(Fault) -> String {
        if BranchName.violation(of: into) == nil {
            let branch = try BranchName(short: into)
            do throws(Fault) {
                return try await worktrees.target(branch, in: try worktrees.mirror(for: record))
            } catch {
                guard error.code == .notFound else { throw error }
            }
        }
        return try await commit(into, in: record, field: "into")
    }

    /// The hub's gate has seen the project that is named; whoever names none must be one whom it lets see all.
    private func list(_ request: GitWorktrees, _ call: SpokeCall) async throws(Fault) -> GitWorktrees.Output {
        guard request.projectId != nil || call.overseesOrganizations else {
            throw Fault(.accessDenied, "The worktrees of all projects are for org:admin; name one with projectId.")
        }
        let records = try await worktrees.list().filter { record in
            request.projectId == nil || record.projectId == request.projectId
        }
        return GitWorktrees.Output(
            worktrees: records.prefix(1_000).map { record in
                GitWorktrees.Entry(
                    workspaceId: record.id,
                    projectId: record.projectId,
                    repository: AddressText.withoutCredentials(record.repository),
                    branch: record.branch,
                    directory: record.directory,
                    state: record.state.rawValue,
                    sessionId: record.leaseSession,
                    lastUsedAt: record.lastUsedAt
                )
            }
        )
    }

    /// The beginning, redacted as it is in the whole: half a secret would not be known for one.
    private func part(_ bytes: [UInt8], _ most: Int) async -> [UInt8] {
        let secrets = await premises.secrets()
        return Array(Redactor.redact(Array(bytes.prefix(most + secrets.window)), with: secrets).prefix(most))
    }

    private static func most(_ bytes: Int?) throws(Fault) -> Int {
        try Bounds.check(bytes, "maxBytes", 1...Limits.answerBytesMost, usual: Limits.answerBytesUsual)
    }

    private func cut(_ bytes: [UInt8], _ most: Int) async -> GitPatch {
        let part = await part(bytes, most)
        let whole = UTF8Cut.length(of: part, isLast: bytes.count <= most)
        return GitPatch(patch: String(decoding: part[..<whole], as: UTF8.self), isCut: bytes.count > most)
    }
}

/// A commit as git is asked to print it, and read again.
enum GitCommitText {
    static let format = "--format=tformat:%H%x00%P%x00%an%x00%ae%x00%aI%x00%cI%x00%B"
    private static let fields = 7

    /// Fields and commits are both closed by NUL, which no message can contain.
    static func commits(in text: String) -> [GitCommitRecord] {
        let parts = text.split(separator: "\0", omittingEmptySubsequences: false).map(String.init)
        var commits: [GitCommitRecord] = []
        var start = 0
        while start + fields <= parts.count {
            commits.append(commit(Array(parts[start..<start + fields])))
            start += fields
        }
        return commits
    }

    private static func commit(_ parts: [String]) -> GitCommitRecord {
        GitCommitRecord(
            commit: parts[0],
            parents: parts[1].split(separator: " ").map(String.init),
            author: parts[2],
            email: parts[3],
            authoredAt: parts[4],
            committedAt: parts[5],
            message: parts[6]
        )
    }
}
