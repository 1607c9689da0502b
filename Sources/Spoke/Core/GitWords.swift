public import Protocol

/// What of a caller's words may reach git as an argument. Options are written by us alone.
public enum GitWords {
    /// A revision's text.
    public static let revisionBytes = 256
    /// Paths in one call.
    public static let pathsMost = 500
    /// A commit's message.
    public static let messageBytes = 64 << 10

    /// A revision that no option parser takes for an option and that names one thing: no ranges, no searches.
    ///
    /// - Throws: `VALIDATION_ERROR` that says what is wrong.
    public static func revision(_ text: String, field: String = "revision") throws(Fault) -> String {
        guard !text.isEmpty, text.utf8.count <= revisionBytes else {
            throw Fault.invalid(field, "must have 1 to \(revisionBytes) bytes.")
        }
        guard !text.hasPrefix("-"), !text.hasPrefix("^") else {
            throw Fault.invalid(field, "must not begin with “\(text.prefix(1))”.")
        }
        guard !text.contains(".."), !text.utf8.contains(where: { $0 <= 0x20 || $0 == 0x7F }) else {
            throw Fault.invalid(field, "must name one commit: no “..”, spaces or control characters.")
        }
        if let bad = text.first(where: { ":?*[\\".contains($0) }) {
            throw Fault.invalid(field, "must not contain “\(bad)”.")
        }
        return text
    }

    /// Paths below a worktree, which git then takes literally.
    ///
    /// - Throws: `VALIDATION_ERROR` for what leads out, or at git's own.
    public static func paths(_ texts: [String]?, field: String = "paths") throws(Fault) -> [String] {
        let texts = texts ?? []
        guard texts.count <= pathsMost else { throw Fault.invalid(field, "must be at most \(pathsMost) paths.") }
        var paths: [String] = []
        for (index, text) in texts.enumerated() {
            let path = try RelativePath(text, field: "\(field)[\(index)]")
            guard !path.names.contains("..") else {
                throw Fault.invalid("\(field)[\(index)]", "must not contain “..”.")
            }
            paths.append(path.text)
        }
        return paths
    }

    /// A commit's message.
    public static func message(_ text: String) throws(Fault) -> String {
        guard !text.allSatisfy(\.isWhitespace), text.utf8.count <= messageBytes, !text.utf8.contains(0) else {
            throw Fault.invalid("message", "must have 1 to \(messageBytes) bytes and no NUL.")
        }
        return text
    }

    /// A person's name or address, as a commit has it.
    public static func person(_ text: String, field: String) throws(Fault) -> String {
        let isPlain = !text.unicodeScalars.contains {
            $0.value < 0x20 || $0.value == 0x7F || "<>".unicodeScalars.contains($0)
        }
        guard !text.allSatisfy(\.isWhitespace), text.utf8.count <= Limits.nameBytes, isPlain else {
            throw Fault.invalid(field, "must have 1 to \(Limits.nameBytes) printable bytes without < and >.")
        }
        return text
    }
}

/// What `git status --porcelain=v2 -z` says of each file.
public enum StatusEntries {
    /// The changes in order; lines of an unknown kind are skipped, as git's documentation demands.
    public static func changes(in text: String) -> [GitStatus.Change] {
        var changes: [GitStatus.Change] = []
        var entries = text.split(separator: "\0").makeIterator()
        while let entry = entries.next() {
            switch entry.first {
            case "1": if let change = change(entry, fields: 8) { changes.append(change) }
            case "u": if let change = change(entry, fields: 10) { changes.append(change) }
            case "2":
                let from = entries.next().map(String.init)
                if let change = change(entry, fields: 9, from: from) { changes.append(change) }
            case "?": changes.append(.init(path: String(entry.dropFirst(2)), index: ".", worktree: "?"))
            default: continue
            }
        }
        return changes
    }

    /// `<kind> <XY> … <path>`: the path follows that many fields and may hold spaces.
    private static func change(_ entry: Substring, fields: Int, from: String? = nil) -> GitStatus.Change? {
        let parts = entry.split(separator: " ", maxSplits: fields, omittingEmptySubsequences: false)
        guard parts.count == fields + 1, parts[1].count == 2 else { return nil }
        return GitStatus.Change(
            path: String(parts[fields]),
            index: String(parts[1].prefix(1)),
            worktree: String(parts[1].suffix(1)),
            from: from
        )
    }
}
