import Foundation

/// What tells that a file has changed, without reading it.
struct FileStamp: Equatable, Sendable {
    private let device: UInt64
    private let inode: UInt64
    private let bytes: Int64
    private let seconds: Int
    private let nanoseconds: Int

    /// `nil` only if nothing has that name: a link that leads nowhere, or a file that may not be looked at, is there.
    init?(of path: String) {
        var status = stat()
        if stat(path, &status) != 0, lstat(path, &status) != 0 {
            guard errno != ENOENT else { return nil }
            status = stat()
        }
        device = UInt64(status.st_dev)
        inode = UInt64(status.st_ino)
        bytes = Int64(status.st_size)
        seconds = Int(status.st_mtim.tv_sec)
        nanoseconds = Int(status.st_mtim.tv_nsec)
    }
}
