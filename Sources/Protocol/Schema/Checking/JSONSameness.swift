/// Whether two values are the same JSON: 1 is 1.0, and strings are compared by their characters as they stand, where
/// Swift takes two spellings of “é” for one.
enum JSONSameness {
    /// - Parameter steps: how many are left; each value compared takes one. Below 0 the answer means nothing.
    static func same(_ one: JSONValue, _ other: JSONValue, _ steps: inout Int) -> Bool {
        steps -= 1
        guard steps > 0 else { return false }
        switch (one, other) {
        case (.null, .null): return true
        case (.bool(let one), .bool(let other)): return one == other
        case (.string(let one), .string(let other)):
            steps -= min(one.utf8.count, other.utf8.count) >> 6
            return same(one, other)
        case (.array(let one), .array(let other)):
            guard one.count == other.count else { return false }
            for (first, second) in zip(one, other) where !same(first, second, &steps) { return false }
            return true
        case (.object(let one), .object(let other)):
            guard one.count == other.count else { return false }
            for (key, value) in one {
                guard let place = other.index(forKey: key), same(other[place].key, key),
                    same(value, other[place].value, &steps)
                else { return false }
            }
            return true
        default:
            guard let one = JSONNumber(one), let other = JSONNumber(other) else { return false }
            return one == other
        }
    }

    private static func same(_ one: String, _ other: String) -> Bool {
        one == other && one.utf8.elementsEqual(other.utf8)
    }

    /// The value with each number in one form, so that values that are the same are also equal in Swift.
    static func normal(_ value: JSONValue, _ steps: inout Int) -> JSONValue {
        steps -= 1
        guard steps > 0 else { return .null }
        switch value {
        case .null, .bool, .integer: return value
        case .string(let text):
            steps -= text.utf8.count >> 6
            return value
        case .number(let real): return Int64(exactly: real).map(JSONValue.integer) ?? value
        case .array(let elements): return .array(elements.map { normal($0, &steps) })
        case .object(let members): return .object(members.mapValues { normal($0, &steps) })
        }
    }

    /// The places of two elements that are the same; `nil` if all differ.
    static func pair(in elements: [JSONValue], _ steps: inout Int) -> (Int, Int)? {
        guard elements.count > 1 else { return nil }
        var seen: [JSONValue: [Int]] = Dictionary(minimumCapacity: elements.count)
        for (place, element) in elements.enumerated() {
            let key = normal(element, &steps)
            guard steps > 0 else { return nil }
            for earlier in seen[key] ?? [] where same(elements[earlier], element, &steps) { return (earlier, place) }
            seen[key, default: []].append(place)
        }
        return nil
    }
}
