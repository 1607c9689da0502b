import Protocol
import SpokeCore

/// The files of a worktree on which two sides disagree, and whether somebody has resolved them. Whoever changes files
/// by calls cannot tell git that a file is resolved; so it is seen from the file, or told by naming it.
struct GitConflicts: Sendable {
    struct File: Sendable {
        var path: String
        /// Whether it differs from what our side had, and has no conflict marks left.
        var looksResolved: Bool
    }

    let files: [File]

    private static let most = 20

    init(of record: WorktreeRecord, _ git: GitAnswers) async throws(Fault) {
        let plain = ["--no-ext-diff", "--no-textconv", "--no-renames"]
        let listed = try await git.git(["diff", "--name-only", "--diff-filter=U", "-z"], in: record).fields
        guard !listed.isEmpty else {
            files = []
            return
        }
        // An unmerged file stands in it once, and once more if it differs from our side.
        let sides = try await git.git(["diff", "-2", "--name-only", "-z"] + plain, in: record).fields
        let changed = Dictionary(sides.map { ($0, 1) }, uniquingKeysWith: +)
        // Exit code 2 says that marks were found; other flaws of the text are not looked for.
        let marks = try await git.ask(
            ["-c", "core.whitespace=-blank-at-eol,-space-before-tab,-blank-at-eof", "diff", "-2", "--text", "--check"]
                + plain,
            in: record
        )
        let lines = marks.text.split(separator: "\n").filter { $0.contains("leftover conflict marker") }
        files = Set(listed).sorted().map { path in
            File(
                path: path,
                looksResolved: (changed[path] ?? 0) > 1 && !lines.contains { $0.hasPrefix("\(path):") }
            )
        }
    }

    /// What stands against a commit; `nil` if nothing.
    ///
    /// - Parameters:
    ///   - named: Files and folders that the caller says are as they should be.
    ///   - trusting: Whether what looks resolved is.
    func objection(named: [String], trusting: Bool) -> Fault? {
        let open = files.filter { file in
            !(trusting && file.looksResolved)
                && !named.contains { $0.isEmpty || file.path == $0 || file.path.hasPrefix("\($0)/") }
        }.map(\.path)
        guard let first = open.first else { return nil }
        let shown = open.count == 1 ? first : "\(first) and \(open.count - 1) more"
        return Fault(
            .conflict,
            "Files are in conflict (\(shown)): resolve them and name them in paths, or give up with git.mergeAbort.",
            details: ["conflicts": .array(open.prefix(Self.most).map(JSONValue.string))]
        )
    }
}
