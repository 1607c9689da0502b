import Foundation

/// Where something is on the web: an `http` or `https` address that carries no credential itself.
public struct WebAddress: Hashable, Sendable {
    /// The address as it was written.
    public let text: String
    public let scheme: String
    /// The host as policies name it: in small letters, without the brackets of an IPv6 address.
    public let host: String
    public let port: Int

    /// - Parameter field: what a fault names.
    /// - Throws: `VALIDATION_ERROR` for what is no such address; the fault does not repeat what may be a credential.
    public init(_ text: String, field: String) throws(Fault) {
        guard let url = URL(string: text), let scheme = url.scheme?.lowercased(), ["http", "https"].contains(scheme),
            let host = url.host(percentEncoded: false), !host.isEmpty
        else { throw Fault.invalid(field, "must be an address that begins with http:// or https:// and names a host.") }
        guard url.user == nil, url.password == nil else {
            throw Fault.invalid(field, "must hold no credential; that has a place of its own.")
        }
        guard url.fragment == nil else { throw Fault.invalid(field, "must have no part behind #.") }
        self.text = text
        self.scheme = scheme
        self.host = host.lowercased().trimmingCharacters(in: CharacterSet(charactersIn: "[]"))
        port = url.port ?? (scheme == "https" ? 443 : 80)
    }

    /// An address in settings, which others may read: it holds no credential in its query either.
    ///
    /// - Throws: `VALIDATION_ERROR`, as ``init(_:field:)``.
    public init(setting text: String, field: String) throws(Fault) {
        try self.init(text, field: field)
        let query = URLComponents(string: text)?.queryItems ?? []
        guard let found = query.first(where: { CredentialWords.isQuery($0.name, $0.value ?? "") }) else { return }
        throw Fault.invalid(
            field,
            "must hold no credential, which has its own place; “\(found.name.prefix(40))” in its query looks like one."
        )
    }

    /// Scheme, host and port: as much as logs and errors may show.
    public var origin: String { "\(scheme)://\(host.contains(":") ? "[\(host)]" : host):\(port)" }
}

/// Headers that are added to requests.
public enum WebHeaders {
    /// What a request says by itself, and nobody else says for it.
    static let reserved: Set<String> = [
        "host", "content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer", "content-type",
        "accept", "mcp-session-id", "mcp-protocol-version", "last-event-id",
    ]

    /// What is wrong with a header's name; `nil` if nothing. Source: RFC 9110, 5.6.2.
    public static func flaw(ofName name: String) -> String? {
        let token = Set("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ".utf8)
        guard !name.isEmpty, name.utf8.count <= 128, name.utf8.allSatisfy(token.contains) else {
            return "is not the name of a header"
        }
        return reserved.contains(name.lowercased()) ? "is a header that the program sets itself" : nil
    }

    /// What is wrong with a header's value; `nil` if nothing. Source: RFC 9110, 5.5, without obsolete text.
    public static func flaw(ofValue value: String) -> String? {
        let isPrintable = value.utf8.allSatisfy { $0 == 0x09 || (0x20...0x7E).contains($0) }
        guard isPrintable, !value.isEmpty, value.utf8.count <= 16 << 10 else {
            return "must be 1 to \(16 << 10) printable ASCII characters"
        }
        return nil
    }
}
