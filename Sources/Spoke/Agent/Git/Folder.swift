import Foundation
import Protocol

/// The few deeds on folders that the git of a spoke needs: small, synchronous, on metadata only.
enum Folder {
    /// Makes the folder and those inside it, and returns its real path, links resolved as git resolves them.
    static func prepare(_ path: String, with folders: [String]) throws(Fault) -> String {
        try make(path)
        guard let real = realpath(path, nil) else { throw failure("find", path) }
        defer { free(real) }
        let root = String(cString: real)
        for folder in folders { try make("\(root)/\(folder)") }
        return root
    }

    /// Makes the folder and those above it, private to the owner.
    static func make(_ path: String) throws(Fault) {
        do {
            try FileManager.default.createDirectory(
                atPath: path,
                withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700]
            )
        } catch {
            throw Fault(.execution, "The folder \(path) cannot be made: \(error.localizedDescription)")
        }
    }

    static func exists(_ path: String) -> Bool {
        var information = stat()
        return lstat(path, &information) == 0
    }

    /// The names in a folder; none if it is not there.
    static func names(in path: String) -> [String] {
        // A folder that cannot be listed holds nothing that can be used.
        ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted()
    }

    /// Renames within one file system: all or nothing.
    static func move(_ path: String, to target: String) throws(Fault) {
        guard rename(path, target) == 0 else { throw failure("move to \(target)", path) }
    }

    /// Writes a small file such that it is there whole or not at all.
    static func write(_ text: String, to path: String) throws(Fault) {
        try write(Array(text.utf8), to: path)
    }

    static func write(_ bytes: [UInt8], to path: String) throws(Fault) {
        let draft = "\(path).\(UInt32.random(in: 0 ... .max))"
        let file = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw failure("write", path) }
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes {
                Foundation.write(file, $0.baseAddress?.advanced(by: written), $0.count - written)
            }
            if count <= 0 {
                close(file)
                unlink(draft)
                throw failure("write", path)
            }
            written += count
        }
        close(file)
        try move(draft, to: path)
    }

    /// The content of a small file; `nil` if it cannot be read.
    static func read(_ path: String) -> [UInt8]? {
        // Whatever stands in the way, the content is not to be had.
        (try? Data(contentsOf: URL(fileURLWithPath: path))).map { [UInt8]($0) }
    }

    /// The content as text without white space around it.
    static func text(_ path: String) -> String? {
        read(path).map { String(decoding: $0, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines) }
    }

    /// Deletes a file, if it is there.
    static func drop(_ path: String) { unlink(path) }

    private static func failure(_ verb: String, _ path: String) -> Fault {
        Fault(.execution, "Cannot \(verb) \(path): \(String(cString: strerror(errno)))")
    }
}

extension Folder {
    /// Gives a file the modification time of another, to the nanosecond.
    static func copyTime(from source: String, to target: String) throws(Fault) {
        var information = stat()
        guard lstat(source, &information) == 0 else {
            throw Fault(.execution, "Cannot read the time of \(source).")
        }
        let times = [information.st_atim, information.st_mtim]
        guard utimensat(AT_FDCWD, target, times, 0) == 0 else {
            throw Fault(.execution, "Cannot set the time of \(target).")
        }
    }

    /// Whether a path is a folder itself, not a link to one.
    static func isFolder(_ path: String) -> Bool {
        var information = stat()
        return lstat(path, &information) == 0 && information.st_mode & S_IFMT == S_IFDIR
    }

    /// When a file was last written; `nil` if it is not there.
    static func writtenAt(_ path: String) -> Date? {
        var information = stat()
        guard lstat(path, &information) == 0 else { return nil }
        return Date(timeIntervalSince1970: Double(information.st_mtim.tv_sec))
    }

    /// Deletes a file or an empty folder, and the folders above it that become empty, up to `root`.
    static func clear(_ path: String, upTo root: String) {
        if unlink(path) != 0 { rmdir(path) }
        var parent = path
        while let slash = parent.lastIndex(of: "/"), slash > parent.startIndex {
            parent = String(parent[..<slash])
            guard parent.hasPrefix(root + "/"), rmdir(parent) == 0 else { return }
        }
    }
}

extension Folder {
    /// Removes a folder of ours with all that is in it.
    static func remove(_ path: String) {
        // What stays behind is found by the next sweep.
        try? FileManager.default.removeItem(atPath: path)
    }
}
