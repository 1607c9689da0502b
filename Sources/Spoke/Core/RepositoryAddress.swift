public import Protocol

/// Where a repository is fetched from: a URL, an scp-like address or an absolute path.
///
/// Nothing else ever reaches git: no option, no remote helper that runs commands (`ext::…`), no relative path.
public struct RepositoryAddress: Hashable, Sendable {
    public let rawValue: String
    /// Whether it is a path on this machine.
    public let isLocal: Bool

    /// A URL longer than this is a mistake.
    public static let longest = 2_048

    /// - Fails with `validation` and what is wrong.
    public init(_ text: String) throws(Fault) {
        guard !text.isEmpty, text.utf8.count <= Self.longest else {
            throw Fault.invalid("repository", "must be a URL or an absolute path of 1 to \(Self.longest) bytes.")
        }
        guard !text.hasPrefix("-"), !text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) else {
            throw Fault.invalid("repository", "must not begin with “-” or contain control characters.")
        }
        let scheme = text.split(separator: ":", maxSplits: 1).first.map(String.init) ?? ""
        guard text.hasPrefix("/") || !text.dropFirst(scheme.count).hasPrefix("::") else {
            throw Fault.invalid("repository", "must not name a remote helper; use https, ssh, git, file or a path.")
        }
        if text.contains("://"), !text.hasPrefix("/") {
            guard ["https", "http", "ssh", "git", "file"].contains(scheme.lowercased()) else {
                throw Fault.invalid("repository", "must be https, http, ssh, git or file, not “\(scheme)”.")
            }
            let host = text.dropFirst(scheme.count + 3).drop(while: { $0 == "/" })
            let machine = host.split(separator: "@", maxSplits: 1).last ?? ""
            guard !machine.hasPrefix("-") else {
                throw Fault.invalid("repository", "names a host that begins with “-”.")
            }
        } else if !text.hasPrefix("/") {
            let host = scheme.split(separator: "@").last ?? ""
            guard text.contains(":"), !host.isEmpty, !host.hasPrefix("-"), !scheme.contains("/") else {
                throw Fault.invalid("repository", "must be a URL, user@host:path or an absolute path.")
            }
        }
        rawValue = text
        isLocal = text.hasPrefix("/") || text.lowercased().hasPrefix("file://")
    }

    /// The address for people and logs: a password or token inside the URL is not shown.
    public var shown: String { AddressText.withoutCredentials(rawValue) }
}
