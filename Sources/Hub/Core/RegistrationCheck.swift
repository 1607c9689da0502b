public import Protocol

/// Reads what a spoke offers, and says of each operation that cannot be taken why not.
///
/// What is wrong with one operation keeps no other from being taken.
public struct RegistrationCheck: Sendable {
    /// Namespaces that only the hub serves: a spoke that could claim one would answer in the hub's name.
    private let reserved: Set<String>

    /// - Parameter served: Namespaces of the hub's own operations.
    public init(served: some Sequence<String>) { reserved = Set(served).union(Self.alwaysReserved) }

    /// `dev.{spoke}.…` is an address; the others are the hub's, whether or not it serves them yet.
    static let alwaysReserved: Set = ["dev", "system", "nave"]

    /// What can be taken, and what cannot.
    public struct Outcome: Hashable, Sendable {
        /// By id, each once.
        public var specs: [OperationSpec]
        public var refusals: [OperationsTaken.Refusal]

        public init(specs: [OperationSpec], refusals: [OperationsTaken.Refusal]) {
            self.specs = specs
            self.refusals = refusals
        }
    }

    public func read(_ offered: [JSONValue]) -> Outcome {
        var outcome = Outcome(specs: [], refusals: [])
        var seen: Set<String> = []
        for (place, value) in offered.enumerated() {
            var name = Self.name(of: value) ?? "the operation at \(place)"
            do throws(Fault) {
                if let path = value.pathOfNull() {
                    // Nor can a refusal that names it.
                    name = "the operation at \(place)"
                    throw .invalid(path, "must not hold the character U+0000: no database can keep it.")
                }
                guard place < Limits.operationsPerSpoke else {
                    throw Fault(.tooLarge, "A spoke offers at most \(Limits.operationsPerSpoke) operations.")
                }
                let spec = try check(try value.decoded())
                guard seen.insert(spec.id).inserted else {
                    throw Fault(.conflict, "It is offered twice; a spoke offers one version of an operation.")
                }
                outcome.specs.append(spec)
            } catch {
                // The rest of a list without end is counted, not named.
                guard outcome.refusals.count < Limits.providersNamed else { continue }
                outcome.refusals.append(.init(operation: name, code: error.code, message: error.message))
            }
        }
        outcome.specs.sort { $0.id < $1.id }
        return outcome
    }

    private static func name(of value: JSONValue) -> String? {
        guard let namespace = value["namespace"]?.stringValue, let name = value["name"]?.stringValue else { return nil }
        return String("\(namespace).\(name)".prefix(2 * Limits.operationNameBytes))
    }

    private func check(_ spec: OperationSpec) throws(Fault) -> OperationSpec {
        var violations: [Fault.Violation] = []
        func require(_ isRight: Bool, _ path: String, _ message: String) {
            if !isRight { violations.append(.init(path: path, message: message)) }
        }
        require(Self.isWord(spec.namespace), "namespace", "must be letters, digits, - and _, and begin with a letter.")
        require(
            !spec.name.isEmpty
                && spec.name.split(separator: ".", omittingEmptySubsequences: false).allSatisfy(Self.isWord),
            "name",
            "must be words of letters, digits, - and _, with dots between them."
        )
        require(Self.isVersion(spec.version), "version", "must be letters, digits, dots and -.")
        let text =
            spec.description.utf8.count + (spec.title ?? "").utf8.count
            + (spec.tags ?? []).reduce(0) { $0 + $1.utf8.count }
            + (spec.errorSchemas ?? []).reduce(0) { $0 + $1.description.utf8.count }
        require(
            text <= Limits.operationTextBytes,
            "description",
            "must have at most \(Limits.operationTextBytes) bytes with title, tags and the errors' descriptions."
        )
        let codes = spec.errorSchemas?.map(\.code) ?? []
        for (place, error) in (spec.errorSchemas ?? []).enumerated() {
            let path = "errorSchemas[\(place)]"
            for flaw in error.flaws { violations.append(.init(path: "\(path).\(flaw.field)", message: flaw.message)) }
            require(codes.firstIndex(of: error.code) == place, "\(path).code", "is declared twice.")
        }
        for (path, schema) in Self.schemas(of: spec) {
            if let message = Self.flaw(of: schema) { violations.append(.init(path: path, message: message)) }
        }
        guard violations.isEmpty else { throw .invalid(violations) }
        guard !reserved.contains(spec.namespace) else {
            throw Fault(.conflict, "The namespace “\(spec.namespace)” is the hub's own; offer it under another.")
        }
        var spec = spec
        // Who offers it is the hub's to say.
        spec.providers = nil
        return spec
    }

    private static func schemas(of spec: OperationSpec) -> [(String, JSONValue)] {
        let errors = (spec.errorSchemas ?? []).enumerated().map { ("errorSchemas[\($0)].schema", $1.schema) }
        return [("inputSchema", spec.inputSchema), ("outputSchema", spec.outputSchema)] + errors
    }

    private static func flaw(of schema: JSONValue) -> String? {
        switch schema {
        case .bool: return nil
        case .object: break
        default: return "must be a JSON Schema: an object, true or false."
        }
        if schema.serialized().count > Limits.schemaBytes {
            return "must have at most \(Limits.schemaBytes) bytes."
        }
        return schema.depth > Limits.schemaDepth ? "must be nested at most \(Limits.schemaDepth) deep." : nil
    }

    private static func isWord(_ text: some StringProtocol) -> Bool {
        guard let first = text.utf8.first, isLetter(first), text.utf8.count <= Limits.operationNameBytes else {
            return false
        }
        return text.utf8.allSatisfy {
            isLetter($0) || isDigit($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_")
        }
    }

    private static func isVersion(_ text: String) -> Bool {
        (1...Limits.operationNameBytes).contains(text.utf8.count)
            && text.utf8.allSatisfy {
                isLetter($0) || isDigit($0) || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "-")
            }
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
}

extension JSONValue {
    /// Levels of objects and lists, 0 for a plain value.
    var depth: Int {
        switch self {
        case .array(let elements): 1 + (elements.map(\.depth).max() ?? 0)
        case .object(let members): 1 + (members.values.map(\.depth).max() ?? 0)
        case .null, .bool, .integer, .number, .string: 0
        }
    }

    /// Where a text, or a name of a member, holds U+0000; `nil` if none does. What lies under such a name goes by the
    /// place of the object.
    func pathOfNull(in path: String = "") -> String? {
        switch self {
        case .string(let text): return text.utf8.contains(0) ? path : nil
        case .array(let elements):
            for (place, element) in elements.enumerated() {
                if let found = element.pathOfNull(in: "\(path)[\(place)]") { return found }
            }
            return nil
        case .object(let members):
            if members.keys.contains(where: { $0.utf8.contains(0) }) { return path }
            for (name, value) in members.sorted(by: { $0.key < $1.key }) {
                if let found = value.pathOfNull(in: path.isEmpty ? name : "\(path).\(name)") { return found }
            }
            return nil
        case .null, .bool, .integer, .number: return nil
        }
    }
}
