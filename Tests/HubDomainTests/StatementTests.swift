import Foundation
import Postgres
import Protocol
import Testing

/// Every statement of every store, as the sources have it, against the migrated database: it prepares, and it answers
/// with the columns that its row reads.
struct StatementTests {
    struct Found {
        let place: String
        let row: String
        let sql: String
    }

    static let sources = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Sources/Hub/Domains")

    static func texts() throws -> [(name: String, text: String)] {
        let files = FileManager.default.enumerator(at: sources, includingPropertiesForKeys: nil)
        let swift = files?.compactMap { $0 as? URL }.filter { $0.pathExtension == "swift" } ?? []
        return try swift.map { ($0.lastPathComponent, try String(contentsOf: $0, encoding: .utf8)) }
    }

    static func statements(in text: String, named name: String) -> [Found] {
        let pattern = #/static let (\w+) = Statement<([^>]+)>\(\s*(?:"""\n([\s\S]*?)\n\s*"""|"([^"\n]*)")/#
        return text.matches(of: pattern).map { match in
            Found(
                place: "\(name) \(match.1)",
                row: String(match.2.split(separator: ".").last ?? ""),
                sql: String(match.3 ?? match.4 ?? "")
            )
        }
    }

    /// The columns that each row type reads, by the type's name.
    static func columns(in texts: [String]) -> [String: Set<String>] {
        var columns: [String: Set<String>] = [:]
        for text in texts {
            // Up to the brace that stands as deep as the declaration does.
            let pattern =
                #/(?m)^( *)(?:public )?(?:extension|struct) (?:\w+\.)*(\w+): [\w, ]*RowDecodable[\s\S]*?\n\1\}/#
            for match in text.matches(of: pattern) {
                let names = match.0.matches(of: #/row(?:\[|\.json\(|\.hash\()"(\w+)"/#).map { String($0.1) }
                columns[String(match.2), default: []].formUnion(names)
            }
        }
        return columns
    }

    @Test func everyStatementPreparesAndAnswersWhatItsRowReads() async throws {
        let hub = try await TestHub.make()
        let texts = try Self.texts()
        let read = Self.columns(in: texts.map(\.text))
        let statements = texts.flatMap { Self.statements(in: $0.text, named: $0.name) }
        #expect(statements.count >= 35, "the sources were not found")
        for statement in statements {
            do {
                let described = try await hub.database.describe(statement.sql)
                let names = Set(described.columns.map(\.name))
                switch statement.row {
                case "Void": #expect(names.isEmpty, "\(statement.place) answers rows that nobody reads")
                case "String", "Int", "Int64", "Bool", "Date":
                    #expect(described.columns.count == 1, "\(statement.place) must answer one column")
                default:
                    let wanted = read[statement.row] ?? []
                    #expect(!wanted.isEmpty, "\(statement.place): nothing is known of \(statement.row)")
                    #expect(wanted.isSubset(of: names), "\(statement.place) lacks \(wanted.subtracting(names))")
                }
            } catch {
                Issue.record("\(statement.place): \(error)")
            }
        }
        await hub.close()
    }
}
