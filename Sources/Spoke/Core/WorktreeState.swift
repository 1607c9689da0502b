public import Protocol

/// A worktree as it stands, for `coord.status` and for people.
public struct WorktreeState: Codable, Hashable, Sendable {
    public var workspaceId: WorkspaceID
    /// `nil` while HEAD is detached.
    public var branch: String?
    /// `nil` while the branch has no commit.
    public var head: String?
    /// Commits that the base lacks, and commits of the base that HEAD lacks.
    public var ahead: Int
    public var behind: Int
    public var dirty: Bool
    /// Files that differ from HEAD, staged, unstaged, unmerged or untracked; ignored ones do not count.
    public var files: Int
    /// What the directory takes on disk.
    public var sizeBytes: Int64

    public init(
        workspaceId: WorkspaceID,
        branch: String?,
        head: String?,
        ahead: Int,
        behind: Int,
        files: Int,
        sizeBytes: Int64
    ) {
        self.workspaceId = workspaceId
        self.branch = branch
        self.head = head
        self.ahead = ahead
        self.behind = behind
        self.dirty = files > 0
        self.files = files
        self.sizeBytes = sizeBytes
    }
}

/// What `git status --porcelain=v2 --branch -z` says.
public struct StatusReport: Hashable, Sendable {
    public private(set) var branch: String?
    public private(set) var head: String?
    public private(set) var files = 0

    /// Reads the NUL-separated report; lines of an unknown kind are skipped, as git's documentation demands.
    public init(_ text: String) {
        var entries = text.split(separator: "\0").makeIterator()
        while let entry = entries.next() {
            if entry.hasPrefix("# branch.oid ") {
                let oid = entry.dropFirst(13)
                head = oid == "(initial)" ? nil : String(oid)
            } else if entry.hasPrefix("# branch.head ") {
                let name = entry.dropFirst(14)
                branch = name == "(detached)" ? nil : String(name)
            } else if let kind = entry.first, "12u?".contains(kind) {
                files += 1
                // A renamed entry is followed by the path it had.
                if kind == "2" { _ = entries.next() }
            }
        }
    }
}
