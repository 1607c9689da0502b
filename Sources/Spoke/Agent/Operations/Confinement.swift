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
        /// Whether the root is the machine's, and not a worktree's.
        let isAbsolute: Bool

        /// As the caller would write it.
        var text: String {
            let text = names.joined(separator: "/")
            return isAbsolute ? "/" + text : text.isEmpty ? "." : text
        }
    }

    let root: Descriptor
    /// Where the owner allowed paths by name, outside of worktrees. Links are not walked there.
    let isAbsolute: Bool
    /// The field of the input that names what is walked.
    let field: String
    /// The spoke's own, which is not opened under any other name either.
    private let own: OwnFiles
    private let closed: Set<OwnFiles.Identity>

    /// As many links as Linux itself follows.
    static let linksMost = 40
    static let folderFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC

    /// A worktree.
    ///
    /// - Throws: `NOT_FOUND` if it is not there.
    init(_ directory: String, beside own: OwnFiles, field: String = "path") throws(Fault) {
        root = try Self.open(directory)
        isAbsolute = false
        (self.own, self.field) = (own, field)
        // A worktree lies in these folders, and no walk leaves it.
        closed = []
    }

    /// The whole machine, but for what is the spoke's own.
    init(everythingBut own: OwnFiles) throws(Fault) {
        root = try Self.open("/")
        isAbsolute = true
        (self.own, field) = (own, "path")
        closed = own.folders
    }

    private static func open(_ directory: String) throws(Fault) -> Descriptor {
        guard let root = Descriptor(Foundation.open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) else {
            throw Fault(.notFound, "The folder \(directory) cannot be opened: \(String(cString: strerror(errno))).")
        }
        return root
    }

    /// A name in an open folder whose own names are these.
    func place(of name: String, in folder: Descriptor, _ names: [String]) -> Place {
        Place(folder: folder, name: name, names: name == "." ? names : names + [name], isAbsolute: isAbsolute)
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
            throw Self.fault(place.text, "opened", field)
        }
        try checkIsNotOwn(folder, place.text)
        return folder
    }

    /// - Throws: `ACCESS_DENIED` for a folder of the spoke's own, also where it is mounted under another name.
    fileprivate func checkIsNotOwn(_ folder: Descriptor, _ shown: String) throws(Fault) {
        var status = stat()
        guard !closed.isEmpty, fstat(folder.number, &status) == 0, closed.contains(OwnFiles.Identity(status)) else {
            return
        }
        throw OwnFiles.refusal(shown)
    }

    /// Opens a place that must be a plain file. Neither a pipe nor a device is ever opened, so none can hold us up.
    func file(_ place: Place) throws(Fault) -> (descriptor: Descriptor, status: stat) {
        var status = try Self.status(of: place)
        guard status.st_mode & S_IFMT == S_IFREG else { throw notAFile(place) }
        let flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC
        guard let file = Descriptor(openat(place.folder.number, place.name, flags)) else {
            throw Self.fault(place.text, "opened", field)
        }
        // It may have been replaced since: what was opened counts.
        guard fstat(file.number, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { throw notAFile(place) }
        guard !own.holds(status) else { throw OwnFiles.refusal(place.text) }
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

    func notAFile(_ place: Place) -> Fault {
        .invalid(field, "\(place.text) is not a file; fs.list shows folders, and pipes and devices are not opened.")
    }

    static func outside(_ path: String) -> Fault {
        Fault(.accessDenied, "\(path) leads out of the folder that the call may use.")
    }

    /// What the system said, in a caller's words.
    static func fault(_ path: String, _ deed: String, _ field: String = "path", error: Int32 = errno) -> Fault {
        switch error {
        case ENOENT: Fault(.notFound, "There is no \(path).")
        case ENOTDIR: .invalid(field, "\(path) is not a folder.")
        case ELOOP: Fault(.accessDenied, "\(path) is a link that may not be followed here.")
        case EISDIR: .invalid(field, "\(path) is a folder.")
        case EACCES, EPERM: Fault(.accessDenied, "\(path) cannot be \(deed): its permissions forbid it.")
        case ENOSPC, EDQUOT: Fault(.unavailable, "\(path) cannot be \(deed): the disk is full.")
        case ENAMETOOLONG: .invalid(field, "\(path) has a name that is too long.")
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
        shown = confinement.isAbsolute ? "/" + path.names.joined(separator: "/") : path.text
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
                return confinement.place(of: name, in: folder, names)
            }
            try enter(name)
        }
        return confinement.place(of: ".", in: folder, names)
    }

    /// The name that the walk has come to, as the caller would write it.
    private func text(_ name: String) -> String { confinement.place(of: name, in: folder, names).text }

    private mutating func enter(_ name: String) throws(Fault) {
        let opened = openat(folder.number, name, Confinement.folderFlags)
        if let next = Descriptor(opened) { return try step(into: next, name) }
        let error = errno
        if let target = Confinement.link(name, in: folder) { return try expand(target) }
        guard error == ENOENT, making else {
            throw Confinement.fault(text(name), "opened", confinement.field, error: error)
        }
        guard mkdirat(folder.number, name, 0o777) == 0 || errno == EEXIST,
            let made = Descriptor(openat(folder.number, name, Confinement.folderFlags))
        else { throw Confinement.fault(text(name), "made", confinement.field) }
        try step(into: made, name)
    }

    private mutating func step(into next: Descriptor, _ name: String) throws(Fault) {
        try confinement.checkIsNotOwn(next, text(name))
        folders.append(next)
        names.append(name)
    }

    private mutating func expand(_ target: String) throws(Fault) {
        links += 1
        guard links <= Confinement.linksMost else {
            throw Fault(.accessDenied, "\(shown) leads in circles: more than \(Confinement.linksMost) links.")
        }
        guard !confinement.isAbsolute else {
            throw Fault(.accessDenied, "\(shown) is reached by a link, and links are not followed outside worktrees.")
        }
        guard !target.hasPrefix("/") else { throw Confinement.outside(shown) }
        waiting += target.split(separator: "/").map(String.init).filter { $0 != "." }.reversed()
    }
}
