/// By what a credential is recognised where none may be: before it is stored, and shown to whoever may read settings.
public enum CredentialWords {
    private static let words = [
        "password", "passphrase", "secret", "token", "apikey", "accesskey", "privatekey", "authorization",
    ]
    /// Too common to be taken for a credential in settings; in a query they rarely are anything else.
    private static let inQueries: Set = ["key", "auth", "pass", "pwd", "sig", "signature", "credential", "credentials"]

    /// Whether a field of this name holds a credential.
    public static func isName(_ name: String) -> Bool {
        // Asked of every field of every call that is kept: most names end otherwise.
        guard let last = name.utf8.last(where: { $0 != UInt8(ascii: "_") && $0 != UInt8(ascii: "-") }),
            endings.contains(last | 0x20)
        else { return false }
        let plain = plain(name)
        return words.contains { plain.hasSuffix($0) }
    }

    /// The last letters of these.
    private static let endings = Set(words.compactMap(\.utf8.last))

    /// Whether a field of a query does, by its name or by its value.
    static func isQuery(_ name: String, _ value: String) -> Bool {
        isName(name) || inQueries.contains(plain(name)) || isValue(value)
    }

    /// Whether a text looks like a credential: as those of well-known services begin, as our own do, or signed claims
    /// (RFC 7519).
    public static func isValue(_ text: String) -> Bool {
        let known = [
            "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "sk-", "sk_live_", "sk_test_", "xoxb-",
            "xoxp-", "AKIA", "AIza", "nave_",
        ]
        if known.contains(where: { text.hasPrefix($0) && text.utf8.count >= $0.utf8.count + 12 }) { return true }
        return text.hasPrefix("eyJ") && text.split(separator: ".").count == 3
    }

    private static func plain(_ name: String) -> String { name.lowercased().filter { $0 != "_" && $0 != "-" } }
}
