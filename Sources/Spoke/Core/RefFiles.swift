/// A mirror's branches as git's own files hold them: reading two small files tells in microseconds what a run of git
/// tells in milliseconds. Whatever is not plainly a commit's name is left to git
/// (gitrepository-layout(5): a loose ref, then `packed-refs`).
public enum RefFiles {
    /// What the files say about one ref.
    public enum Look: Hashable, Sendable {
        case commit(String)
        /// There is no such ref.
        case absent
        /// A ref to another ref, a damaged file: ask git.
        case unclear

        /// The commit's name, if that is what it is.
        public var commit: String? { if case .commit(let name) = self { name } else { nil } }
    }

    /// What the file of a loose ref says.
    public static func look(loose text: [UInt8]) -> Look {
        guard text.last == newline, isCommitName(text.dropLast()) else { return .unclear }
        return .commit(String(decoding: text.dropLast(), as: UTF8.self))
    }

    /// What `packed-refs` says about each of the refs, in their order.
    public static func looks(for refs: [String], packed: [UInt8]) -> [Look] {
        var found: [[UInt8]: Look] = [:]
        let wanted = Set(refs.map { Array($0.utf8) })
        for line in packed.split(separator: newline) where line.first != UInt8(ascii: "#") {
            guard let space = line.firstIndex(of: UInt8(ascii: " ")) else { continue }
            let name = Array(line[(space + 1)...])
            guard wanted.contains(name) else { continue }
            let commit = line[..<space]
            found[name] = isCommitName(commit) ? .commit(String(decoding: commit, as: UTF8.self)) : .unclear
        }
        return refs.map { found[Array($0.utf8)] ?? .absent }
    }

    private static let newline = UInt8(ascii: "\n")

    /// SHA-1 or SHA-256, in lower case as git writes it; all zeros name nothing.
    private static func isCommitName(_ bytes: ArraySlice<UInt8>) -> Bool {
        (bytes.count == 40 || bytes.count == 64) && bytes.contains { $0 != UInt8(ascii: "0") }
            && bytes.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
    }
}
