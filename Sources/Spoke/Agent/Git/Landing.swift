import Foundation
import Protocol
import SpokeCore

/// Makes the commit that a landing would leave, in a mirror's objects alone: no worktree has a say or is touched.
///
/// A dry run and a landing do the same up to here, so the one never says what the other does not do.
struct Landing: Sendable {
    let git: Git
    let mirror: Mirror
    /// A folder of this landing's own with nothing in it but the attributes by which git merges.
    let folder: String
    /// Who commits.
    let committer: [String: String]

    /// What would become of it.
    enum Result: Sendable {
        case upToDate
        case conflicts([MergeConflict])
        case commit(String)
    }

    /// More commits than this are not landed one by one.
    static let commitsMost = 1_000

    /// - Throws: `CONFLICT` if the branch cannot be landed this way whatever its files are.
    func result(
        _ source: String,
        on target: String,
        _ strategy: LandingStrategy,
        message: String
    ) async throws(Fault) -> Result {
        let base = try await ask(["merge-base", target, source])
        guard base.status == 0 else { throw Fault(.conflict, "The two branches have no common history.") }
        if base.line == source { return .upToDate }
        switch strategy {
        case .fastForward:
            guard base.line == target else {
                throw Fault(
                    .conflict,
                    "The branch cannot simply move on: it has commits that the other lacks. Merge, squash or rebase."
                )
            }
            return .commit(source)
        case .merge: return try await merged(source, on: target, parents: [target, source], [:], message)
        case .squash:
            return try await merged(source, on: target, parents: [target], try await author(of: source), message)
        case .rebase: return try await rebased(source, on: target)
        }
    }

    /// One commit with the merged tree; none if it changed nothing, as when the branch was squashed before.
    private func merged(
        _ source: String,
        on target: String,
        parents: [String],
        _ author: [String: String],
        _ message: String
    ) async throws(Fault) -> Result {
        let report = try await merge(target, source)
        guard report.conflicts.isEmpty else { return .conflicts(report.conflicts) }
        if report.tree == (try await tree(of: target)) { return .upToDate }
        return .commit(try await commit(report.tree, parents, author, message))
    }

    /// The branch's commits, one by one on top. Merges among them are left out, and what changes nothing more.
    private func rebased(_ source: String, on target: String) async throws(Fault) -> Result {
        let range = ["rev-list", "--reverse", "--topo-order", "--no-merges", source, "^\(target)"]
        let commits = try await run(range).text.split(separator: "\n").map(String.init)
        guard commits.count <= Self.commitsMost else {
            throw Fault(.conflict, "\(commits.count) commits are too many to land one by one; merge or squash them.")
        }
        var head = target
        for original in commits {
            let note = try await CommitNote(run(["show", "-s", "--date=raw", CommitNote.format, original]).text)
            guard let parent = note.parents.first else {
                throw Fault(.conflict, "Commit \(original) follows none: it cannot be put on top; merge or squash.")
            }
            if parent == head {
                head = original
                continue
            }
            // A commit with our tree and the original's parent: merging the original into it is taking its change over.
            let stand = try await commit(try await tree(of: head), [parent], [:], "")
            let report = try await merge(stand, original)
            guard report.conflicts.isEmpty else {
                return .conflicts(
                    report.conflicts.map { MergeConflict(path: $0.path, kind: $0.kind, commit: original) }
                )
            }
            if report.tree == (try await tree(of: head)) { continue }
            head = try await commit(report.tree, [head], note.author, note.message)
        }
        return head == target ? .upToDate : .commit(head)
    }

    private func merge(_ ours: String, _ theirs: String) async throws(Fault) -> MergeReport {
        let arguments = ["merge-tree", "--write-tree", "-z", ours, theirs]
        let answer = try await git.ask(arguments, in: .worktree(admin: mirror.path, directory: folder))
        guard answer.status == 0 || answer.status == 1, var report = MergeReport(answer.text) else {
            throw Git.fault(arguments, answer)
        }
        // Messages are there for clean merges, too.
        if answer.status == 0 { report.conflicts = [] }
        return report
    }

    private func commit(
        _ tree: String,
        _ parents: [String],
        _ author: [String: String],
        _ message: String
    ) async throws(Fault) -> String {
        let arguments = ["commit-tree", tree] + parents.flatMap { ["-p", $0] } + ["-F", "-"]
        let text = message.isEmpty || message.hasSuffix("\n") ? message : message + "\n"
        let people = committer.merging(author) { $1 }
        return try await git(arguments, in: mirror.place, input: Array(text.utf8), extra: people).line
    }

    private func tree(of commit: String) async throws(Fault) -> String {
        try await run(["rev-parse", "--verify", "--end-of-options", commit + "^{tree}"]).line
            .split(separator: "\n").last.map(String.init) ?? ""
    }

    private func author(of commit: String) async throws(Fault) -> [String: String] {
        try await CommitNote(run(["show", "-s", "--date=raw", CommitNote.format, commit]).text).author
    }

    private func ask(_ arguments: [String]) async throws(Fault) -> Git.Answer {
        try await git.ask(arguments, in: mirror.place)
    }

    private func run(_ arguments: [String]) async throws(Fault) -> Git.Answer {
        try await git(arguments, in: mirror.place)
    }
}

/// What is taken over of a commit: who wrote it and when, and what was said of it.
struct CommitNote: Sendable {
    static let format = "--format=tformat:%P%x00%an%x00%ae%x00%ad%x00%B%x00"

    var parents: [String]
    var author: [String: String]
    var message: String

    init(_ text: String) throws(Fault) {
        let parts = text.split(separator: "\0", omittingEmptySubsequences: false).map(String.init)
        guard parts.count >= 5 else { throw Fault(.execution, "git told nothing of a commit.") }
        parents = parts[0].split(separator: " ").map(String.init)
        author = ["GIT_AUTHOR_NAME": parts[1], "GIT_AUTHOR_EMAIL": parts[2], "GIT_AUTHOR_DATE": parts[3]]
        message = parts[4]
    }
}
