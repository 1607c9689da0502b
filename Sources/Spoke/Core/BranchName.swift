public import Protocol

/// A branch name that git accepts and that no option parser can mistake for an option.
///
/// The rules are those of `git check-ref-format --branch`, applied without running git, plus a length limit.
public struct BranchName: Hashable, Sendable, CustomStringConvertible {
    /// The short name, such as `wt/fix-login`.
    public let rawValue: String

    /// The full name of the branch, such as `refs/heads/wt/fix-login`.
    public var ref: String { "refs/heads/\(rawValue)" }

    public var description: String { rawValue }

    /// Takes a name as it is.
    ///
    /// - Fails with `validation` and the rule that is broken.
    public init(_ name: String) throws(Fault) {
        if let problem = Self.problem(with: name) {
            throw Fault.invalid("branch", "“\(name)” cannot be a branch name: \(problem).")
        }
        rawValue = name
    }

    /// Makes a name out of what a person typed: lower case, spaces become `-`.
    ///
    /// - Fails with `validation` if what remains is not a branch name.
    public init(from title: String) throws(Fault) {
        let words = title.split(whereSeparator: \.isWhitespace)
        try self.init(words.joined(separator: "-").lowercased())
    }

    /// Why git would refuse the name; `nil` if it would not.
    public static func problem(with name: String) -> String? {
        let bytes = Array(name.utf8)
        if bytes.isEmpty { return "it is empty" }
        if bytes.count > Limits.nameBytes { return "it is longer than \(Limits.nameBytes) bytes" }
        if name.hasPrefix("-") { return "it begins with “-”" }
        if name == "@" || name == "HEAD" { return "git uses that word itself" }
        if name.hasSuffix(".") || name.hasSuffix("/") { return "it ends with “.” or “/”" }
        for forbidden in ["..", "@{"] where name.contains(forbidden) { return "it contains “\(forbidden)”" }
        for byte in bytes where byte <= 0x20 || byte == 0x7F || Array("~^:?*[\\".utf8).contains(byte) {
            return "it contains a space, a control character or one of ~ ^ : ? * [ \\"
        }
        for part in name.split(separator: "/", omittingEmptySubsequences: false) {
            if part.isEmpty { return "it has an empty part between slashes" }
            if part.hasPrefix(".") { return "a part begins with “.”" }
            if part.hasSuffix(".lock") { return "a part ends with “.lock”" }
        }
        return nil
    }

    /// The names most like the wanted one, closest first: what someone who mistyped may have meant.
    public static func closest(to wanted: String, among names: some Sequence<String>, limit: Int = 3) -> [String] {
        let furthest = max(2, wanted.count / 2)
        return Set(names)
            .map { (name: $0, distance: distance(from: wanted, to: $0)) }
            .filter { $0.distance <= furthest || $0.name.contains(wanted) }
            .sorted { ($0.distance, $0.name) < ($1.distance, $1.name) }
            .prefix(limit).map(\.name)
    }

    /// Levenshtein's edit distance, by the usual two rows.
    private static func distance(from first: String, to second: String) -> Int {
        let (first, second) = (Array(first.prefix(Limits.nameBytes)), Array(second.prefix(Limits.nameBytes)))
        var previous = Array(0...second.count)
        for (row, left) in first.enumerated() {
            var current = [row + 1]
            for (column, right) in second.enumerated() {
                let substituted = previous[column] + (left == right ? 0 : 1)
                current.append(min(substituted, previous[column + 1] + 1, current[column] + 1))
            }
            previous = current
        }
        return previous[second.count]
    }
}
