/// The applicators that put further schemas to the same value.
///
/// What a schema has seen counts only if it fits. Schemas that must all fit share their notes, since one that fails
/// makes the whole fail; alternatives take notes of their own.
extension SchemaEvaluation {
    mutating func every(_ schemas: [Int], _ value: JSONValue, _ seen: inout SeenParts?) -> Bool {
        var fits = true
        for schema in schemas where !self.fits(schema, value, &seen) {
            fits = false
            if !isListening || stop != nil { return false }
        }
        return fits
    }

    mutating func atLeastOne(_ schemas: [Int], _ value: JSONValue, _ seen: inout SeenParts?) -> Bool {
        var (fits, failures): (Bool, [[SchemaFinding]]) = (false, [])
        for schema in schemas {
            if let failure = attempt(schema, value, &seen) {
                failures.append(failure)
            } else {
                fits = true
                if seen == nil { return stop == nil }
            }
            guard stop == nil else { return false }
        }
        return fits || refuse(nearest: failures, &seen)
    }

    mutating func exactlyOne(_ schemas: [Int], _ value: JSONValue, _ seen: inout SeenParts?) -> Bool {
        var (fitting, failures): ([Int], [[SchemaFinding]]) = ([], [])
        for (number, schema) in schemas.enumerated() {
            if let failure = attempt(schema, value, &seen) {
                failures.append(failure)
            } else {
                fitting.append(number + 1)
                if fitting.count > 1, !isListening { return false }
            }
            guard stop == nil else { return false }
        }
        switch fitting.count {
        case 1: return true
        case 0: return refuse(nearest: failures, &seen)
        default:
            let numbers = fitting.map(String.init).joined(separator: ", ")
            return refuse("must have exactly one of \(schemas.count) forms; it has those numbered \(numbers).")
        }
    }

    mutating func rulesOut(_ schema: Int, _ value: JSONValue) -> Bool {
        var nothing: SeenParts?
        guard attempt(schema, value, &nothing) == nil, stop == nil else { return stop == nil }
        return refuse("has a form that is ruled out here.")
    }

    mutating func condition(
        _ test: Int,
        _ then: Int?,
        _ otherwise: Int?,
        _ value: JSONValue,
        _ seen: inout SeenParts?
    ) -> Bool {
        let holds = attempt(test, value, &seen) == nil
        guard stop == nil else { return false }
        guard let schema = holds ? then : otherwise else { return true }
        return fits(schema, value, &seen)
    }

    mutating func dependent(
        _ entries: [(name: String, schema: Int)],
        _ value: JSONValue,
        _ seen: inout SeenParts?
    ) -> Bool {
        guard case .object(let members) = value else { return true }
        var fits = true
        for entry in entries where members[entry.name] != nil {
            if self.fits(entry.schema, value, &seen) { continue }
            fits = false
            if !isListening || stop != nil { return false }
        }
        return fits
    }

    /// Tries a schema without consequences: `nil` if it fits, and then what it has seen is noted; else what is wrong.
    private mutating func attempt(_ schema: Int, _ value: JSONValue, _ seen: inout SeenParts?) -> [SchemaFinding]? {
        var own: SeenParts? = seen == nil ? nil : SeenParts()
        let before = findings
        findings = []
        defer { findings = before }
        guard fits(schema, value, &own) else { return findings }
        if let own { seen?.formUnion(own) }
        return nil
    }

    /// Says what keeps a value from all its alternatives: where each only wanted something else, what they wanted;
    /// else what is wrong with the nearest, which is the one that got deepest with the fewest mistakes.
    private mutating func refuse(nearest failures: [[SchemaFinding]], _ seen: inout SeenParts?) -> Bool {
        guard isListening else { return false }
        // The parts of a form that nearly fits would else be called unknown on top of it.
        seen?.noteAll()
        let here = path.text
        let wants = failures.compactMap { $0.count == 1 && $0[0].path == here ? $0[0].expectation : nil }
        if wants.count == failures.count {
            var shown: [String] = []
            for want in wants where !shown.contains(want) { shown.append(want) }
            return refuse(unless: shown.joined(separator: " or "))
        }
        func distance(_ failure: [SchemaFinding]) -> Int {
            // Of another kind altogether, such as text where the value is an object.
            let isElsewhere = failure.contains { $0.path == here && $0.expectation != nil }
            // A field that names the kind and names another.
            let isOtherKind = failure.contains { $0.expectation != nil && $0.path != here }
            return (isElsewhere ? 10_000 : 0) + (isOtherKind ? 100 : 0) + failure.count
        }
        guard let nearest = failures.min(by: { distance($0) < distance($1) }) else { return false }
        if failures.count > 1 {
            _ = refuse("fits none of the \(failures.count) forms that are allowed here; about the nearest:")
        }
        findings += nearest.prefix(max(0, Limits.violations - findings.count))
        return false
    }
}
