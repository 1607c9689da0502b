import Foundation
import Protocol
import TestSupport
import Testing

/// `docs/protocol.md` shows the messages that the fixtures hold, every one of them.
@Suite struct DocumentTests {
    @Test func thePageOfTheProtocolShowsTheFixtures() throws {
        let page = try WrittenPage.text("docs/protocol.md")
        let folder = WrittenPage.root.appending(path: "Tests/ProtocolTests/Fixtures")
        var missing = Set(try FileManager.default.contentsOfDirectory(atPath: folder.path))
        var written = ""
        var rest = page[...]
        while let mark = rest.firstMatch(of: #/<!-- fixture: (\S+) -->\n```\w*\n[\s\S]*?```/#) {
            let file = String(mark.1)
            missing.remove(file)
            let text = try WrittenPage.text("Tests/ProtocolTests/Fixtures/\(file)")
            written += rest[..<mark.range.lowerBound] + "<!-- fixture: \(file) -->\n" + (try Self.block(text, file))
            rest = rest[mark.range.upperBound...]
        }
        written += rest
        #expect(missing.isEmpty, "no example in docs/protocol.md")
        #expect(try WrittenPage.difference(of: "docs/protocol.md", from: written) == nil)
    }

    private static func block(_ fixture: String, _ file: String) throws -> String {
        let text = fixture.trimmingCharacters(in: .whitespacesAndNewlines)
        if file.hasSuffix(".hex") {
            let lines = stride(from: 0, to: text.count, by: 64).map { start in
                String(text.dropFirst(start).prefix(64))
            }
            return "```\n\(lines.joined(separator: "\n"))\n```"
        }
        return "```json\n\(indented(try JSONValue(parsing: Array(text.utf8))))\n```"
    }

    /// JSON for people: a member a line at the top and in the payload, compact below.
    private static func indented(_ value: JSONValue, depth: Int = 0) -> String {
        guard depth < 2, case .object(let members) = value, !members.isEmpty else {
            return String(decoding: value.serialized(), as: UTF8.self)
        }
        let room = String(repeating: "  ", count: depth + 1)
        let order = ["type": "0", "id": "1"]
        let lines = members.sorted { (order[$0.key] ?? $0.key) < (order[$1.key] ?? $1.key) }
            .map { "\(room)\"\($0.key)\": \(indented($0.value, depth: depth + 1))" }
        return "{\n\(lines.joined(separator: ",\n"))\n\(room.dropLast(2))}"
    }
}
