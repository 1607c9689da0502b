/// A branch name that git accepts and that no option parser can mistake for an option.
///
/// The rules are those of git-check-ref-format(1) with `--branch`, applied without running git, plus a length limit.
public struct BranchName: Hashable, Sendable, CustomStringConvertible {
    /// The short name, such as `wt/fix-login`.
    public let rawValue: String

    /// The full name of the branch, such as `refs/heads/wt/fix-login`.
    public var ref: String { "refs/heads/\(rawValue)" }

    public var description: String { rawValue }

    /// Takes a name as it is.
    ///
    /// - Throws: `VALIDATION_ERROR` with the rule that is broken.
    public init(_ name: String) throws(Fault) {
        if let violation = Self.violation(of: name) {
            throw Fault.invalid("branch", "“\(name.prefix(Limits.nameBytes))” cannot be a branch name: it \(violation)")
        }
        rawValue = name
    }

    /// Takes a name as a caller of git may say it: short, or in full with `refs/heads/` before it.
    ///
    /// - Throws: `VALIDATION_ERROR` with the rule that is broken.
    public init(short name: String) throws(Fault) {
        let prefix = "refs/heads/"
        try self.init(name.hasPrefix(prefix) ? String(name.dropFirst(prefix.count)) : name)
    }

    /// `wt/<name>` out of what a person typed: lower case, runs of spaces to one `-`, and what git forbids left out;
    /// `nil` if nothing remains.
    public static func suggested(for title: String) -> String? {
        var kept = ""
        for character in title.lowercased().map({ $0.isWhitespace ? "-" : $0 }) where isPlain(character) {
            if character == "-", kept.last == "-" { continue }
            kept.append(character)
        }
        let branch = "wt/" + trimmed(kept)
        return branch == "wt/" || violation(of: branch) != nil ? nil : branch
    }

    /// Why git would refuse the name, as the end of a sentence; `nil` if it would not.
    public static func violation(of name: String) -> String? {
        if let violation = violationOfAnyName(name) { return violation }
        if name == "@" || name == "HEAD" { return "must not be “\(name)”, which git uses itself." }
        if name.hasSuffix(".") { return "must not end with “.”." }
        for forbidden in ["..", "@{"] where name.contains(forbidden) { return "must not contain “\(forbidden)”." }
        if let bad = name.first(where: { " ~^:?*[\\".contains($0) }) { return "must not contain “\(bad)”." }
        for part in name.split(separator: "/", omittingEmptySubsequences: false) {
            if part.isEmpty { return "must not begin or end with “/” or contain “//”." }
            if part.hasPrefix(".") { return "must not have a part that begins with “.”." }
            if part.hasSuffix(".lock") { return "must not have a part that ends with “.lock”." }
        }
        return nil
    }

    /// Why a base (branch, tag or commit) must not reach git, as the end of a sentence; `nil` if it may.
    public static func violation(ofBase base: String) -> String? {
        base == "HEAD" ? nil : violation(of: base)
    }

    private static func violationOfAnyName(_ name: String) -> String? {
        if name.isEmpty { return "must not be empty." }
        if name.utf8.count > Limits.nameBytes { return "must have at most \(Limits.nameBytes) bytes." }
        if name.hasPrefix("-") { return "must not begin with “-”." }
        if name.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) { return "must not contain control characters." }
        return nil
    }

    private static func isPlain(_ character: Character) -> Bool {
        character.isLetter || character.isNumber || "-_./".contains(character)
    }

    /// Without dots and dashes at the ends of its parts, and no longer than sixty characters.
    private static func trimmed(_ text: String) -> String {
        let parts = text.replacing("..", with: ".").split(separator: "/").map { part in
            var part = part.drop { "-.".contains($0) }
            while let last = part.last, "-.".contains(last) { part.removeLast() }
            return part
        }
        return String(parts.filter { !$0.isEmpty }.joined(separator: "/").prefix(60))
    }
}
