import Protocol

/// What a broken rule of the database means to a caller: which field to correct, and how.
///
/// Operations look before they write and say it better. These are the words for the rest: for somebody who was faster
/// between the look and the write, and for a look that is missing.
struct ConstraintWords: Hashable, Sendable {
    /// What operations call the field; the first that the input has is told.
    let fields: [String]
    /// The end of a sentence about it.
    let sentence: String

    /// The words of a constraint, a unique index or a trigger by its name; `nil` for those that no caller can break.
    static func of(_ constraint: String) -> ConstraintWords? { known[constraint] }

    /// A fault in the words of whoever sent this input. What was said in such words already stays as it is.
    static func spoken(_ fault: Fault, to input: JSONValue) -> Fault {
        guard let state = fault.details?["sqlstate"]?.stringValue else { return fault }
        if let constraint = fault.details?["constraint"]?.stringValue {
            return known[constraint].map { $0.fault(constraint, input) } ?? nameless(fault)
        }
        switch state {
        case "22021", "22P05":
            return missing("must not contain U+0000.", in: input, where: hasNull) ?? nameless(fault)
        case "22003", "22008":
            return missing("is too large; give a smaller number.", in: input, where: isLarge) ?? nameless(fault)
        case "23502":
            let field = camelCased(fault.details?["column"]?.stringValue ?? "")
            return field.isEmpty ? nameless(fault) : .invalid(field, "is required.")
        default: return nameless(fault)
        }
    }

    /// By its name: a CHECK is a wrong value, what is unique or referred to is a conflict with what is there.
    private func fault(_ constraint: String, _ input: JSONValue) -> Fault {
        let field = fields.lazy.compactMap { Self.path(to: $0, in: input) }.first ?? fields.first ?? ""
        if constraint.hasPrefix("chk_") { return .invalid(field, sentence) }
        return Fault(.conflict, "\(field): \(sentence)", details: ["field": .string(field)])
    }

    /// The same without names that say nothing to a caller.
    private static func nameless(_ fault: Fault) -> Fault {
        guard case .object(var members)? = fault.details else { return fault }
        for name in ["sqlstate", "constraint", "table", "column"] { members[name] = nil }
        return Fault(fault.code, fault.message, details: members.isEmpty ? nil : .object(members))
    }

    /// Where in the input a field of this name is, at any depth.
    private static func path(to field: String, in value: JSONValue) -> String? {
        find(in: value) { path, _ in path.split(separator: ".").last.map { $0 == field } ?? false }
    }

    private static func missing(
        _ sentence: String,
        in input: JSONValue,
        where isWrong: (JSONValue) -> Bool
    ) -> Fault? {
        find(in: input) { _, value in isWrong(value) }.map { .invalid($0, sentence) }
    }

    private static func find(
        in value: JSONValue,
        at path: String = "",
        where matches: (String, JSONValue) -> Bool
    ) -> String? {
        if !path.isEmpty, matches(path, value) { return path }
        switch value {
        case .object(let members):
            for (key, member) in members.sorted(by: { $0.key < $1.key }) {
                let found = find(in: member, at: path.isEmpty ? key : "\(path).\(key)", where: matches)
                if let found { return found }
            }
        case .array(let elements):
            for (index, element) in elements.enumerated() {
                if let found = find(in: element, at: "\(path)[\(index)]", where: matches) { return found }
            }
        case .null, .bool, .integer, .number, .string: break
        }
        return nil
    }

    private static func hasNull(_ value: JSONValue) -> Bool { value.stringValue?.utf8.contains(0) ?? false }

    /// Whole numbers of the database end at 32 bits, times long before those of Swift do.
    private static func isLarge(_ value: JSONValue) -> Bool {
        switch value {
        case .integer(let number): Int32(exactly: number) == nil
        case .number(let number): abs(number) > Double(Int32.max)
        case .null, .bool, .string, .array, .object: false
        }
    }

    private static func camelCased(_ column: String) -> String {
        let words = column.split(separator: "_")
        return words.prefix(1).joined() + words.dropFirst().map(\.capital).joined()
    }

    private static let known: [String: ConstraintWords] = {
        var known: [String: ConstraintWords] = [:]
        for line in table.split(separator: "\n") {
            let parts = line.split(separator: ": ", maxSplits: 2).map(String.init)
            precondition(parts.count == 3, "A line of words is constraint: fields: sentence, not \(line)")
            let fields = parts[1].split(separator: " ").map(String.init)
            known[parts[0]] = ConstraintWords(fields: fields, sentence: parts[2])
        }
        return known
    }()
}

extension Substring {
    /// With its first letter in upper case.
    fileprivate var capital: String { prefix(1).uppercased() + dropFirst() }
}
