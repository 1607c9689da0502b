/// Names of git branches: made from titles, and checked before git sees them.
public enum BranchName {
    /// `wt/<name>`: lower-cased, runs of spaces to one `-`, and what git forbids left out; `nil` if nothing remains.
    public static func suggested(for name: String) -> String? {
        let folded = name.lowercased().map { $0.isWhitespace ? "-" : $0 }
        var kept = ""
        for character in folded where isAllowed(character) {
            if character == "-", kept.last == "-" { continue }
            kept.append(character)
        }
        let trimmed = trim(kept)
        let branch = "wt/" + trimmed
        return trimmed.isEmpty || violation(of: branch) != nil ? nil : branch
    }

    /// Why git would not take the branch name, or why the hub will not give it to git; `nil` if it is fine.
    ///
    /// Source: git-check-ref-format(1), with `--branch`'s rule that no name begins with `-`.
    public static func violation(of name: String) -> String? {
        if name.isEmpty { return "must not be empty." }
        if name.utf8.count > 200 { return "must have at most 200 bytes." }
        if name.hasPrefix("-") { return "must not begin with “-”." }
        if name == "@" || name == "HEAD" { return "must not be “\(name)”." }
        if name.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7f }) {
            return "must not contain control characters."
        }
        if let bad = name.first(where: { " ~^:?*[\\".contains($0) }) { return "must not contain “\(bad)”." }
        if name.contains("..") { return "must not contain “..”." }
        if name.contains("@{") { return "must not contain “@{”." }
        if name.hasSuffix(".") { return "must not end with “.”." }
        let components = name.split(separator: "/", omittingEmptySubsequences: false)
        if components.contains(where: \.isEmpty) { return "must not begin or end with “/” or contain “//”." }
        if components.contains(where: { $0.hasPrefix(".") }) { return "must not have a part that begins with “.”." }
        if components.contains(where: { $0.hasSuffix(".lock") }) {
            return "must not have a part that ends with “.lock”."
        }
        return nil
    }

    /// Why a base (branch, tag or commit) must not reach git; `nil` if it may.
    public static func violation(ofBase base: String) -> String? {
        if base.isEmpty { return "must not be empty." }
        if base.utf8.count > 200 { return "must have at most 200 bytes." }
        if base.hasPrefix("-") { return "must not begin with “-”." }
        if base.unicodeScalars.contains(where: { $0.value <= 0x20 || $0.value == 0x7f }) {
            return "must not contain spaces or control characters."
        }
        if base.contains("..") || base.contains(":") { return "must name one commit." }
        return nil
    }

    private static func isAllowed(_ character: Character) -> Bool {
        character.isLetter || character.isNumber || "-_./".contains(character)
    }

    private static func trim(_ text: String) -> String {
        var parts = text.replacing("..", with: ".").split(separator: "/").map { part in
            part.drop { "-.".contains($0) }
        }
        parts = parts.map { part in
            var part = part
            while let last = part.last, "-.".contains(last) { part.removeLast() }
            return part
        }
        return String(parts.filter { !$0.isEmpty }.joined(separator: "/").prefix(60))
    }
}
