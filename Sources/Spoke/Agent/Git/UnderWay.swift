import Protocol

/// Something that git was told to do in a worktree and that waits for somebody to end it: git says so by a file in the
/// worktree's administrative folder.
struct UnderWay: Sendable {
    let name: String
    private let mark: String
    /// Files of the administrative folder that name commits which no ref may lead to.
    let commits: [String]

    private static let merge = UnderWay(name: "merge", mark: "MERGE_HEAD", commits: ["MERGE_HEAD"])

    /// In the order in which a person would name them.
    static let all = [
        merge,
        UnderWay(name: "cherry-pick", mark: "CHERRY_PICK_HEAD", commits: ["CHERRY_PICK_HEAD"]),
        UnderWay(name: "revert", mark: "REVERT_HEAD", commits: ["REVERT_HEAD"]),
        UnderWay(name: "bisect", mark: "BISECT_LOG", commits: []),
        UnderWay(
            name: "rebase",
            mark: "rebase-merge",
            commits: ["rebase-merge/orig-head", "rebase-merge/onto", "rebase-merge/stopped-sha"]
        ),
        UnderWay(
            name: "rebase",
            mark: "rebase-apply",
            commits: ["rebase-apply/orig-head", "rebase-apply/onto", "rebase-apply/original-commit"]
        ),
    ]

    /// What is under way in the worktree of an administrative folder.
    static func found(in admin: String) -> [UnderWay] { all.filter { Folder.exists("\(admin)/\($0.mark)") } }

    /// Whether it is a merge.
    static func isMerge(in admin: String) -> Bool { found(in: admin).contains { $0.mark == merge.mark } }

    /// Whether the next commit takes in all of it: git then commits no part of what is staged.
    static func endsWithACommit(in admin: String) -> Bool {
        found(in: admin).contains { ["merge", "cherry-pick", "revert"].contains($0.name) }
    }

    /// What stands against beginning something that moves the branch: what somebody is doing would be lost in it, or
    /// left out of it. A bisect moves nothing.
    static func objection(in admin: String, of workspace: WorkspaceID) -> Fault? {
        guard let first = found(in: admin).first(where: { $0.name != "bisect" }) else { return nil }
        let way = first.mark == merge.mark ? "git.commit ends it, git.mergeAbort gives it up" : "end it there first"
        return Fault(
            .conflict,
            "A \(first.name) is under way in workspace \(workspace): \(way).",
            details: ["underWay": .string(first.name)]
        )
    }
}
