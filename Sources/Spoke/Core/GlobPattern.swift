public import Protocol

/// A pattern of paths: `*` and `?` within a name, `**` for any number of folders. Linear in the path for each name,
/// bounded by ``partsMost`` names: no pattern takes long.
public struct GlobPattern: Hashable, Sendable {
    private enum Part: Hashable, Sendable {
        case name(Pattern)
        case anyFolders
    }

    private let parts: [Part]

    /// Names of a pattern; more are a mistake, or meant ill.
    public static let partsMost = 64
    /// A pattern's text.
    public static let longest = 1_024

    /// - Throws: `VALIDATION_ERROR` for what is empty, absolute, has `..` or is too long.
    public init(_ text: String, field: String) throws(Fault) {
        guard !text.isEmpty, text.utf8.count <= Self.longest, !text.utf8.contains(0) else {
            throw Fault.invalid(field, "must have 1 to \(Self.longest) bytes and no NUL.")
        }
        let names = text.split(separator: "/").filter { $0 != "." }
        guard !text.hasPrefix("/"), !names.contains("..") else {
            throw Fault.invalid(field, "must be relative and without ..; path names the folder to search.")
        }
        guard names.count <= Self.partsMost else {
            throw Fault.invalid(field, "must have at most \(Self.partsMost) names.")
        }
        parts = names.map { $0 == "**" ? .anyFolders : .name(Pattern(String($0))) }
    }

    /// Whether a whole path, given by its names, fits.
    public func matches(_ names: [String]) -> Bool {
        advance(start, over: names).contains(parts.count)
    }

    /// Whether something below the folder with these names might fit: others need not be opened.
    public func mayMatch(below names: [String]) -> Bool {
        advance(start, over: names).contains { $0 < parts.count }
    }

    /// Places in the pattern that can be reached: behind which part the path so far may be.
    private var start: Set<Int> { closure([0]) }

    private func advance(_ places: Set<Int>, over names: [String]) -> Set<Int> {
        var places = places
        for name in names {
            var next: Set<Int> = []
            for place in places where place < parts.count {
                switch parts[place] {
                case .anyFolders: next.insert(place)
                case .name(let pattern): if pattern.matches(name) { next.insert(place + 1) }
                }
            }
            places = closure(next)
            if places.isEmpty { break }
        }
        return places
    }

    /// `**` stands also for no folder at all.
    private func closure(_ places: Set<Int>) -> Set<Int> {
        var places = places
        var waiting = Array(places)
        while let place = waiting.popLast() {
            guard place < parts.count, parts[place] == .anyFolders, places.insert(place + 1).inserted else { continue }
            waiting.append(place + 1)
        }
        return places
    }
}
