import Foundation
import HubDomains
import Protocol
import TestSupport
import Testing

/// The pages that follow from the hub's code say what the code says. `make docs` writes them anew.
struct DocumentTests {
    @Test func thePageOfOperationsIsWhatTheTableSays() async throws {
        let hub = try await TestHub.make()
        let page = OperationPages.page(hub.domains.table.specs)
        #expect(try WrittenPage.difference(of: "docs/operations.md", from: page) == nil)
        await hub.close()
    }

    /// What breaks a promise is not written down: either the operation gets another version, or whoever takes it away
    /// takes its line away, too.
    @Test func noOperationChangesIncompatiblyUnderItsVersion() async throws {
        let hub = try await TestHub.make()
        let specs = hub.domains.table.specs
        let former = try OperationHistory.specs(in: (try? WrittenPage.text(OperationHistory.path)) ?? "")
        let broken = OperationHistory.broken(specs, since: former)
        #expect(broken.isEmpty, "Callers of the former fail; give these another version (RemoteOperation.version).")
        if broken.isEmpty {
            let text = OperationHistory.text(specs)
            #expect(try WrittenPage.difference(of: OperationHistory.path, from: text) == nil)
            #expect(try OperationHistory.specs(in: text).map(\.id) == specs.map(\.id))
        }
        await hub.close()
    }

    @Test func whatTakesMoreOrAnswersLessIsNamedWithItsPath() throws {
        var one = ListProjects.spec
        let former = try OperationHistory.specs(in: OperationHistory.text([one]))
        #expect(OperationHistory.broken([one], since: former).isEmpty)
        func changed(_ change: (inout OperationSpec) -> Void) -> [String] {
            var other = one
            change(&other)
            return OperationHistory.broken([other], since: former)
        }
        func with(_ schema: JSONValue, _ key: String, _ value: JSONValue?) -> JSONValue {
            guard case .object(var members) = schema else { return schema }
            members[key] = value
            return .object(members)
        }
        #expect(changed { $0.description = "Says it better." }.isEmpty)
        let needs = changed { $0.inputSchema = with($0.inputSchema, "required", ["limit"]) }
        #expect(needs.count == 1 && needs.first?.contains("inputSchema") == true, "\(needs)")
        let takesBack = changed { $0.outputSchema = with($0.outputSchema, "properties", [:]) }
        #expect(takesBack.count == 1 && takesBack.first?.contains("outputSchema") == true, "\(takesBack)")
        #expect(changed { $0.accessControl = .scopes("x:admin") } == ["project.list: accessControl"])
        #expect(changed { ($0.type, $0.version) = (.mutation, "2") }.isEmpty)
        one.name = "other"
        #expect(OperationHistory.broken([one], since: former) == ["project.list is gone"])
    }

    @Test func thePageOfTheSchemaIsWhatAMigratedDatabaseSays() async throws {
        let hub = try await TestHub.make()
        let page = try await SchemaPages.page(hub.database)
        #expect(page.contains("## session_output"))
        #expect(try WrittenPage.difference(of: "docs/schema.md", from: page) == nil)
        await hub.close()
    }

    @Test func thePageOfLimitsIsWhatTheSourcesSay() throws {
        let page = try LimitPages.page()
        #expect(page.contains("| `frameBytes` | 1 MiB |"))
        #expect(try WrittenPage.difference(of: "docs/limits.md", from: page) == nil)
    }

    @Test func theIndexOfDecisionsNamesEachOne() throws {
        let folder = WrittenPage.root.appending(path: "docs/decisions")
        let files = try FileManager.default.contentsOfDirectory(atPath: folder.path)
            .filter { $0.hasSuffix(".md") && $0 != "README.md" }.sorted()
        let rows = try files.map { file -> [String] in
            let text = try WrittenPage.text("docs/decisions/\(file)")
            let title = try #require(text.firstMatch(of: #/^# 0*(\d+)[.:] (.+)/#), "\(file) opens with no “# N. Title”")
            let status = try #require(text.firstMatch(of: #/Status: (\w+)/#), "\(file) names no status")
            #expect(
                file.hasPrefix(String(repeating: "0", count: 4 - title.1.count) + title.1 + "-"),
                "\(file) is misnumbered"
            )
            return [String(title.1), "[\(title.2)](\(file))", String(status.1)]
        }
        let page = """
            # Decisions

            <!-- Written by `make docs` from the pages beside it; a test keeps it true. Do not edit. -->

            What someone may want to undo later, and why it is as it is. One page each: context, decision, consequences.


            """
        let text = page + WrittenPage.table(["", "decision", "status"], rows)
        #expect(try WrittenPage.difference(of: "docs/decisions/README.md", from: text) == nil)
    }

    @Test func thePageOfMetricsExplainsEachOne() throws {
        let source = try WrittenPage.text("Sources/Hub/Server/HTTP/MetricsPage.swift")
        let page = try WrittenPage.text("docs/metrics.md")
        let counted = Set(source.matches(of: #/"(nave_\w+)"/#).map { String($0.1) })
        let explained = Set(page.matches(of: #/nave_[a-z_]+/#).map { String($0.0) })
        #expect(counted.count >= 10)
        #expect(counted == explained, "differ: \(counted.symmetricDifference(explained).sorted())")
    }

    @Test func everyLinkOfThePagesLeadsToAFile() throws {
        let root = WrittenPage.root
        let walker = FileManager.default.enumerator(at: root.appending(path: "docs"), includingPropertiesForKeys: nil)
        let below = (walker?.compactMap { $0 as? URL } ?? []).filter { $0.pathExtension == "md" }
        let others = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "deploy/README.md"].map {
            root.appending(path: $0)
        }
        for page in below + others {
            // What stands in code, such as a pattern of a CHECK, is no link.
            let text = try String(contentsOf: page, encoding: .utf8).replacing(#/`[^`\n]*`/#, with: "")
            for link in text.matches(of: #/\]\(([^)#:\s]+)(?:#[^)]*)?\)/#) {
                let target = page.deletingLastPathComponent().appending(path: String(link.1)).standardizedFileURL.path
                let isThere = FileManager.default.fileExists(atPath: target)
                #expect(isThere, "\(page.lastPathComponent) links to \(link.1), which is not there")
            }
        }
    }
}
