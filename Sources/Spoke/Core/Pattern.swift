/// A pattern of a policy: `*` stands for any text, `?` for any one character, everything else for itself.
public struct Pattern: Hashable, Sendable {
    public let text: String

    public init(_ text: String) { self.text = text }

    /// Whether the whole of `candidate` fits. Linear in the product of the lengths, whatever the pattern.
    public func matches(_ candidate: String) -> Bool {
        let pattern = Array(text.unicodeScalars)
        let characters = Array(candidate.unicodeScalars)
        var (inPattern, inCandidate) = (0, 0)
        var star: (pattern: Int, candidate: Int)?
        while inCandidate < characters.count {
            if inPattern < pattern.count, pattern[inPattern] == "*" {
                star = (inPattern, inCandidate)
                inPattern += 1
            } else if inPattern < pattern.count,
                pattern[inPattern] == "?" || pattern[inPattern] == characters[inCandidate]
            {
                inPattern += 1
                inCandidate += 1
            } else if let last = star {
                // The latest star takes one character more; earlier ones need no second look.
                star = (last.pattern, last.candidate + 1)
                (inPattern, inCandidate) = (last.pattern + 1, last.candidate + 1)
            } else {
                return false
            }
        }
        return pattern[inPattern...].allSatisfy { $0 == "*" }
    }
}

/// Two lists of patterns: what is allowed, and what is denied all the same.
public struct AllowList: Hashable, Sendable {
    public var allow: [Pattern]
    public var deny: [Pattern]

    public init(allow: [String] = ["*"], deny: [String] = []) {
        self.allow = allow.map(Pattern.init)
        self.deny = deny.map(Pattern.init)
    }

    public static let everything = AllowList()

    public func permits(_ candidate: String) -> Bool {
        allow.contains { $0.matches(candidate) } && !deny.contains { $0.matches(candidate) }
    }
}
