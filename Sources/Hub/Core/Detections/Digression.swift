import Protocol

/// `DIGRESSION`: an agent touches more files than a task should need, or files that are none of its business.
enum Digression {
    static func findings(_ signs: SessionSigns, _ thresholds: DetectionThresholds) -> [AnomalyFinding] {
        guard let touched = signs.agent?.transcript.files, !touched.isEmpty else { return [] }
        let files = placed(touched, in: signs.work.directory)
        let outside = files.filter { isOutside($0, signs.work) }
        let place = Place(.digression, signs)
        let most = thresholds.filesTouched * factor(of: signs.work.taskScope)
        let beyond = place.unresolved(of: files.count)
        // What is outside counts by its place in the list, so that a resolved one is not found again.
        let unresolvedOutside = files.enumerated().filter { index, file in
            index >= Int(clamping: place.report?.resolvedMark ?? 0) && outside.contains(file)
        }
        guard beyond > most || !unresolvedOutside.isEmpty else { return [] }
        var evidence = WeighedEvidence()
        evidence.add("files", weight: 0.5, beyond > most, "\(files.count) files, \(most) are expected at most")
        evidence.add("amount", weight: 0.3, beyond > 2 * most, "more than twice as many")
        if signs.work.expectedFiles.isEmpty {
            evidence.miss("scope", "the task names no expectedFiles")
        } else {
            let inside = outside.filter { !$0.isAbsolute }
            evidence.add("scope", weight: 0.6, !inside.isEmpty, "\(inside.count) files outside what the task names")
        }
        if signs.work.directory == nil {
            evidence.miss("worktree", "its directory is not known")
        } else {
            let away = outside.filter(\.isAbsolute)
            evidence.add("worktree", weight: 0.6, !away.isEmpty, "\(away.count) files outside the worktree")
        }
        let named = outside.prefix(10).map { JSONValue.string($0.path) }
        let message =
            outside.isEmpty
            ? "It touched \(files.count) files, more than \(most)."
            : "It touched \(outside.count) files outside its scope, such as \(outside[0].path)."
        return [
            place.finding(
                mark: Int64(files.count),
                isFresh: place.isBeyondOpen(files.count, by: 1),
                message,
                [
                    "files": .integer(Int64(files.count)), "threshold": .integer(Int64(most)),
                    "outside": .array(named), "filesOutside": .integer(Int64(outside.count)),
                ],
                evidence
            )
        ]
    }

    /// A task that is estimated as broad may be.
    private static func factor(of scope: TaskScope?) -> Int {
        switch scope {
        case .system: 5
        case .broad: 2
        case .single, .narrow, .moderate, nil: 1
        }
    }

    /// A file below the worktree by its relative path, another by its absolute one.
    struct TouchedFile: Hashable {
        var path: String
        var isAbsolute: Bool
    }

    /// Each file once, in the order in which they were first touched, however they were named.
    static func placed(_ names: [String], in directory: String?) -> [TouchedFile] {
        var files: [TouchedFile] = []
        for name in names {
            let file: TouchedFile
            if let directory, name.hasPrefix("/") {
                let (path, root) = (normal(name), normal(directory))
                let isBelow = path.hasPrefix(root + "/")
                file = TouchedFile(path: isBelow ? String(path.dropFirst(root.count + 1)) : path, isAbsolute: !isBelow)
            } else {
                let path = normal(name)
                file = TouchedFile(path: path, isAbsolute: path.hasPrefix("/") || path.hasPrefix("~"))
            }
            if !files.contains(file) { files.append(file) }
        }
        return files
    }

    /// Without `.`, `..` and doubled slashes. What climbs above its beginning keeps a `..`.
    static func normal(_ path: String) -> String {
        var parts: [Substring] = []
        for part in path.split(separator: "/") where part != "." {
            if part == "..", let last = parts.last, last != ".." { parts.removeLast() } else { parts.append(part) }
        }
        return (path.hasPrefix("/") ? "/" : "") + parts.joined(separator: "/")
    }

    /// Where anybody may keep what is of no consequence.
    private static let scratch = ["/tmp/", "/var/tmp/", "/private/tmp/", "/dev/"]

    private static func isOutside(_ file: TouchedFile, _ work: SessionSigns.Work) -> Bool {
        if file.isAbsolute {
            // Without the worktree's directory nobody knows whether it is in there.
            return work.directory != nil && !scratch.contains(where: file.path.hasPrefix)
        }
        if file.path.hasPrefix("..") { return true }
        return !work.expectedFiles.isEmpty && !work.expectedFiles.contains { FilePattern($0).matches(file.path) }
    }
}

/// `*`, `?` and `**` in paths: `*` and `?` stay within one name, `**/` stands for any folders; a folder stands for all
/// that is in it.
struct FilePattern {
    private let parts: [Substring]

    init(_ text: String) { parts = text.split(separator: "/").filter { $0 != "." } }

    func matches(_ path: String) -> Bool { Self.matches(parts[...], path.split(separator: "/")[...]) }

    /// Steps are bounded by the product of the lengths: patterns and paths are short.
    private static func matches(_ pattern: ArraySlice<Substring>, _ path: ArraySlice<Substring>) -> Bool {
        guard let head = pattern.first else { return true }
        if head == "**" {
            let rest = pattern.dropFirst()
            if rest.isEmpty { return true }
            return path.indices.contains { matches(rest, path[$0...]) }
        }
        guard let name = path.first, matches(Array(head), Array(name)) else { return false }
        return matches(pattern.dropFirst(), path.dropFirst())
    }

    /// One name, by remembering the last `*` only.
    private static func matches(_ pattern: [Character], _ name: [Character]) -> Bool {
        var (place, at, star, mark) = (0, 0, -1, 0)
        while at < name.count {
            if place < pattern.count, pattern[place] == "?" || pattern[place] == name[at] {
                (place, at) = (place + 1, at + 1)
            } else if place < pattern.count, pattern[place] == "*" {
                (star, mark, place) = (place, at, place + 1)
            } else if star >= 0 {
                (place, mark) = (star + 1, mark + 1)
                at = mark
            } else {
                return false
            }
        }
        return pattern[place...].allSatisfy { $0 == "*" }
    }
}
