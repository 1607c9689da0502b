import Foundation
import Protocol

/// Keeps web pages of strangers away from a hub on a loopback address (DNS rebinding, cross-site requests): such a
/// hub answers only to names of its own machine, and only to pages that it served itself.
struct LoopbackGuard: Sendable {
    /// Names by which the hub may be called; `nil` where any name will do, because the address is public.
    let names: Set<String>?

    /// A guard for a hub that listens on `host`; `advertised` is one more name that its operator gave it.
    init(host: String, advertised: String?) {
        let loopback: Set<String> = ["localhost", "127.0.0.1", "::1", "[::1]"]
        guard loopback.contains(host) || host.hasPrefix("127.") else {
            names = nil
            return
        }
        var names = loopback.union([host])
        if let advertised, let name = Self.name(inURL: advertised) { names.insert(name) }
        self.names = names
    }

    /// - Fails with `accessDenied` for a foreign host or origin.
    func check(host: String?, origin: String?) throws(Fault) {
        guard let names else { return }
        guard let host, names.contains(Self.name(inAuthority: host)) else {
            throw Fault(.accessDenied, "This hub answers only to its own machine's names; use http://127.0.0.1.")
        }
        guard let origin else { return }
        guard let name = Self.name(inURL: origin), names.contains(name) else {
            throw Fault(.accessDenied, "This hub does not answer to pages of other sites.")
        }
    }

    /// `host` of `host:port`, lower-cased; brackets of an IPv6 address stay.
    static func name(inAuthority authority: String) -> String {
        let lower = authority.lowercased()
        if lower.hasPrefix("["), let end = lower.firstIndex(of: "]") { return String(lower[...end]) }
        return String(lower.prefix { $0 != ":" })
    }

    /// The host of `scheme://host:port/…`.
    static func name(inURL url: String) -> String? {
        guard let start = url.range(of: "://") else { return nil }
        let name = Self.name(inAuthority: String(url[start.upperBound...].prefix { $0 != "/" }))
        return name.isEmpty ? nil : name
    }
}
