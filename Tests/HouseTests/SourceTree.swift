import Foundation

/// The project's own text, as the house rules read it.
struct SourceFile {
    /// Relative to the package, with `/`.
    let path: String
    let lines: [String]

    var text: String { lines.joined(separator: "\n") }

    /// The package's root, found from where this file was compiled.
    static let root: URL = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// Every file below some folders whose name ends in one of the extensions.
    static func all(below folders: [String], extensions: Set<String> = ["swift"]) throws -> [SourceFile] {
        try folders.flatMap { folder in
            let walker = FileManager.default.enumerator(
                at: root.appending(path: folder),
                includingPropertiesForKeys: nil
            )
            return try (walker?.compactMap { $0 as? URL } ?? [])
                .filter { extensions.contains($0.pathExtension) && !$0.path.contains("/.build/") }
                .map { try SourceFile(at: $0) }
        }
    }

    init(at url: URL) throws {
        path = String(url.standardizedFileURL.path.dropFirst(Self.root.standardizedFileURL.path.count))
            .trimmingCharacters(in: CharacterSet(charactersIn: "/"))
        lines = try String(contentsOf: url, encoding: .utf8).components(separatedBy: "\n")
    }
}
