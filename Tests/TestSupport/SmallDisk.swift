import Foundation

/// Disks that are small enough to be filled: a memory file system that only some may mount. Tests that need one name
/// ``canBeMade`` in their `.enabled` trait, so that where it is refused (not root, a container) they show as skipped.
public enum SmallDisk {
    /// Whether this process may mount one: tried once, since being root is not enough everywhere.
    public static let canBeMade: Bool = {
        var template = Array("/tmp/nave-small-disk-XXXXXX".utf8CString)
        guard let folder = mkdtemp(&template).map({ String(cString: $0) }) else { return false }
        defer { rmdir(folder) }
        guard mount("tmpfs", folder, "tmpfs", 0, "size=100k") == 0 else { return false }
        return umount2(folder, Int32(MNT_DETACH)) == 0
    }()
}
