/// Addresses and names of the internet, for `format`.
enum InternetNames {
    /// A host's name (RFC 1123): labels of letters, digits and inner hyphens.
    static func isHost(_ text: Substring) -> Bool {
        guard !text.isEmpty, text.utf8.count <= 253 else { return false }
        return text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { label in
            !label.isEmpty && label.utf8.count <= 63 && !label.hasPrefix("-") && !label.hasSuffix("-")
                && label.utf8.allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: "-") }
        }
    }

    static func isIPv4(_ text: Substring) -> Bool {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4
            && parts.allSatisfy { part in
                1...3 ~= part.utf8.count && part.utf8.allSatisfy { 48...57 ~= $0 }
                    && (part == "0" || !part.hasPrefix("0")) && (Int(part) ?? 256) < 256
            }
    }

    /// RFC 4291 §2.2, without a zone.
    static func isIPv6(_ text: Substring) -> Bool {
        let halves = text.split(separator: "::", omittingEmptySubsequences: false)
        guard halves.count <= 2, !text.contains(":::") else { return false }
        var count = 0
        for (number, half) in halves.enumerated() where !half.isEmpty {
            let groups = half.split(separator: ":", omittingEmptySubsequences: false)
            for (place, group) in groups.enumerated() {
                if number == halves.count - 1, place == groups.count - 1, group.contains(".") {
                    guard isIPv4(group) else { return false }
                    count += 2
                } else {
                    guard 1...4 ~= group.utf8.count, group.utf8.allSatisfy({ $0.hexValue != nil }) else { return false }
                    count += 1
                }
            }
        }
        return halves.count == 2 ? count <= 7 : count == 8
    }

    /// RFC 5321's Mailbox: a dotted or quoted local part, and a domain or an address in brackets.
    static func isMailbox(_ text: String) -> Bool {
        guard let at = text.lastIndex(of: "@") else { return false }
        let (local, domain) = (text[..<at], text[text.index(after: at)...])
        guard 1...64 ~= local.utf8.count, isLocalPart(local) else { return false }
        guard domain.hasPrefix("["), domain.hasSuffix("]") else { return isHost(domain) }
        let inner = domain.dropFirst().dropLast()
        return inner.hasPrefix("IPv6:") ? isIPv6(inner.dropFirst(5)) : isIPv4(inner)
    }

    private static func isLocalPart(_ text: Substring) -> Bool {
        if text.utf8.count > 1, text.hasPrefix("\""), text.hasSuffix("\"") {
            var rest = text.utf8.dropFirst().dropLast()
            while let byte = rest.popFirst() {
                if byte == UInt8(ascii: "\\"), rest.popFirst() == nil { return false }
                if byte == UInt8(ascii: "\"") || !(32...126 ~= byte) { return false }
            }
            return true
        }
        return text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { atom in
            !atom.isEmpty
                && atom.utf8.allSatisfy { isAlphanumeric($0) || Array("!#$%&'*+-/=?^_`{|}~".utf8).contains($0) }
        }
    }

    /// RFC 3986.
    static func isURI(_ text: String, isRelativeAllowed: Bool) -> Bool {
        let uri = URIReference(text)
        if let scheme = uri.scheme {
            guard let first = scheme.utf8.first, isLetter(first),
                scheme.utf8.allSatisfy({ isAlphanumeric($0) || Array("+-.".utf8).contains($0) })
            else { return false }
        } else if !isRelativeAllowed || (uri.authority == nil && uri.path.prefix { $0 != "/" }.contains(":")) {
            return false
        }
        if let authority = uri.authority, !isAuthority(authority) { return false }
        return consists(uri.path, of: "/:@") && (uri.query.map { consists($0, of: "/:@?") } ?? true)
            && (uri.fragment.map { consists($0, of: "/:@?") } ?? true)
    }

    private static func isAuthority(_ text: String) -> Bool {
        var host = text[...]
        if let at = host.lastIndex(of: "@") {
            guard consists(String(host[..<at]), of: ":") else { return false }
            host = host[host.index(after: at)...]
        }
        if host.hasPrefix("[") {
            guard let end = host.firstIndex(of: "]"), isIPv6(host[host.index(after: host.startIndex)..<end]) else {
                return false
            }
            host = host[host.index(after: end)...]
            return host.isEmpty || (host.hasPrefix(":") && host.dropFirst().utf8.allSatisfy { 48...57 ~= $0 })
        }
        let parts = host.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        if parts.count == 2, !parts[1].utf8.allSatisfy({ 48...57 ~= $0 }) { return false }
        return consists(String(parts.first ?? ""), of: "")
    }

    /// Nothing but unreserved characters, escapes, sub-delimiters and the extra ones.
    private static func consists(_ text: String, of extra: String) -> Bool {
        let allowed = Array("-._~!$&'()*+,;=\(extra)".utf8)
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%") {
                guard rest.popFirst()?.hexValue != nil, rest.popFirst()?.hexValue != nil else { return false }
            } else if !isAlphanumeric(byte), !allowed.contains(byte) {
                return false
            }
        }
        return true
    }

    private static func isLetter(_ byte: UInt8) -> Bool { 97...122 ~= byte | 0x20 && byte < 128 }
    private static func isAlphanumeric(_ byte: UInt8) -> Bool { isLetter(byte) || 48...57 ~= byte }
}
