public import Foundation

/// A page of the documentation that follows from the code: compared with what the code says, and written anew when
/// `NAVE_WRITE_DOCS` is 1 (`make docs`).
public enum WrittenPage {
    /// The package's root, found from where this file was compiled.
    public static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// The text of one of the project's files.
    public static func text(_ path: String) throws -> String {
        try String(contentsOf: root.appending(path: path), encoding: .utf8)
    }

    /// Where the page differs from what it should say; `nil` when it does not, or was written.
    ///
    /// - Parameter path: relative to the package, such as `docs/operations.md`.
    public static func difference(of path: String, from wanted: String) throws -> String? {
        let file = root.appending(path: path)
        // A page that is not there differs from its first line on.
        let found = (try? String(contentsOf: file, encoding: .utf8)) ?? ""
        if found == wanted { return nil }
        if ProcessInfo.processInfo.environment["NAVE_WRITE_DOCS"] == "1" {
            try Data(wanted.utf8).write(to: file)
            return nil
        }
        let (old, new) = (found.components(separatedBy: "\n"), wanted.components(separatedBy: "\n"))
        let line = zip(old, new).prefix { $0 == $1 }.count
        let (here, there) = (line < old.count ? old[line] : "", line < new.count ? new[line] : "")
        return "\(path):\(line + 1) says “\(here)”, the code says “\(there)”; `make docs` writes it anew."
    }

    /// A cell of a Markdown table.
    public static func cell(_ text: String) -> String {
        text.replacing("|", with: "\\|").replacing("\n", with: " ")
    }

    /// A Markdown table.
    public static func table(_ heads: [String], _ rows: [[String]]) -> String {
        let line = { (cells: [String]) in "| " + cells.map(cell).joined(separator: " | ") + " |\n" }
        return line(heads) + line(heads.map { _ in "---" }) + rows.map(line).joined()
    }
}
