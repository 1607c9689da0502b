import Foundation

extension SchemaList {
    /// A table as the list or the catalogue has it: every line in one form, so that sets can be compared.
    struct Table {
        var name: String
        var columns: Set<String> = []
        var foreignKeys: Set<String> = []
        var indexes: Set<String> = []
        /// The primary key's columns; empty without one.
        var key = "id"
    }

    static func parse(_ text: String) -> [Table] {
        text.components(separatedBy: "\n\n").map { block in
            let lines = block.split(separator: "\n").map(String.init)
            let head = lines.first ?? ""
            var table = Table(name: String(head.prefix { $0 != " " }))
            if !head.hasSuffix("†") { table.columns = columns(common) }
            for line in lines.dropFirst() {
                let rest = String(line.dropFirst(2))
                switch line.first {
                case "=", "+": table.columns.formUnion(columns(rest))
                case ">": table.foreignKeys.insert(rest)
                case "i", "a": table.indexes.insert(index(rest))
                case "p": table.key = rest == "-" ? "" : squeezed(rest)
                default: preconditionFailure("The list has a line that says nothing: \(line)")
                }
            }
            return table
        }
    }

    private static func columns(_ line: String) -> Set<String> {
        Set(line.components(separatedBy: " | ").map { $0.trimmingCharacters(in: .whitespaces) })
    }

    /// An index in the form that both sides come to: its name, whether it is unique, then the rest squeezed.
    static func index(_ text: String) -> String {
        let name = text.prefix { $0 != " " }
        return "\(name) \(squeezed(text.dropFirst(name.count)))"
    }

    /// SQL without what Postgres writes otherwise than people do: casts, brackets, blanks, and lists as arrays.
    static func squeezed(_ text: some StringProtocol) -> String {
        let plain = String(text).replacing(/::[a-z]+(\[\])?/, with: "").replacing(/= ANY \(ARRAY/, with: "IN ")
        return plain.lowercased().filter { !"()[] \n".contains($0) }
    }

    /// A column as the catalogue tells it, in the list's form.
    static func column(_ name: String, _ type: String, isNull: Bool, _ standard: String) -> String {
        let short = [
            "timestamp with time zone": "timestamptz", "integer": "int", "boolean": "bool",
            "double precision": "float8",
        ]
        let value = standard.replacing(/::[a-z]+(\[\])?/, with: "")
        return "\(name) \(short[type] ?? type)\(isNull ? "" : "!")\(value.isEmpty ? "" : " \(value)")"
    }
}
