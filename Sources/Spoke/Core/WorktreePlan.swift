public import Protocol

/// How a branch comes to a worktree: what is known about its names, and what follows from it.
public struct WorktreePlan: Hashable, Sendable {
    /// What the mirror answered about the names in an order. `nil` stands for “there is no such thing”.
    public struct Facts: Hashable, Sendable {
        /// The commit of the base.
        public var base: String?
        /// Where the branch stands in the mirror.
        public var local: String?
        /// Where the branch stood at its origin when last fetched.
        public var remote: String?
        /// The workspace that has the branch checked out.
        public var holder: WorkspaceID?

        public init(base: String?, local: String?, remote: String?, holder: WorkspaceID?) {
            self.base = base
            self.local = local
            self.remote = remote
            self.holder = holder
        }
    }

    /// The commit the worktree starts at.
    public let start: String
    /// The commit the order's base stands for.
    public let base: String
    /// Whether the branch has to be created; an existing one is used as it stands.
    public let createsBranch: Bool

    /// - Fails with `conflict` while another worktree holds the branch, with `notFound` if there is no base.
    public init(branch: BranchName, baseName: String, facts: Facts, names: [String]) throws(Fault) {
        if let holder = facts.holder {
            throw Fault(
                .conflict,
                "Branch “\(branch)” is checked out in workspace \(holder); remove that one or choose another branch.",
                details: .object(["workspaceId": .string(holder.rawValue)])
            )
        }
        guard let base = facts.base else {
            let close = Nearness.nearest(baseName, among: names)
            let hint = close.isEmpty ? "" : " Did you mean \(close.map { "“\($0)”" }.joined(separator: " or "))?"
            throw Fault(
                .notFound,
                "The repository has no branch, tag or commit “\(baseName)”.\(hint)",
                details: .object(["base": .string(baseName), "candidates": .array(close.map(JSONValue.string))])
            )
        }
        self.base = base
        start = facts.local ?? facts.remote ?? base
        createsBranch = facts.local == nil
    }

    /// The plan for bringing saved work back on a branch.
    ///
    /// - Parameter headContainsTip: whether the saved HEAD has everything that the branch has.
    /// - Fails with `conflict` if the branch is checked out, or holds work that the saved HEAD does not.
    public init(
        restoring branch: BranchName,
        at head: String,
        tip: String?,
        headContainsTip: Bool,
        holder: WorkspaceID?
    ) throws(Fault) {
        if tip != nil, !headContainsTip {
            throw Fault(
                .conflict,
                "Branch “\(branch)” has other work on it since; restore to a branch of another name."
            )
        }
        try self.init(
            branch: branch,
            baseName: head,
            facts: Facts(base: head, local: tip.map { _ in head }, remote: nil, holder: holder),
            names: []
        )
    }

    /// What to ask the mirror for a base, best first: the origin's branch, a branch of another session, a tag,
    /// a commit; or the very ref that is named in full.
    public static func candidates(forBase base: String) -> [String] {
        ["refs/remotes/origin/\(base)", "refs/heads/\(base)", "refs/tags/\(base)", "refs/remotes/\(base)"]
            + (isCommitName(base) || base.hasPrefix("refs/") ? [base] : [])
    }

    /// Whether the text can be a commit's name: 7 to 64 hexadecimal digits.
    public static func isCommitName(_ text: String) -> Bool {
        (7...64).contains(text.utf8.count) && text.utf8.allSatisfy { Character(UnicodeScalar($0)).isHexDigit }
    }
}
