/// One value being checked against one schema.
///
/// It runs in one of two ways: deaf, which stops at the first mistake and makes no messages, or listening, which goes
/// on to find them all. Both see the same; only who is told differs.
struct SchemaEvaluation {
    let table: SchemaTable
    /// Whether mistakes are put into words.
    let isListening: Bool
    /// How many are left.
    var steps = Limits.schemaSteps
    private var depth = 0
    /// Resources that were entered on the way here, the outermost first. Only kept where something depends on it.
    private var scope: [Int] = []
    /// Why checking was given up. What was found until then means nothing.
    private(set) var stop: Stop?
    var path: [Step] = []
    var findings: [SchemaFinding] = []

    /// What ends an evaluation before it has an answer.
    enum Stop {
        case tooLong, tooDeep

        var violation: Fault.Violation {
            switch self {
            case .tooLong: Fault.Violation(path: "", message: "takes too long to check against its schema.")
            case .tooDeep: Fault.Violation(path: "", message: "goes too deep to be checked against its schema.")
            }
        }
    }

    /// One step into a value.
    enum Step {
        case member(String)
        case element(Int)
    }

    init(_ table: SchemaTable, isListening: Bool = false) {
        self.table = table
        self.isListening = isListening
    }

    mutating func accepts(_ value: JSONValue) -> Bool {
        var seen: SeenParts?
        return fits(SchemaTable.root, value, &seen) && stop == nil
    }

    mutating func violations(in value: JSONValue) -> [Fault.Violation] {
        let isAccepted = accepts(value)
        if let stop { return [stop.violation] }
        if isAccepted { return [] }
        let found = findings.prefix(Limits.violations).map { Fault.Violation(path: $0.path, message: $0.message) }
        return found.isEmpty ? [Fault.Violation(path: "", message: "does not fit its schema.")] : found
    }

    /// Whether a value fits one schema of the table.
    /// - Parameter seen: if anything, what is noted of the parts that the schema looked at. Only of use if it fits.
    mutating func fits(_ schema: Int, _ value: JSONValue, _ seen: inout SeenParts?) -> Bool {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Limits.schemaNesting else {
            stop = .tooDeep
            return false
        }
        spend(1)
        guard stop == nil else { return false }
        let node = table.nodes[schema]
        let isEntered = table.isDynamic && scope.last != node.resource
        if isEntered { scope.append(node.resource) }
        defer { if isEntered { scope.removeLast() } }
        guard node.unevaluatedItems != nil || node.unevaluatedProperties != nil else {
            return fits(node.keywords, value, &seen)
        }
        var own: SeenParts? = SeenParts()
        var fits = self.fits(node.keywords, value, &own)
        if !fits, !isListening || stop != nil { return false }
        if let schema = node.unevaluatedItems, !unevaluatedItems(schema, value, &own) { fits = false }
        if let schema = node.unevaluatedProperties, !unevaluatedProperties(schema, value, &own) { fits = false }
        if let own { seen?.formUnion(own) }
        return fits
    }

    /// Whether a value has all that these keywords ask.
    mutating func fits(_ keywords: [SchemaKeyword], _ value: JSONValue, _ seen: inout SeenParts?) -> Bool {
        var fits = true
        for keyword in keywords where !self.fits(keyword, value, &seen) {
            fits = false
            if !isListening || stop != nil { return false }
        }
        return fits
    }

    private mutating func fits(_ keyword: SchemaKeyword, _ value: JSONValue, _ seen: inout SeenParts?) -> Bool {
        switch keyword {
        case .never: refuse("is not allowed here.")
        case .type(let types): types.allows(value) || refuse(unless: types.expectation)
        case .oneOfValues(let values): isOne(of: values, value)
        case .const(let wanted): isSame(value, wanted) || refuse(unless: wanted.excerpt)
        case .number(let bounds): isWithin(bounds, value)
        case .length(let least, let most): hasLength(least, most, value)
        case .pattern(let pattern): matches(pattern, value)
        case .itemCount(let least, let most): hasItems(least, most, value)
        case .uniqueItems: hasUniqueItems(value)
        case .memberCount(let least, let most): hasMembers(least, most, value)
        case .required(let names): has(names, value)
        case .dependentRequired(let entries): hasDependent(entries, value)
        case .format(let format): has(format, value)
        case .members(let schemas): members(schemas, value, &seen)
        case .propertyNames(let schema): names(schema, value)
        case .items(let prefix, let rest): items(prefix, rest, value, &seen)
        case .contains(let schema, let least, let most): contains(schema, least, most, value, &seen)
        case .allOf(let schemas): every(schemas, value, &seen)
        case .anyOf(let schemas): atLeastOne(schemas, value, &seen)
        case .oneOf(let schemas): exactlyOne(schemas, value, &seen)
        case .not(let schema): rulesOut(schema, value)
        case .condition(let test, let then, let otherwise): condition(test, then, otherwise, value, &seen)
        case .dependentSchemas(let entries): dependent(entries, value, &seen)
        case .reference(let schema): fits(schema, value, &seen)
        case .dynamicReference(let anchor, let target): fits(dynamicTarget(anchor) ?? target, value, &seen)
        }
    }

    /// The anchor of that name in the outermost resource that has one.
    private func dynamicTarget(_ anchor: String) -> Int? {
        for resource in scope {
            if let schema = table.dynamicAnchors[resource][anchor] { return schema }
        }
        return nil
    }

    // MARK: Accounts

    /// Takes steps from what is left.
    mutating func spend(_ count: Int) {
        steps -= count
        if steps <= 0, stop == nil { stop = .tooLong }
    }

    /// Notes what is wrong, if anyone listens. Always `false`.
    mutating func refuse(_ message: String, expectation: String? = nil) -> Bool {
        if isListening, findings.count < Limits.violations {
            findings.append(SchemaFinding(path: path.text, message: message, expectation: expectation))
        }
        return false
    }

    /// The same where one thing was wanted and another came.
    mutating func refuse(unless expectation: @autoclosure () -> String) -> Bool {
        guard isListening else { return false }
        let wanted = expectation()
        return refuse("must be \(wanted).", expectation: wanted)
    }

    /// Checks a part of the value under its path.
    mutating func inside(_ step: Step, _ schema: Int, _ value: JSONValue) -> Bool {
        var seen: SeenParts?
        guard isListening else { return fits(schema, value, &seen) }
        path.append(step)
        defer { path.removeLast() }
        return fits(schema, value, &seen)
    }
}

/// Something that keeps a value from fitting.
struct SchemaFinding {
    var path: String
    var message: String
    /// What should have been there, where the message says no more than that.
    var expectation: String?
}

extension [SchemaEvaluation.Step] {
    /// As callers write it: `run.command[0]`.
    var text: String {
        var text = ""
        for step in self {
            switch step {
            case .member(let name): text = text.dotted(name)
            case .element(let number): text += "[\(number)]"
            }
        }
        return text
    }
}

extension JSONValue {
    /// The value in a message: whole if it is short.
    var excerpt: String {
        let text = String(decoding: serialized(), as: UTF8.self)
        return text.utf8.count <= 80 ? text : "\(text.prefix(77))…"
    }
}
