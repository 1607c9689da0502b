public import Foundation
public import Protocol

/// What a file system says about itself.
public struct DiskReading: Hashable, Sendable {
    public var totalBytes: Int64
    /// What an unprivileged process may still write.
    public var freeBytes: Int64
    /// 0 where the file system does not count inodes.
    public var totalFiles: Int64
    public var freeFiles: Int64

    public init(totalBytes: Int64, freeBytes: Int64, totalFiles: Int64 = 0, freeFiles: Int64 = 0) {
        self.totalBytes = totalBytes
        self.freeBytes = freeBytes
        self.totalFiles = totalFiles
        self.freeFiles = freeFiles
    }
}

/// How tight a disk is.
public enum DiskLevel: String, CaseIterable, Comparable, Hashable, Sendable {
    /// Sessions start.
    case ample
    /// No new sessions; worktrees that nobody needs are removed, the longest unused first.
    case soft
    /// Nothing but the journal's reserve is left: what can wait must wait, and people must know.
    case hard

    public static func < (first: DiskLevel, second: DiskLevel) -> Bool {
        (allCases.firstIndex(of: first) ?? 0) < (allCases.firstIndex(of: second) ?? 0)
    }
}

/// A worktree as the cleaning sees it.
public struct DiskTenant: Hashable, Sendable {
    public var workspaceId: WorkspaceID
    public var lastUsedAt: Date
    public var sizeBytes: Int64
    /// Whether no session holds it and its owner did not ask to keep it.
    public var isRemovable: Bool

    public init(workspaceId: WorkspaceID, lastUsedAt: Date, sizeBytes: Int64, isRemovable: Bool) {
        self.workspaceId = workspaceId
        self.lastUsedAt = lastUsedAt
        self.sizeBytes = sizeBytes
        self.isRemovable = isRemovable
    }
}

/// What follows from a reading.
public struct DiskVerdict: Hashable, Sendable {
    public var level: DiskLevel
    public var acceptsSessions: Bool { level == .ample }
    /// Worktrees to remove (after salvage, as always), in this order, until the disk is ample again.
    public var remove: [WorkspaceID]
    /// A sentence for the alert; `nil` while the disk is ample.
    public var message: String?

    public init(level: DiskLevel, remove: [WorkspaceID], message: String?) {
        self.level = level
        self.remove = remove
        self.message = message
    }
}

/// When a disk counts as tight, and what goes first.
///
/// A mark is reached below an absolute number of free bytes or below a share of the whole, whichever comes
/// first on this disk: shares alone waste a large disk, bytes alone overlook a small one.
public struct DiskWatermarks: Hashable, Sendable {
    public var softBytes: Int64
    public var hardBytes: Int64
    /// Shares of the whole; the larger of bytes and share never exceeds a fifth of the disk.
    public var softShare: Double
    public var hardShare: Double
    /// What must be free beyond the soft mark before sessions start again, so that the answer does not flap.
    public var releaseBytes: Int64

    public init(
        softBytes: Int64 = 5 << 30,
        hardBytes: Int64 = 1 << 30,
        softShare: Double = 0.05,
        hardShare: Double = 0.01,
        releaseBytes: Int64 = 1 << 30
    ) {
        self.softBytes = softBytes
        self.hardBytes = hardBytes
        self.softShare = softShare
        self.hardShare = hardShare
        self.releaseBytes = releaseBytes
    }

    /// What to do at this reading, knowing what the last verdict was.
    public func verdict(
        on reading: DiskReading,
        tenants: [DiskTenant],
        previous: DiskLevel = .ample
    ) -> DiskVerdict {
        let level = level(of: reading, previous: previous)
        guard level > .ample else { return DiskVerdict(level: .ample, remove: [], message: nil) }
        var missing = mark(softBytes, softShare, of: reading) + release(of: reading) - reading.freeBytes
        let filesTight = share(ofFilesIn: reading) < softShare
        var leaving: [WorkspaceID] = []
        for tenant in tenants.filter(\.isRemovable).sorted(by: Self.leavesEarlier) where missing > 0 || filesTight {
            leaving.append(tenant.workspaceId)
            missing -= tenant.sizeBytes
        }
        return DiskVerdict(level: level, remove: leaving, message: message(level, reading))
    }

    private func level(of reading: DiskReading, previous: DiskLevel) -> DiskLevel {
        let files = share(ofFilesIn: reading)
        if reading.freeBytes < mark(hardBytes, hardShare, of: reading) || files < hardShare { return .hard }
        var soft = mark(softBytes, softShare, of: reading)
        if previous > .ample { soft += release(of: reading) }
        return reading.freeBytes < soft || files < softShare ? .soft : .ample
    }

    /// A fifth of the disk bounds every mark, so that a small disk is not tight for ever.
    private func mark(_ bytes: Int64, _ share: Double, of reading: DiskReading) -> Int64 {
        min(max(bytes, Int64(Double(reading.totalBytes) * share)), reading.totalBytes / 5)
    }

    private func release(of reading: DiskReading) -> Int64 { min(releaseBytes, reading.totalBytes / 20) }

    private func share(ofFilesIn reading: DiskReading) -> Double {
        reading.totalFiles > 0 ? Double(reading.freeFiles) / Double(reading.totalFiles) : 1
    }

    private static func leavesEarlier(_ first: DiskTenant, _ second: DiskTenant) -> Bool {
        (first.lastUsedAt, first.workspaceId) < (second.lastUsedAt, second.workspaceId)
    }

    private func message(_ level: DiskLevel, _ reading: DiskReading) -> String {
        let free = reading.freeBytes >> 20
        return level == .hard
            ? "The disk is nearly full (\(free) MiB free): free space now; only the journal is still written."
            : "The disk is low (\(free) MiB free): no session starts here until space is freed."
    }
}
