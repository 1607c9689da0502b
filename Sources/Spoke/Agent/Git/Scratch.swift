import Foundation
import Protocol

/// A private administrative folder through which a worktree is read or written byte for byte.
///
/// It shares the mirror's objects and nothing else: no configuration, filter, attribute or hook of the repository or
/// of a process in the worktree has a say, and the worktree's own index is only ever copied.
struct Scratch: Sendable {
    let git: Git
    let mirror: Mirror
    let path: String
    let directory: String

    /// Attributes that switch every conversion off, above whatever the repository says.
    private static let plainAttributes = "* -text -ident !filter !working-tree-encoding !eol\n* -filter\n"
    private static let configuration = """
        [core]
        \trepositoryformatversion = 0
        \tbare = false
        \tfilemode = true
        \tsymlinks = true
        \tautocrlf = false
        \tsafecrlf = false
        \tuntrackedCache = false
        \texcludesFile = /dev/null
        \tprotectNTFS = false
        \tsparseCheckout = true

        """

    /// Makes git stream every file straight into one pack, as it does with files too big for memory.
    private static let packing = [
        "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "core.bigFileThreshold", "GIT_CONFIG_VALUE_0": "1",
    ]

    /// Lays the folder out at `path`, which must not exist.
    init(git: Git, mirror: Mirror, path: String, directory: String) throws(Fault) {
        self.git = git
        self.mirror = mirror
        self.path = path
        self.directory = directory
        for folder in ["refs", "objects", "info"] { try Folder.make("\(path)/\(folder)") }
        try Folder.write("ref: refs/heads/none\n", to: path + "/HEAD")
        try Folder.write(Self.configuration, to: path + "/config")
        try Folder.write(Self.plainAttributes, to: path + "/info/attributes")
        if let excluded = Folder.read(mirror.path + "/info/exclude") {
            try Folder.write(excluded, to: path + "/info/exclude")
        }
    }

    /// Takes a copy of a worktree's index, with its time: git tells files that changed right after they were
    /// staged by comparing the two.
    func copyIndex(from admin: String) throws(Fault) {
        for name in Folder.names(in: admin) where name == "index" || name.hasPrefix("sharedindex.") {
            guard let bytes = Folder.read("\(admin)/\(name)") else {
                throw Fault(.execution, "The index of \(directory) cannot be read: nothing was removed.")
            }
            try Folder.write(bytes, to: "\(path)/\(name)")
            try Folder.copyTime(from: "\(admin)/\(name)", to: "\(path)/\(name)")
        }
    }

    /// Runs git with this folder's index on the worktree, or on a folder inside it.
    @discardableResult
    func callAsFunction(
        _ arguments: [String],
        input: [UInt8]? = nil,
        inside folder: String? = nil,
        index: String = "index",
        intoPack: Bool = false
    ) async throws(Fault) -> Git.Answer {
        var extra = intoPack ? Self.packing : [:]
        extra["GIT_INDEX_FILE"] = "\(path)/\(index)"
        extra["GIT_OBJECT_DIRECTORY"] = mirror.path + "/objects"
        extra["GIT_CONFIG_GLOBAL"] = "/dev/null"
        extra["GIT_CONFIG_NOSYSTEM"] = "1"
        extra["GIT_ATTR_NOSYSTEM"] = "1"
        extra["GIT_LITERAL_PATHSPECS"] = "1"
        let place = Git.Place.worktree(admin: path, directory: folder.map { "\(directory)/\($0)" } ?? directory)
        return try await git(arguments, in: place, input: input, extra: extra)
    }
}

extension Sequence<String> {
    /// The paths as git reads them with `-z`.
    var nulTerminated: [UInt8] { flatMap { text -> [UInt8] in Array(text.utf8) + [UInt8(0)] } }
}
