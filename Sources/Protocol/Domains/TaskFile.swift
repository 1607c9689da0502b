import Foundation

/// A task as a Markdown file: front matter with what is known of it, then what is to be done.
///
///     ---
///     id: passkey-login
///     name: Log in with a passkey
///     depends_on: [session-store]
///     risk: high
///     ---
///
///     Ask the browser for a credential …
///
/// Names of fields are those of ``TaskEntry``, also in the spelling with `_`.
public enum TaskFile {
    /// Reads a file. A field that no task has is passed over: other tools keep notes of their own there.
    ///
    /// - Parameter path: below the directory that is read; the file's stem is the task's id unless it names another.
    /// - Throws: `VALIDATION_ERROR` with the line.
    public static func entry(from text: String, path: String) throws(Fault) -> TaskEntry {
        let matter = try FrontMatter(text)
        let reader = Reader(path: path, fields: matter.fields)
        let stem = path.split(separator: "/").last.map { $0.hasSuffix(".md") ? $0.dropLast(3) : $0 } ?? ""
        let id = try reader.text("id") ?? String(stem)
        var entry = TaskEntry(id: id, name: try reader.text("name") ?? id)
        entry.dependsOn = try reader.list("dependson") ?? []
        entry.status = try reader.word("status")
        entry.scope = try reader.word("scope")
        entry.risk = try reader.word("risk")
        entry.impact = try reader.word("impact")
        entry.level = try reader.word("level")
        entry.priority = try reader.word("priority")
        entry.tags = try reader.list("tags") ?? []
        entry.assignee = try reader.text("assignee")
        entry.due = try reader.date("due")
        entry.path = path
        entry.body = matter.body.isEmpty ? nil : matter.body
        return entry
    }

    /// Writes the file that ``entry(from:path:)`` reads.
    public static func text(of entry: TaskEntry) -> String {
        var lines = ["---"]
        func add(_ name: String, _ value: String?) {
            if let value { lines.append("\(name): \(FrontMatter.scalar(value))") }
        }
        func add(_ name: String, _ values: [String]?) {
            guard let values, !values.isEmpty else { return }
            lines.append("\(name): [\(values.map { FrontMatter.scalar($0, inList: true) }.joined(separator: ", "))]")
        }
        add("id", entry.id)
        add("name", entry.name)
        add("status", entry.status?.rawValue)
        add("depends_on", entry.dependsOn)
        add("scope", entry.scope?.rawValue)
        add("risk", entry.risk?.rawValue)
        add("impact", entry.impact?.rawValue)
        add("level", entry.level?.rawValue)
        add("priority", entry.priority?.rawValue)
        add("tags", entry.tags)
        add("assignee", entry.assignee)
        add("due", entry.due?.wireText)
        lines.append("---")
        return lines.joined(separator: "\n") + "\n" + (entry.body.map { "\n" + $0 } ?? "")
    }

    /// Where the task's file belongs, below a directory.
    public static func path(of entry: TaskEntry) -> String { entry.path ?? entry.id + ".md" }

    /// Whether a path stays below the directory that it is put in.
    public static func staysBelow(_ path: String) -> Bool {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        return !path.isEmpty && parts.allSatisfy { !$0.isEmpty && $0 != "." && $0 != ".." && !$0.utf8.contains(0) }
    }

    /// Takes fields out of the front matter, each in its type.
    private struct Reader {
        let path: String
        var fields: [String: FrontMatter.Field]

        init(path: String, fields: [FrontMatter.Field]) {
            self.path = path
            let named = fields.map { ($0.name.replacing("_", with: "").lowercased(), $0) }
            self.fields = Dictionary(named, uniquingKeysWith: { $1 })
        }

        func text(_ name: String) throws(Fault) -> String? {
            guard let field = fields[name] else { return nil }
            switch field.value {
            case .none: return nil
            case .text(let text): return text
            case .list: throw refusal(field, "must be a text, not a list")
            }
        }

        func list(_ name: String) throws(Fault) -> [String]? {
            guard let field = fields[name] else { return nil }
            switch field.value {
            case .none: return []
            case .text(let text): return [text]
            case .list(let texts): return texts
            }
        }

        func word<Word: RawRepresentable & CaseIterable>(_ name: String) throws(Fault) -> Word?
        where Word.RawValue == String {
            guard let field = fields[name], let text = try text(name) else { return nil }
            if let word = Word(rawValue: text.lowercased().replacing("_", with: "-")) { return word }
            let words = Word.allCases.map(\.rawValue).joined(separator: ", ")
            throw refusal(field, "must be one of \(words), not “\(text.prefix(40))”")
        }

        func date(_ name: String) throws(Fault) -> Date? {
            guard let field = fields[name], let text = try text(name) else { return nil }
            if let date = Date(wireText: text) ?? Date(wireText: text + "T00:00:00Z") { return date }
            throw refusal(field, "must be a day or a time such as 2026-01-31T12:00:00.000Z")
        }

        private func refusal(_ field: FrontMatter.Field, _ message: String) -> Fault {
            .invalid("\(path):\(field.line)", "\(field.name) \(message).")
        }
    }
}
