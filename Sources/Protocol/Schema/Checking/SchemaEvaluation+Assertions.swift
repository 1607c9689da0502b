/// The vocabulary of validation: what a value is by itself. Each asks only of the types that it is about.
extension SchemaEvaluation {
    mutating func isSame(_ value: JSONValue, _ wanted: JSONValue) -> Bool {
        let isSame = JSONSameness.same(value, wanted, &steps)
        spend(0)
        return isSame && stop == nil
    }

    mutating func isOne(of values: [JSONValue], _ value: JSONValue) -> Bool {
        for wanted in values where isSame(value, wanted) { return true }
        guard isListening, stop == nil else { return false }
        let shown = values.prefix(20).map { $0.stringValue ?? $0.excerpt } + (values.count > 20 ? ["…"] : [])
        guard shown.count != 1 else { return refuse(unless: shown[0]) }
        return refuse(unless: "one of \(shown.joined(separator: ", "))")
    }

    mutating func isWithin(_ bounds: NumberBounds, _ value: JSONValue) -> Bool {
        guard let number = JSONNumber(value) else { return true }
        if let least = bounds.minimum, number < least { return refuse("must be at least \(least.text).") }
        if let most = bounds.maximum, number > most { return refuse("must be at most \(most.text).") }
        if let least = bounds.exclusiveMinimum, number <= least {
            return refuse("must be more than \(least.text).")
        }
        if let most = bounds.exclusiveMaximum, number >= most {
            return refuse("must be less than \(most.text).")
        }
        guard let factor = bounds.multipleOf else { return true }
        if case (.whole(let whole), .whole(let divisor)) = (number, factor.number), divisor > 0 {
            return whole % divisor == 0 || refuse("must be a multiple of \(divisor).")
        }
        return DecimalNumber(number).isMultiple(of: factor.decimal)
            || refuse("must be a multiple of \(factor.number.text).")
    }

    mutating func hasLength(_ least: Int?, _ most: Int?, _ value: JSONValue) -> Bool {
        guard case .string(let text) = value else { return true }
        spend(text.utf8.count >> 6)
        // What a scalar takes in UTF-8 is one to four bytes: often that decides already.
        let bytes = text.utf8.count
        if bytes / 4 >= least ?? 0, bytes <= most ?? .max { return true }
        let count = text.unicodeScalars.count
        return isCount(count, least, most, of: "character", "be")
    }

    mutating func matches(_ pattern: Pattern, _ value: JSONValue) -> Bool {
        guard case .string(let text) = value else { return true }
        return matches(pattern, text) || refuse("must match \(pattern.text).")
    }

    /// Whether a pattern matches in a text, with what that takes.
    mutating func matches(_ pattern: Pattern, _ text: String) -> Bool {
        spend(text.utf8.count >> 4)
        guard stop == nil, let isMatch = pattern.matches(text, steps: &steps) else {
            spend(0)
            return false
        }
        return isMatch
    }

    mutating func hasItems(_ least: Int?, _ most: Int?, _ value: JSONValue) -> Bool {
        guard case .array(let elements) = value else { return true }
        return isCount(elements.count, least, most, of: "element", "have")
    }

    mutating func hasMembers(_ least: Int?, _ most: Int?, _ value: JSONValue) -> Bool {
        guard case .object(let members) = value else { return true }
        return isCount(members.count, least, most, of: "field", "have")
    }

    private mutating func isCount(_ count: Int, _ least: Int?, _ most: Int?, of thing: String, _ verb: String) -> Bool {
        func things(_ count: Int) -> String {
            "\(count) \(thing)\(count == 1 ? "" : "s")\(verb == "be" ? " long" : "")"
        }
        if let least, count < least { return refuse("must \(verb) at least \(things(least)).") }
        if let most, count > most { return refuse("must \(verb) at most \(things(most)).") }
        return true
    }

    mutating func hasUniqueItems(_ value: JSONValue) -> Bool {
        guard case .array(let elements) = value else { return true }
        let pair = JSONSameness.pair(in: elements, &steps)
        spend(0)
        guard let pair else { return stop == nil }
        return refuse("must not hold anything twice; [\(pair.0)] and [\(pair.1)] are the same.")
    }

    mutating func has(_ names: [String], _ value: JSONValue) -> Bool {
        guard case .object(let members) = value else { return true }
        spend(names.count)
        var hasAll = true
        for name in names where members[name] == nil {
            hasAll = refuse(missing: name, "is required.")
            if !isListening { return false }
        }
        return hasAll
    }

    mutating func hasDependent(_ entries: [(name: String, needs: [String])], _ value: JSONValue) -> Bool {
        guard case .object(let members) = value else { return true }
        spend(entries.count)
        var hasAll = true
        for entry in entries where members[entry.name] != nil {
            spend(entry.needs.count)
            for name in entry.needs where members[name] == nil {
                hasAll = refuse(missing: name, "is required where there is \(entry.name).")
            }
        }
        return hasAll
    }

    private mutating func refuse(missing name: String, _ message: String) -> Bool {
        guard isListening else { return false }
        path.append(.member(name))
        defer { path.removeLast() }
        return refuse(message)
    }

    mutating func has(_ format: StringFormat, _ value: JSONValue) -> Bool {
        guard case .string(let text) = value else { return true }
        spend(text.utf8.count >> 2)
        return stop == nil && (format.fits(text) || refuse("must be \(format.expectation)."))
    }
}

extension JSONNumber {
    /// As a person writes it.
    var text: String {
        switch self {
        case .whole(let whole): "\(whole)"
        case .real(let real): "\(real)"
        }
    }
}
