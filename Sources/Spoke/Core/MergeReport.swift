public import Protocol

/// What `git merge-tree --write-tree -z` says of a merge: the tree it would have, and the files that stand in the way.
public struct MergeReport: Hashable, Sendable {
    /// The merged tree, with conflict marks in it where there are conflicts.
    public var tree: String
    public var conflicts: [MergeConflict]

    /// Reads the answer; `nil` if it is none. Its parts are the tree, then `<mode> <object> <stage>\t<path>` for each
    /// side of a file in conflict, an empty field, then messages of the form `<count> <path>… <kind> <text>`, all
    /// closed by NUL.
    public init?(_ text: String) {
        var fields = text.split(separator: "\0", omittingEmptySubsequences: false)[...]
        guard let tree = fields.popFirst(), !tree.isEmpty else { return nil }
        self.tree = String(tree)
        var (order, stages): ([String], [String: Set<Substring>]) = ([], [:])
        while let field = fields.popFirst(), !field.isEmpty {
            let halves = field.split(separator: "\t", maxSplits: 1)
            guard halves.count == 2, let stage = halves[0].split(separator: " ").last else { return nil }
            let path = String(halves[1])
            if stages[path] == nil { order.append(path) }
            stages[path, default: []].insert(stage)
        }
        let told = Self.kinds(in: &fields)
        for path in told.keys.sorted() where stages[path] == nil { order.append(path) }
        conflicts = order.map { path in
            let sides = stages[path] ?? []
            return MergeConflict(path: path, kind: Self.kind(told[path] ?? .other, sides))
        }
    }

    /// What the messages call the conflict of each path; the first word on a path counts.
    private static func kinds(in fields: inout ArraySlice<Substring>) -> [String: ConflictKind] {
        var kinds: [String: ConflictKind] = [:]
        while let count = fields.popFirst().flatMap({ Int($0) }), count > 0, fields.count >= count + 2 {
            let paths = fields.prefix(count).map(String.init)
            fields = fields.dropFirst(count)
            guard let word = fields.popFirst(), fields.popFirst() != nil else { break }
            guard word.hasPrefix("CONFLICT"), let path = paths.first else { continue }
            if kinds[path] == nil { kinds[path] = kind(of: String(word)) }
        }
        return kinds
    }

    /// git's word for a conflict as ours.
    private static func kind(of word: String) -> ConflictKind {
        for (part, kind) in [
            ("rename", ConflictKind.rename), ("modify/delete", .modifyDelete), ("binary", .binary),
            ("submodule", .submodule), ("file/directory", .type), ("distinct types", .type), ("contents", .content),
        ] where word.contains(part) { return kind }
        return .other
    }

    /// Which sides there are says what the word does not: without a common ancestor both added the file.
    private static func kind(_ told: ConflictKind, _ stages: Set<Substring>) -> ConflictKind {
        switch (told, stages) {
        case (.content, ["2", "3"]), (.other, ["2", "3"]): .bothAdded
        case (.other, ["1", "2", "3"]): .content
        case (.other, ["1", "2"]), (.other, ["1", "3"]): .modifyDelete
        default: told
        }
    }
}

/// Where a branch stands that something is to be landed on, as a mirror and its origin know it.
public enum LandingTarget: Hashable, Sendable {
    /// Neither has it.
    case missing
    /// Each has commits that the other has not.
    case diverged
    /// The newest commit that both lead to.
    case at(String)

    /// - Parameters:
    ///   - origin: the branch at the origin when last fetched.
    ///   - local: the branch in the mirror, on which earlier landings may wait to be sent.
    ///   - isOriginOlder: whether the mirror's has everything that the origin's has.
    ///   - isLocalOlder: the other way round.
    public init(origin: String?, local: String?, isOriginOlder: Bool, isLocalOlder: Bool) {
        switch (origin, local) {
        case (nil, nil): self = .missing
        case (let one?, nil), (nil, let one?): self = .at(one)
        case (let origin?, let local?):
            self = isOriginOlder ? .at(local) : isLocalOlder ? .at(origin) : .diverged
        }
    }
}
