public import Protocol

/// A path below some folder, as a caller wrote it: names to be walked one by one. Where they lead is found out by
/// whoever walks them; here it is only made sure that they are names.
public struct RelativePath: Hashable, Sendable {
    /// The names in order; `..` may be among them, empty names and `.` are not.
    public let names: [String]

    /// As Linux has it.
    public static let longest = 4_096
    /// A single name.
    public static let nameLongest = 255

    /// The folder itself.
    public static let here = RelativePath(names: [])

    private init(names: [String]) { self.names = names }

    /// Takes a path that does not begin with `/`.
    ///
    /// - Throws: `VALIDATION_ERROR` for what is empty, absolute, too long or contains NUL.
    public init(_ text: String, field: String = "path") throws(Fault) {
        guard !text.isEmpty else { throw Fault.invalid(field, "must not be empty; . is the worktree itself.") }
        guard !text.hasPrefix("/") else { throw Fault.invalid(field, "must be relative to the worktree.") }
        self = try Self.walking(text, field: field)
    }

    /// The names of an absolute path, from the root of the machine on.
    public static func absolute(_ text: String, field: String = "path") throws(Fault) -> RelativePath {
        let path = try walking(text, field: field)
        guard !path.names.contains("..") else {
            throw Fault.invalid(field, "must not contain .. where it is absolute.")
        }
        return path
    }

    private static func walking(_ text: String, field: String) throws(Fault) -> RelativePath {
        guard text.utf8.count <= longest else { throw Fault.invalid(field, "must have at most \(longest) bytes.") }
        guard !text.utf8.contains(0) else { throw Fault.invalid(field, "must not contain a NUL byte.") }
        let names = text.split(separator: "/").map(String.init).filter { $0 != "." }
        guard names.allSatisfy({ $0.utf8.count <= nameLongest }) else {
            throw Fault.invalid(field, "has a name of more than \(nameLongest) bytes.")
        }
        return RelativePath(names: names)
    }

    /// The path without the names of a folder above it; `nil` if it does not lie there. Text only.
    public func below(_ folder: RelativePath) -> RelativePath? {
        guard names.starts(with: folder.names) else { return nil }
        return RelativePath(names: Array(names.dropFirst(folder.names.count)))
    }

    /// Whether a name on the way is git's own: who may write there decides what git runs. File systems that take
    /// `.GIT` for `.git` are thought of.
    public var touchesGit: Bool { names.contains { $0.lowercased() == ".git" } }

    /// As one text; `.` for the folder itself.
    public var text: String { names.isEmpty ? "." : names.joined(separator: "/") }
}
