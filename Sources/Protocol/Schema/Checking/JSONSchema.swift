/// A JSON Schema (draft 2020-12), compiled once and ready to check any number of values from anywhere.
///
///     let schema = try JSONSchema(["type": "object", "required": ["path"]])
///     try schema.check(input)                // VALIDATION_ERROR that names each path
///
/// All of the required vocabularies are checked; `format` is an annotation unless it is asked for. Nothing is fetched:
/// documents that the schema refers to come from the resolver or are refused. Hostile schemas and values are bounded
/// by ``Limits/schemaNodes``, ``Limits/schemaNesting`` and ``Limits/schemaSteps``; patterns run in linear time.
public struct JSONSchema: Sendable {
    let table: SchemaTable

    /// How a schema is to be read.
    public struct Options: Sendable {
        /// The path that violations of the schema itself begin with, such as `inputSchema`.
        public var path: String
        /// Whether `format` refuses what does not have it. Unknown formats never refuse anything.
        public var assertsFormats: Bool
        /// The base URI where the schema has no `$id`.
        public var uri: String
        /// Finds a document by its absolute URI, without fragment; must not take long.
        public var resolver: @Sendable (String) -> JSONValue?

        public init(
            path: String = "",
            assertsFormats: Bool = false,
            uri: String = "",
            resolver: @escaping @Sendable (String) -> JSONValue? = { _ in nil }
        ) {
            self.path = path
            self.assertsFormats = assertsFormats
            self.uri = uri
            self.resolver = resolver
        }
    }

    /// Compiles a schema.
    /// - Throws: `VALIDATION_ERROR` that names each keyword which is not as its metaschema has it, references that
    ///   lead nowhere or in a circle, patterns that cannot be checked and vocabularies that are not known;
    ///   `TOO_LARGE` if it has too many parts.
    public init(_ schema: JSONValue, _ options: Options = Options()) throws(Fault) {
        try Self.checkForm(of: schema, options)
        table = try SchemaCompiler.table(of: schema, options)
    }

    /// Compiles a metaschema: its own form is not checked.
    init(metaschema: JSONValue, _ options: Options) throws(Fault) {
        table = try SchemaCompiler.table(of: metaschema, options)
    }

    /// Whether a value fits.
    public func accepts(_ value: JSONValue) -> Bool {
        var evaluation = SchemaEvaluation(table)
        return evaluation.accepts(value)
    }

    /// Everything that keeps a value from fitting, at most ``Limits/violations``; none if it fits.
    public func violations(in value: JSONValue) -> [Fault.Violation] {
        var first = SchemaEvaluation(table)
        if first.accepts(value) { return [] }
        if let stop = first.stop { return [stop.violation] }
        var second = SchemaEvaluation(table, isListening: true)
        return second.violations(in: value)
    }

    /// - Throws: `VALIDATION_ERROR` with all ``violations(in:)``.
    public func check(_ value: JSONValue) throws(Fault) {
        let violations = violations(in: value)
        if !violations.isEmpty { throw .invalid(violations) }
    }

    /// The URI of the dialect that is meant where a schema names none.
    public static let dialect = "https://json-schema.org/draft/2020-12/schema"

    /// What a schema must be to be one.
    private static func checkForm(of schema: JSONValue, _ options: Options) throws(Fault) {
        let found: [Fault.Violation]
        if let uri = schema["$schema"]?.stringValue, uri != dialect, uri != dialect + "#" {
            guard let document = Metaschemas.document(uri) ?? options.resolver(uri) else {
                throw .invalid(options.path.dotted("$schema"), "must be \(dialect), or be left out.")
            }
            found = try JSONSchema(metaschema: document, options).violations(in: schema)
        } else {
            found = Metaschemas.standard.violations(in: schema)
        }
        guard !found.isEmpty else { return }
        throw .invalid(found.map { Fault.Violation(path: options.path.joined($0.path), message: $0.message) })
    }
}

extension String {
    /// The path of a member of what has this path, for people: of a long name its beginning.
    func dotted(_ name: String) -> String {
        let shown = name.cut(toBytes: Limits.shownNameBytes)
        return isEmpty ? shown : "\(self).\(shown)"
    }

    /// This path and one that goes on from it.
    func joined(_ path: String) -> String {
        if isEmpty || path.isEmpty { return self + path }
        return path.hasPrefix("[") ? self + path : "\(self).\(path)"
    }
}
