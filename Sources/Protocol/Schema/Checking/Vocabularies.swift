/// Which groups of keywords a dialect has (`$vocabulary` of its metaschema).
struct Vocabularies: OptionSet, Hashable, Sendable {
    let rawValue: UInt8
    static let core = Vocabularies(rawValue: 1)
    static let applicator = Vocabularies(rawValue: 2)
    static let unevaluated = Vocabularies(rawValue: 4)
    static let validation = Vocabularies(rawValue: 8)
    static let formatAssertion = Vocabularies(rawValue: 16)
    /// Known, and without effect on what fits.
    static let annotations = Vocabularies(rawValue: 32)

    /// Those of the standard dialect.
    static let standard: Vocabularies = [.core, .applicator, .unevaluated, .validation, .annotations]

    private static let known: [String: Vocabularies] = [
        "core": .core, "applicator": .applicator, "unevaluated": .unevaluated, "validation": .validation,
        "format-assertion": .formatAssertion, "format-annotation": .annotations, "meta-data": .annotations,
        "content": .annotations,
    ]

    /// What a metaschema declares.
    /// - Throws: the URI of a vocabulary that is required and not known.
    init(declaredBy metaschema: JSONValue) throws(Unknown) {
        guard case .object(let declared)? = metaschema["$vocabulary"] else {
            self = .standard
            return
        }
        self = .core
        for (uri, isRequired) in declared.sorted(by: { $0.key < $1.key }) {
            let prefix = "https://json-schema.org/draft/2020-12/vocab/"
            if uri.hasPrefix(prefix), let vocabulary = Self.known[String(uri.dropFirst(prefix.count))] {
                formUnion(vocabulary)
            } else if isRequired == true {
                throw Unknown(uri: uri)
            }
        }
    }

    init(rawValue: UInt8) { self.rawValue = rawValue }

    /// A vocabulary without which the schema must not be read.
    struct Unknown: Error {
        let uri: String
    }
}
