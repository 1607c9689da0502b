import Foundation
import Protocol
import Testing

/// The official test suite of JSON Schema 2020-12, required part.
///
/// It is not part of this repository: the variable `JSON_SCHEMA_SUITE` names its folder, else it is looked for beside
/// the clone, in `../shared/data/json-schema-2020-12`. Without it these tests are shown as skipped, with that reason,
/// and ``SchemaTests`` still holds the validator to the cases of our own. Set the variable, as continuous integration
/// may, to make a missing folder a failure.
@Suite(.enabled(if: SchemaSuite.isWanted, "The official suite of JSON Schema was not found; set JSON_SCHEMA_SUITE."))
struct SchemaSuiteTests {
    /// Cases that are answered otherwise, by file, group and case, with the reason of each. There are none.
    static let exceptions: [String: String] = [:]

    @Test func theOfficialSuiteIsAnsweredAsItsAuthorsSay() throws {
        let suite = try SchemaSuite()
        var (count, wrong): (Int, [String]) = (0, [])
        for group in suite.groups {
            let options = JSONSchema.Options { suite.remotes[$0] }
            let schema: JSONSchema
            do throws(Fault) {
                schema = try JSONSchema(group.schema, options)
            } catch {
                wrong += group.cases.map { "\(group.name): \($0.name): \(error)" }
                count += group.cases.count
                continue
            }
            for sample in group.cases {
                count += 1
                let (accepts, found) = (schema.accepts(sample.value), schema.violations(in: sample.value))
                if accepts != sample.isValid || found.isEmpty != sample.isValid {
                    wrong.append("\(group.name): \(sample.name): \(found)")
                }
            }
        }
        #expect(count == 1_299, "The suite has another number of cases than when it was taken.")
        for name in wrong where !Self.exceptions.keys.contains(where: name.hasPrefix) { Issue.record("\(name)") }
        for name in Self.exceptions.keys where !wrong.contains(where: { $0.hasPrefix(name) }) {
            Issue.record("\(name) is no exception any more")
        }
        #expect(wrong.count * 100 <= count)
    }
}

/// The files of the suite.
struct SchemaSuite {
    struct Group {
        let name: String
        let schema: JSONValue
        let cases: [(name: String, value: JSONValue, isValid: Bool)]
    }

    private(set) var groups: [Group] = []
    /// Documents by the URI under which the schemas refer to them.
    private(set) var remotes: [String: JSONValue] = [:]

    private static let named = ProcessInfo.processInfo.environment["JSON_SCHEMA_SUITE"]

    static let folder: URL = {
        if let named { return URL(filePath: named) }
        let package = URL(filePath: #filePath).appending(path: "../../..").standardized
        return package.appending(path: "../shared/data/json-schema-2020-12").standardized
    }()

    /// It is there, or somebody said that it is.
    static let isWanted = named != nil || FileManager.default.fileExists(atPath: folder.path)

    init() throws {
        for file in try Self.files(in: Self.folder) {
            let groups = try #require(try Self.json(file).arrayValue)
            self.groups += try groups.map { group in
                Group(
                    name: "\(file.lastPathComponent): \(group["description"]?.stringValue ?? "")",
                    schema: try #require(group["schema"]),
                    cases: try #require(group["tests"]?.arrayValue).map {
                        ($0["description"]?.stringValue ?? "", try #require($0["data"]), $0["valid"] == true)
                    }
                )
            }
        }
        let root = Self.folder.appending(path: "remotes")
        let paths = try #require(FileManager.default.enumerator(atPath: root.path)).compactMap { $0 as? String }
        for path in paths where path.hasSuffix(".json") {
            remotes["http://localhost:1234/\(path)"] = try Self.json(root.appending(path: path))
        }
    }

    private static func files(in folder: URL) throws -> [URL] {
        try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
            .filter { $0.pathExtension == "json" }.sorted { $0.path < $1.path }
    }

    private static func json(_ file: URL) throws -> JSONValue {
        try JSONValue(parsing: [UInt8](Data(contentsOf: file)))
    }
}
