import Foundation
import Protocol
import SpokeCore

/// An open descriptor, closed with the last that knows it.
final class Descriptor: Sendable {
    let number: Int32

    /// Takes over a descriptor; `nil` for what a failed `open` returned.
    init?(_ number: Int32) {
        guard number >= 0 else { return nil }
        self.number = number
    }

    deinit { close(number) }
}

/// A folder below which paths are walked, and never outside it, whatever anybody does to the tree meanwhile.
///
/// Each name is opened by itself, below the descriptor of the folder before it and without following a link
/// (`openat` with `O_NOFOLLOW`). A link is read and its names are walked by the same rules; `..` goes back to the
/// descriptor that was opened on the way, and not above the first one; an absolute link leads out. So no check can be
/// overtaken by a change: it is the open itself that cannot leave. What Linux 5.6 does with `openat2` and
/// `RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS`, without needing it.
struct Confinement: Sendable {
    /// Where a path ends: a name in an open folder.
    struct Place: Sendable {
        let folder: Descriptor
        /// `.` for the folder itself.
        let name: String
        /// The names from the root to the place, links resolved.
        let names: [String]

        var text: String { names.isEmpty ? "." : names.joined(separator: "/") }
    }

    let root: Descriptor
    /// Links are walked; outside the spoke's own directories they are not, since the owner allowed paths by name.
    let followsLinks: Bool

    /// As many links as Linux itself follows.
    static let linksMost = 40
    static let folderFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC

    /// - Throws: `NOT_FOUND` if the folder is not there.
    init(_ directory: String, followsLinks: Bool = true) throws(Fault) {
        guard let root = Descriptor(open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) else {
            throw Fault(.notFound, "The folder \(directory) cannot be opened: \(String(cString: strerror(errno))).")
        }
        self.root = root
        self.followsLinks = followsLinks
    }

    /// Walks a path to its last name, which need not exist.
    ///
    /// - Parameters:
    ///   - following: whether a link at the last name is walked, too.
    ///   - making: folders on the way that are missing are made.
    /// - Throws: `ACCESS_DENIED` if the path leads out, `NOT_FOUND` if a folder on the way is missing.
    func place(of path: RelativePath, following: Bool = true, making: Bool = false) throws(Fault) -> Place {
        var walk = Walk(confinement: self, path: path, making: making)
        return try walk.run(following: following)
    }

    /// Opens a place that must be a folder.
    func folder(_ place: Place) throws(Fault) -> Descriptor {
        guard let folder = Descriptor(openat(place.folder.number, place.name, Self.folderFlags)) else {
            throw Self.fault(place.text, "opened")
        }
        return folder
    }

    /// Opens a place that must be a plain file. Neither a pipe nor a device is ever opened, so none can hold us up.
    func file(_ place: Place) throws(Fault) -> (descriptor: Descriptor, status: stat) {
        var status = try Self.status(of: place)
        guard status.st_mode & S_IFMT == S_IFREG else { throw Self.notAFile(place.text) }
        let flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC
        guard let file = Descriptor(openat(place.folder.number, place.name, flags)) else {
            throw Self.fault(place.text, "opened")
        }
        // It may have been replaced since: what was opened counts.
        guard fstat(file.number, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw Self.notAFile(place.text)
        }
        return (file, status)
    }

    /// What stands at a place; a link itself.
    static func status(of place: Place) throws(Fault) -> stat {
        var status = stat()
        guard fstatat(place.folder.number, place.name, &status, AT_SYMLINK_NOFOLLOW) == 0 else {
            throw fault(place.text, "read")
        }
        return status
    }

    /// Where a link leads; `nil` for what is no link.
    static func link(_ name: String, in folder: Descriptor) -> String? {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(PATH_MAX)) { buffer in
            guard let start = buffer.baseAddress else { return nil }
            let count = readlinkat(folder.number, name, start, buffer.count)
            guard count > 0 else { return nil }
            return String(decoding: buffer.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
    }

    static func notAFile(_ path: String) -> Fault {
        Fault(.validation, "\(path) is not a file; fs.list shows folders, and pipes and devices are not opened.")
    }

    static func outside(_ path: String) -> Fault {
        Fault(.accessDenied, "\(path) leads out of the folder that the call may use.")
    }

    /// What the system said, in a caller's words.
    static func fault(_ path: String, _ deed: String, error: Int32 = errno) -> Fault {
        switch error {
        case ENOENT: Fault(.notFound, "There is no \(path).")
        case ENOTDIR: Fault(.validation, "\(path) is not a folder.")
        case ELOOP: Fault(.accessDenied, "\(path) is a link that may not be followed here.")
        case EISDIR: Fault(.validation, "\(path) is a folder.")
        case EACCES, EPERM: Fault(.accessDenied, "\(path) cannot be \(deed): its permissions forbid it.")
        case ENOSPC, EDQUOT: Fault(.unavailable, "\(path) cannot be \(deed): the disk is full.")
        case ENAMETOOLONG: Fault(.validation, "\(path) has a name that is too long.")
        default: Fault(.execution, "\(path) cannot be \(deed): \(String(cString: strerror(error))).")
        }
    }
}

/// One walk along a path.
private struct Walk {
    let confinement: Confinement
    let making: Bool
    let shown: String
    /// Open folders from the root to where the walk is, and the names that led there.
    var folders: [Descriptor]
    var names: [String] = []
    /// What is still to be walked, the next one last.
    var waiting: [String]
    var links = 0

    init(confinement: Confinement, path: RelativePath, making: Bool) {
        self.confinement = confinement
        self.making = making
        shown = path.text
        folders = [confinement.root]
        waiting = path.names.reversed()
    }

    private var folder: Descriptor { folders.last ?? confinement.root }

    mutating func run(following: Bool) throws(Fault) -> Confinement.Place {
        while let name = waiting.popLast() {
            if name == ".." {
                guard folders.count > 1 else { throw Confinement.outside(shown) }
                folders.removeLast()
                names.removeLast()
                continue
            }
            if waiting.isEmpty {
                if following, let target = Confinement.link(name, in: folder) {
                    try expand(target)
                    continue
                }
                return Confinement.Place(folder: folder, name: name, names: names + [name])
            }
            try enter(name)
        }
        return Confinement.Place(folder: folder, name: ".", names: names)
    }

    private mutating func enter(_ name: String) throws(Fault) {
        let opened = openat(folder.number, name, Confinement.folderFlags)
        if let next = Descriptor(opened) { return step(into: next, name) }
        let error = errno
        if let target = Confinement.link(name, in: folder) { return try expand(target) }
        guard error == ENOENT, making else {
            throw Confinement.fault((names + [name]).joined(separator: "/"), "opened", error: error)
        }
        guard mkdirat(folder.number, name, 0o777) == 0 || errno == EEXIST,
            let made = Descriptor(openat(folder.number, name, Confinement.folderFlags))
        else { throw Confinement.fault((names + [name]).joined(separator: "/"), "made") }
        step(into: made, name)
    }

    private mutating func step(into next: Descriptor, _ name: String) {
        folders.append(next)
        names.append(name)
    }

    private mutating func expand(_ target: String) throws(Fault) {
        links += 1
        guard confinement.followsLinks, !target.hasPrefix("/"), links <= Confinement.linksMost else {
            throw Confinement.outside(shown)
        }
        waiting += target.split(separator: "/").map(String.init).filter { $0 != "." }.reversed()
    }
}
