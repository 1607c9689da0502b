import Foundation
import Protocol

/// Which files a tool is told to change. Programs that tools run change files, too; those nobody names.
enum ToolFiles {
    /// Words in the names of tools that change files.
    private static let deeds = [
        "edit", "write", "create", "patch", "replace", "delete", "remove", "move", "rename", "insert", "notebook",
    ]
    /// Words in the names of tools that only look, whatever else their names say.
    private static let looks = ["todo", "read", "search", "grep", "glob", "list", "memory", "task", "issue", "comment"]
    private static let fields = [
        "file_path", "filePath", "path", "notebook_path", "notebookPath", "filename", "file", "destination",
        "new_path", "target_file",
    ]

    /// The files that a call changes, by the tool's name and input.
    static func changed(by tool: String, _ input: JSONValue) -> [String] {
        // Of `mcp__files__write_file`, only what stands behind the server's name.
        let name = (tool.components(separatedBy: "__").last ?? tool).lowercased()
        guard deeds.contains(where: name.contains), !looks.contains(where: name.contains),
            input["command"]?.stringValue != "view"
        else { return [] }
        let named = fields.compactMap { input[$0]?.stringValue }
        let many = ["edits", "files"].flatMap { input[$0]?.arrayValue ?? [] }
            .compactMap { $0.stringValue ?? $0["file_path"]?.stringValue ?? $0["path"]?.stringValue }
        let patches = ["patch", "input", "diff"].compactMap { input[$0]?.stringValue }.flatMap(files(ofPatch:))
        return (named + many + patches).filter { !$0.isEmpty && !$0.contains("\n") }
    }

    /// The files of a part that is a patch.
    static func named(inPatch data: JSONValue) -> [String] {
        let named = fields.compactMap { data[$0]?.stringValue }
        let many = (data["files"]?.arrayValue ?? []).compactMap { $0.stringValue ?? $0["path"]?.stringValue }
        let patches = ["patch", "diff", "text"].compactMap { data[$0]?.stringValue }.flatMap(files(ofPatch:))
        return (named + many + patches).filter { !$0.isEmpty && !$0.contains("\n") }
    }

    /// Lines `+++ b/PATH`, and `*** Update File: PATH` with its kin.
    private static func files(ofPatch text: String) -> [String] {
        text.split(separator: "\n").compactMap { line in
            if line.hasPrefix("+++ b/") { return String(line.dropFirst(6)) }
            guard line.hasPrefix("*** "), let colon = line.firstRange(of: " File: ") else { return nil }
            return String(line[colon.upperBound...])
        }
    }
}
