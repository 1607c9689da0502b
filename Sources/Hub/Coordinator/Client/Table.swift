import Foundation
import Protocol

/// Rows for people: columns as wide as they need to be; what is cut says so.
struct Table {
    private let header: [String]
    private var rows: [[String]] = []

    init(_ header: String...) { self.header = header }

    mutating func add(_ cells: String...) { rows.append(cells) }

    /// The table as text, or `empty` if it has no rows.
    func text(empty: String) -> String {
        guard !rows.isEmpty else { return empty }
        let lines = [header] + rows
        let widths = header.indices.map { column in lines.map { $0[column].count }.max() ?? 0 }
        return lines.map { cells in
            zip(cells, widths).map { cell, width in cell + String(repeating: " ", count: width - cell.count) }
                .joined(separator: "  ").trimmingTrailingSpaces()
        }.joined(separator: "\n")
    }
}

extension String {
    /// The text on one line of at most this many characters; a mark stands for what is left out.
    func cut(to width: Int) -> String {
        let line = split(whereSeparator: \.isNewline).joined(separator: " ")
        return line.count <= width ? line : line.prefix(max(0, width - 1)) + "…"
    }

    fileprivate func trimmingTrailingSpaces() -> String {
        var text = self[...]
        while text.last == " " { text.removeLast() }
        return String(text)
    }
}

extension JSONValue {
    /// The value below a path of names such as `session.status`.
    func at(_ path: String) -> JSONValue? {
        path.split(separator: ".").reduce(self as JSONValue?) { value, name in value?[String(name)] }
    }

    /// The value below a path as a cell of a table; `-` where there is none.
    func cell(_ path: String) -> String {
        switch at(path) {
        case nil, .null?: "-"
        case .string(let text)?: text.isEmpty ? "-" : text
        case .integer(let number)?: String(number)
        case .number(let number)?: String(number)
        case .bool(let flag)?: flag ? "yes" : "no"
        case .array(let values)?: values.compactMap(\.stringValue).joined(separator: ",")
        case .object(let members)?:
            members.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value.stringValue ?? "…")" }.joined(separator: ",")
        }
    }

    /// How long ago a time was, as `12s`, `3m`, `4h`, `2d`; `-` where there is none.
    func age(_ path: String, now: Date = Date()) -> String {
        guard let text = at(path)?.stringValue, let date = Date(wireText: text) else { return "-" }
        let seconds = max(0, Int(now.timeIntervalSince(date)))
        return switch seconds {
        case ..<60: "\(seconds)s"
        case ..<3_600: "\(seconds / 60)m"
        case ..<86_400: "\(seconds / 3_600)h"
        default: "\(seconds / 86_400)d"
        }
    }
}
