import Protocol

/// What a project's fields may say. Repositories and branches end up as arguments of git on other machines.
enum ProjectRules {
    static func violations(
        name: String?,
        repoUrl: String?,
        directory: String?,
        branch: String?
    ) -> [Fault.Violation] {
        var found: [Fault.Violation] = []
        if let name { found += Wording.violations(ofName: name, at: "name") }
        if let repoUrl, let message = complaint(aboutRepository: repoUrl) {
            found.append(.init(path: "repoUrl", message: message))
        }
        if let directory, !isAbsolutePath(directory) {
            found.append(.init(path: "directory", message: "must be an absolute path without . and .. in it."))
        }
        if let branch, !isBranch(branch) {
            found.append(.init(path: "defaultBranch", message: "must be a branch name that git accepts."))
        }
        return found
    }

    static func violations(
        verification: JSONValue?,
        settings: JSONValue?,
        metadata: JSONValue?
    ) -> [Fault.Violation] {
        var found: [Fault.Violation] = []
        if let verification, verification.arrayValue == nil {
            found.append(.init(path: "verification", message: "must be a list."))
        }
        for (path, value) in [("settings", settings), ("metadata", metadata)] {
            guard let value else { continue }
            if case .object = value { continue }
            found.append(.init(path: path, message: "must be an object."))
        }
        return found
    }

    static func violations(iconUrl: String?, iconColor: String?) -> [Fault.Violation] {
        var found: [Fault.Violation] = []
        if let iconUrl {
            found += Wording.violations(ofText: iconUrl, at: "iconUrl", bytes: 2_048)
            if !iconUrl.hasPrefix("https://") {
                found.append(.init(path: "iconUrl", message: "must begin with https://."))
            }
        }
        if let iconColor { found += Wording.violations(ofText: iconColor, at: "iconColor", bytes: 64) }
        return found
    }

    /// What is wrong with a repository's URL. Only transports that run nothing: git's `ext::` and its like would.
    static func complaint(aboutRepository text: String) -> String? {
        if text.isEmpty || text.utf8.count > 2_048 { return "must be 1 to 2048 bytes." }
        if text.hasPrefix("-") { return "must not begin with a dash." }
        if Wording.hasControl(text) { return "must not contain control characters." }
        if text.hasPrefix("/") { return isAbsolutePath(text) ? nil : "must be a path without . and .. in it." }
        if let colon = text.firstRange(of: "://") {
            let (scheme, rest) = (text[..<colon.lowerBound].lowercased(), text[colon.upperBound...])
            guard ["https", "http", "ssh", "git", "file"].contains(scheme) else {
                return "must be https, http, ssh, git or file, not \(scheme)."
            }
            if scheme == "file" { return isAbsolutePath(String(rest)) ? nil : "must be file:// and an absolute path." }
            return complaint(aboutAuthority: rest.prefix { $0 != "/" }, path: rest.drop { $0 != "/" })
        }
        // The form that ssh and git know besides: user@host:path.
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[1].isEmpty, !parts[1].hasPrefix(":"), !parts[1].hasPrefix("-"),
            !parts[0].contains("/")
        else {
            return "must be a URL, user@host:path, or an absolute path."
        }
        return complaint(aboutAuthority: parts[0], path: "/" + parts[1])
    }

    private static func complaint(aboutAuthority authority: Substring, path: Substring) -> String? {
        let at = authority.lastIndex(of: "@")
        let user = at.map { authority[..<$0] } ?? ""
        let host = at.map { authority[authority.index(after: $0)...] } ?? authority
        if user.contains(":") { return "must not carry a password; give spokes their own access to the repository." }
        if user.hasPrefix("-") || host.hasPrefix("-") || path.hasPrefix("/-") {
            return "must have a host and a path that do not begin with a dash."
        }
        let isPlain = host.utf8.allSatisfy {
            (0x30...0x39).contains($0) || (0x41...0x5a).contains($0) || (0x61...0x7a).contains($0)
                || ".-_:[]".utf8.contains($0)
        }
        guard !host.isEmpty, isPlain else { return "must name a host." }
        return path.count > 1 ? nil : "must name a repository behind the host."
    }

    static func isAbsolutePath(_ text: String) -> Bool {
        guard text.hasPrefix("/"), text.utf8.count <= 2_048, !Wording.hasControl(text) else { return false }
        return text.split(separator: "/").allSatisfy { $0 != "." && $0 != ".." }
    }

    /// The rules of git check-ref-format for a branch.
    static func isBranch(_ text: String) -> Bool {
        guard !text.isEmpty, text.utf8.count <= Limits.nameBytes, text != "@", text != "HEAD", !text.hasPrefix("-"),
            !text.hasPrefix("/"), !text.hasSuffix("/"), !text.hasSuffix("."), !text.contains(".."),
            !text.contains("@{"), !text.contains("//")
        else { return false }
        let isClean = text.unicodeScalars.allSatisfy {
            $0.value > 0x20 && $0.value != 0x7f && !" ~^:?*[\\".unicodeScalars.contains($0)
        }
        return isClean && text.split(separator: "/").allSatisfy { !$0.hasPrefix(".") && !$0.hasSuffix(".lock") }
    }
}
