/// The parts of a value that some schema has looked at: what `unevaluatedItems` and `unevaluatedProperties` leave
/// alone.
struct SeenParts {
    /// All members.
    var hasAllMembers = false
    private(set) var members: Set<String> = []
    /// So many elements from the first on.
    private(set) var elements = 0
    /// Others, one by one.
    private var scattered: Set<Int> = []

    mutating func note(member name: String) { members.insert(name) }
    mutating func note(elements count: Int) { elements = max(elements, count) }
    mutating func note(element place: Int) { scattered.insert(place) }

    mutating func noteAll() { (hasAllMembers, elements) = (true, .max) }

    func has(member name: String) -> Bool { hasAllMembers || members.contains(name) }
    func has(element place: Int) -> Bool { place < elements || scattered.contains(place) }

    mutating func formUnion(_ other: SeenParts) {
        hasAllMembers = hasAllMembers || other.hasAllMembers
        members.formUnion(other.members)
        elements = max(elements, other.elements)
        scattered.formUnion(other.scattered)
    }
}
