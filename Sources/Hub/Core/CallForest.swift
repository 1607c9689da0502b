public import Protocol

/// Calls and which of them triggered which.
public struct CallForest: Sendable {
    /// One call, as far as its place goes.
    public struct Entry: Hashable, Sendable {
        public var id: CallID
        public var parent: CallID?
        public var status: CallStatus

        public init(id: CallID, parent: CallID?, status: CallStatus) {
            self.id = id
            self.parent = parent
            self.status = status
        }
    }

    /// A call and how far it is below the one that was asked about.
    public struct Place: Hashable, Sendable {
        public var id: CallID
        public var depth: Int

        public init(id: CallID, depth: Int) {
            self.id = id
            self.depth = depth
        }
    }

    private let entries: [CallID: Entry]
    private let children: [CallID: [CallID]]

    /// The order of the entries does not matter; of two with the same id the first counts.
    public init(_ entries: some Sequence<Entry>) {
        let known = Dictionary(entries.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        var children: [CallID: [CallID]] = [:]
        for entry in known.values { if let parent = entry.parent { children[parent, default: []].append(entry.id) } }
        self.entries = known
        self.children = children.mapValues { $0.sorted() }
    }

    /// The call and everything below it, each after its parent and before its later siblings. Empty if it is unknown.
    /// What hangs on itself, which the database rules out, is visited once.
    public func preorder(from root: CallID) -> [Place] {
        guard entries[root] != nil else { return [] }
        var places: [Place] = []
        var seen: Set<CallID> = [root]
        var waiting = [Place(id: root, depth: 0)]
        while let place = waiting.popLast() {
            places.append(place)
            for child in (children[place.id] ?? []).reversed() where seen.insert(child).inserted {
                waiting.append(Place(id: child, depth: place.depth + 1))
            }
        }
        return places
    }

    /// What an abort of the call takes, in the order in which it is to happen: deepest first, the call itself last;
    /// among equally deep ones the later first, since the earlier may be what it waits for.
    public func reached(from root: CallID, by policy: AbortPolicy) -> [Place] {
        preorder(from: root)
            .filter { place in entries[place.id].map { CallLifecycle.isReached($0.status, by: policy) } ?? false }
            .sorted { ($1.depth, $1.id) < ($0.depth, $0.id) }
    }
}
