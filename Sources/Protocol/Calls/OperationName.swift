/// What operations may be called.
public enum OperationName {
    /// A letter, then letters, digits, `-` and `_`; 64 bytes at most.
    public static func isNamespace(_ text: some StringProtocol) -> Bool {
        guard let first = text.unicodeScalars.first, isLetter(first), text.utf8.count <= 64 else { return false }
        return text.unicodeScalars.allSatisfy(isPlain)
    }

    /// At least two of these, with dots between them.
    public static func isValid(_ text: String) -> Bool {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count >= 2 && text.utf8.count <= Limits.nameBytes && parts.allSatisfy { isNamespace($0) }
    }

    /// A name that somebody else chose, as the second part of an operation's: what cannot stand there becomes `_`.
    public static func plain(_ text: String) -> String {
        let plain = String(String.UnicodeScalarView(text.unicodeScalars.prefix(64).map { isPlain($0) ? $0 : "_" }))
        guard let first = plain.unicodeScalars.first, isLetter(first) else { return "o\(plain.prefix(63))" }
        return plain
    }

    private static func isLetter(_ scalar: UnicodeScalar) -> Bool {
        ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar)
    }

    private static func isPlain(_ scalar: UnicodeScalar) -> Bool {
        isLetter(scalar) || ("0"..."9").contains(scalar) || scalar == "-" || scalar == "_"
    }
}
