public import Protocol

/// What a salvage commit says about itself, so that it can be told from any other commit and be restored.
///
///     worktree commit ── parent 1: HEAD ── parent 2: index commit ── parents: HEAD, and what else would be lost
public struct SalvageNote: Hashable, Sendable {
    public var workspaceId: WorkspaceID
    /// `nil` while HEAD was detached.
    public var branch: String?
    /// `nil` on a branch without a commit.
    public var head: String?
    /// Operations that were under way: `merge`, `rebase`, `cherry-pick`, `revert`, `bisect`.
    public var underWay: [String]

    public init(workspaceId: WorkspaceID, branch: String?, head: String?, underWay: [String] = []) {
        self.workspaceId = workspaceId
        self.branch = branch
        self.head = head
        self.underWay = underWay
    }

    private static let opening = "Salvage of workspace "

    /// The note as a commit message.
    public var message: String {
        var lines = ["\(Self.opening)\(workspaceId)", ""]
        lines.append("The second parent holds the index as it was staged; this commit holds the files as they lay.")
        lines += ["", "Salvage-Head: \(head ?? "none")", "Salvage-Branch: \(branch ?? "none")"]
        if !underWay.isEmpty { lines.append("Salvage-Under-Way: \(underWay.joined(separator: ", "))") }
        return lines.joined(separator: "\n") + "\n"
    }

    /// Reads a commit object as `git cat-file commit` prints it; `nil` for a commit that is no salvage.
    public init?(commit: String) {
        let lines = commit.split(separator: "\n", omittingEmptySubsequences: false)
        guard let blank = lines.firstIndex(of: ""), lines.count > blank + 1 else { return nil }
        let message = lines[(blank + 1)...]
        guard let first = message.first, first.hasPrefix(Self.opening) else { return nil }
        func value(_ name: String) -> String? {
            let line = message.last { $0.hasPrefix("\(name): ") }
            return line.map { String($0.dropFirst(name.count + 2)) }.flatMap { $0 == "none" ? nil : $0 }
        }
        guard message.contains(where: { $0.hasPrefix("Salvage-Head: ") }) else { return nil }
        workspaceId = WorkspaceID(String(first.dropFirst(Self.opening.count)))
        head = value("Salvage-Head")
        branch = value("Salvage-Branch")
        underWay = value("Salvage-Under-Way")?.split(separator: ",").map { String($0.drop(while: { $0 == " " })) } ?? []
    }

    /// The parents that a commit object names, in order.
    public static func parents(ofCommit commit: String) -> [String] {
        commit.split(separator: "\n", omittingEmptySubsequences: false).prefix { !$0.isEmpty }
            .filter { $0.hasPrefix("parent ") }.map { String($0.dropFirst("parent ".count)) }
    }
}

/// The index as `git ls-files --stage -v -z` lists it: what a salvage has to know of it.
public struct IndexListing: Hashable, Sendable {
    public struct Entry: Hashable, Sendable {
        public var mode: String
        public var object: String
        public var stage: Int
        public var path: String
    }

    /// Files whose changes git was told to overlook.
    public private(set) var assumedUnchanged: [String] = []
    /// Submodules, as paths and the commit that is recorded for each.
    public private(set) var submodules: [String: String] = [:]
    /// Conflicting paths, each with the entry that stands for it: ours, else theirs, else the ancestor's.
    public private(set) var conflicts: [String: Entry] = [:]

    public init(_ listing: String) {
        for line in listing.split(separator: "\0") {
            guard let tab = line.firstIndex(of: "\t") else { continue }
            let words = line[..<tab].split(separator: " ")
            guard words.count == 4, let stage = Int(words[3]) else { continue }
            let path = String(line[line.index(after: tab)...])
            if words[0].first?.isLowercase == true { assumedUnchanged.append(path) }
            if stage == 0, words[1] == "160000" { submodules[path] = String(words[2]) }
            if stage > 0 {
                let entry = Entry(mode: String(words[1]), object: String(words[2]), stage: stage, path: path)
                if (conflicts[path].map { Self.preference($0.stage) } ?? 0) < Self.preference(stage) {
                    conflicts[path] = entry
                }
            }
        }
    }

    private static func preference(_ stage: Int) -> Int { stage == 2 ? 3 : stage == 3 ? 2 : 1 }
}
