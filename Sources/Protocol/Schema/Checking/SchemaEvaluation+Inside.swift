/// The applicators that look into a value.
extension SchemaEvaluation {
    mutating func members(_ schemas: MemberSchemas, _ value: JSONValue, _ seen: inout SeenParts?) -> Bool {
        guard case .object(let members) = value else { return true }
        spend(members.count)
        if schemas.additional != nil { seen?.hasAllMembers = true }
        guard isListening else {
            for (name, member) in members where !self.member(name, member, schemas, &seen) { return false }
            return true
        }
        var fits = true
        for (name, member) in members.sorted(by: { $0.key < $1.key }) {
            if !self.member(name, member, schemas, &seen) { fits = false }
        }
        return fits
    }

    private mutating func member(
        _ name: String,
        _ value: JSONValue,
        _ schemas: MemberSchemas,
        _ seen: inout SeenParts?
    ) -> Bool {
        var (isKnown, fits) = (false, true)
        if let schema = schemas.schema(of: name) {
            isKnown = true
            fits = inside(.member(name), schema, value)
        }
        for entry in schemas.patterns where matches(entry.pattern, name) {
            isKnown = true
            if !inside(.member(name), entry.schema, value) { fits = false }
        }
        if isKnown {
            seen?.note(member: name)
            return fits
        }
        guard let additional = schemas.additional else { return stop == nil }
        guard table.nodes[additional].isRefusal else { return inside(.member(name), additional, value) }
        return unknown(name, schemas)
    }

    private mutating func unknown(_ name: String, _ schemas: MemberSchemas) -> Bool {
        guard isListening, findings.count < Limits.violations else { return false }
        let known = schemas.properties.keys.sorted()
        let names = known.prefix(40).joined(separator: ", ") + (known.count > 40 ? ", …" : "")
        path.append(.member(name))
        defer { path.removeLast() }
        return refuse("is not a known field; \(names.isEmpty ? "there are no fields here" : "known here: \(names)").")
    }

    mutating func names(_ schema: Int, _ value: JSONValue) -> Bool {
        guard case .object(let members) = value else { return true }
        var fits = true
        for name in isListening ? members.keys.sorted() : Array(members.keys) {
            let before = findings.count
            if inside(.member(name), schema, .string(name)) { continue }
            fits = false
            if !isListening || stop != nil { return false }
            for place in findings.indices.dropFirst(before) {
                findings[place].message = "is not a name that is allowed here: it \(findings[place].message)"
                findings[place].expectation = nil
            }
        }
        return fits
    }

    mutating func items(_ prefix: [Int], _ rest: Int?, _ value: JSONValue, _ seen: inout SeenParts?) -> Bool {
        guard case .array(let elements) = value else { return true }
        seen?.note(elements: rest == nil ? min(prefix.count, elements.count) : elements.count)
        var fits = true
        for (place, element) in elements.enumerated() {
            guard let schema = place < prefix.count ? prefix[place] : rest else { break }
            if inside(.element(place), schema, element) { continue }
            fits = false
            if !isListening || stop != nil || findings.count >= Limits.violations { return false }
        }
        return fits
    }

    mutating func contains(
        _ schema: Int,
        _ least: Int,
        _ most: Int?,
        _ value: JSONValue,
        _ seen: inout SeenParts?
    ) -> Bool {
        guard case .array(let elements) = value else { return true }
        var count = 0
        let before = findings
        for (place, element) in elements.enumerated() where inside(.element(place), schema, element) {
            count += 1
            seen?.note(element: place)
            if seen == nil, most == nil, count >= least { break }
        }
        // What keeps an element from being the wanted one is no mistake.
        findings = before
        guard stop == nil else { return false }
        if count < least {
            return refuse("must hold \(least == 1 ? "an element" : "\(least) elements") of a kind that it lacks.")
        }
        if let most, count > most { return refuse("must hold at most \(most) elements of a kind; it has \(count).") }
        return true
    }

    // MARK: What no other has looked at

    mutating func unevaluatedItems(_ schema: Int, _ value: JSONValue, _ seen: inout SeenParts?) -> Bool {
        guard case .array(let elements) = value else { return true }
        spend(elements.count)
        var fits = true
        for (place, element) in elements.enumerated() where seen?.has(element: place) != true {
            if inside(.element(place), schema, element) { continue }
            fits = false
            if !isListening || stop != nil || findings.count >= Limits.violations { return false }
        }
        seen?.note(elements: elements.count)
        return fits
    }

    mutating func unevaluatedProperties(_ schema: Int, _ value: JSONValue, _ seen: inout SeenParts?) -> Bool {
        guard case .object(let members) = value else { return true }
        spend(members.count)
        let rest = members.filter { seen?.has(member: $0.key) != true }.sorted { $0.key < $1.key }
        var fits = true
        for (name, member) in rest where !inside(.member(name), schema, member) {
            fits = false
            if !isListening || stop != nil { return false }
        }
        seen?.hasAllMembers = true
        return fits
    }
}
