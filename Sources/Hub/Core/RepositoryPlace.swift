import Foundation

/// The repository that an address stands for, as far as its text tells: two addresses of one repository are equal here.
///
/// For comparing alone: git gets the address as it was given. What no text tells, such as symbolic links and names that
/// a spoke's ssh configuration gives to hosts, stays different.
public struct RepositoryPlace: Hashable, Sendable {
    /// In small letters, with the port if it is not the usual one; `nil` for what lies on the spokes' own disks.
    public let host: String?
    /// Without a slash before or behind it, and without `.git`.
    public let path: String

    /// - Parameter address: A URL, `user@host:path` or an absolute path, as projects have them.
    public init(of address: String) {
        if address.hasPrefix("/") {
            host = nil
            path = Self.plain(address)
            return
        }
        if let mark = address.firstRange(of: "://") {
            let (scheme, rest) = (address[..<mark.lowerBound].lowercased(), address[mark.upperBound...])
            let authority = rest.prefix { $0 != "/" }
            let place = String(rest.dropFirst(authority.count))
            // Git and curl decode paths of URLs, and of nothing else.
            let decoded = place.removingPercentEncoding ?? place
            host = scheme == "file" ? nil : Self.host(of: authority, usual: Self.ports[scheme])
            path = host == nil ? Self.plain(decoded) : Self.plain(decoded).lowercased()
            return
        }
        // user@host:path, or [user@host:port]:path.
        let (authority, place) = Self.parts(ofShort: address)
        host = Self.host(of: authority[...], usual: Self.ports["ssh"])
        path = Self.plain(place).lowercased()
    }

    /// The ports that need not be said. The scheme tells nothing apart: a host has one repository behind several.
    private static let ports = ["https": 443, "http": 80, "ssh": 22, "git": 9_418]

    private static func parts(ofShort address: String) -> (authority: String, path: String) {
        if let open = address.firstIndex(of: "["), let close = address.firstRange(of: "]:"), open < close.lowerBound {
            var authority = String(address[..<close.lowerBound])
            authority.removeAll { $0 == "[" }
            return (authority, String(address[close.upperBound...]))
        }
        let authority = address.prefix { $0 != ":" }
        return (String(authority), String(address.dropFirst(authority.count + 1)))
    }

    /// Without the user, and without a port that is the usual one.
    private static func host(of authority: Substring, usual: Int?) -> String {
        let machine = authority.split(separator: "@", omittingEmptySubsequences: false).last ?? authority
        var name = machine
        var port: Int?
        // What has several colons and no brackets is an address of IPv6 without a port.
        if let colon = machine.lastIndex(of: ":"), machine.contains("]") || machine.firstIndex(of: ":") == colon {
            let digits = machine[machine.index(after: colon)...]
            if digits.allSatisfy({ ("0"..."9").contains($0) }) {
                (name, port) = (machine[..<colon], Int(digits))
            }
        }
        var plain = name.lowercased()
        plain.removeAll { $0 == "[" || $0 == "]" }
        while plain.hasSuffix(".") { plain.removeLast() }
        guard let port, port != usual else { return plain }
        return "\(plain):\(port)"
    }

    /// Without doubled slashes, steps that lead nowhere, and the `.git` that git finds by itself.
    private static func plain(_ path: String) -> String {
        var steps: [Substring] = []
        for step in path.split(separator: "/") where step != "." {
            if step == ".." { _ = steps.popLast() } else { steps.append(step) }
        }
        while steps.count > 1, steps.last == ".git" { steps.removeLast() }
        if let last = steps.last, last.hasSuffix(".git"), last.count > 4 {
            steps[steps.count - 1] = last.dropLast(4)
        }
        return steps.joined(separator: "/")
    }
}
