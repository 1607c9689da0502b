import Foundation
import Postgres
import Protocol
import Testing

@testable import HubDomains

/// Every list is read page by page, each row once, by where the last page ended and never by counting rows off.
struct ListTests {
    /// What lists besides their filters need to be asked about.
    static let inputs: [String: [String: JSONValue]] = [
        "org.members": ["org": "ops"], "task.dependency.list": ["projectId": "app"], "task.ready": ["projectId": "app"],
        "task.export": ["projectId": "app"], "session.messages": ["sessionId": "talks"],
        "session.parts": ["sessionId": "talks"],
    ]
    /// Lists that are answered whole, and why.
    static let whole: [String: String] = [
        "operation.search": "the best few, as many as asked for"
    ]

    @Test func everyListGoesOnWhereItsLastPageEnded() async throws {
        let hub = try await TestHub.make()
        try await stage(hub)
        var paged: [String] = []
        for spec in hub.domains.table.specs where spec.inputSchema["properties"]?["cursor"] != nil {
            let input = Self.inputs[spec.id] ?? [:]
            let name = Comment(rawValue: spec.id)
            #expect(spec.inputSchema["properties"]?["limit"] != nil, name)
            #expect(spec.outputSchema["properties"]?["nextCursor"] != nil, name)
            let all = try await rows(hub, spec.id, input)
            var found: [String] = []
            var cursor: JSONValue?
            var pages = 0
            repeat {
                var asked = input.merging(["limit": 1]) { $1 }
                asked["cursor"] = cursor
                let page = try await rows(hub, spec.id, asked)
                found += page.rows
                cursor = page.next
                pages += 1
            } while cursor != nil && pages < 1_000
            #expect(found == all.rows, name)
            #expect(Set(found).count == found.count, name)
            #expect(all.rows.count >= 2, "\(spec.id) has too little to be paged")
            for wrong: JSONValue in ["x", .string(PageCursor.text(["1", "2", "3", "4", "5"]))] {
                do {
                    _ = try await rows(hub, spec.id, input.merging(["cursor": wrong]) { $1 })
                    Issue.record("\(spec.id) takes the cursor \(wrong)")
                } catch {
                    #expect((error as? Fault)?.details?.arrayValue?.first?["path"] == "cursor", name)
                }
            }
            paged.append(spec.id)
        }
        #expect(paged.count >= 20)
        let lists = hub.domains.table.specs.map(\.id).filter { $0.hasSuffix(".list") }
        #expect(Set(lists).subtracting(paged).subtracting(Self.whole.keys) == [])
        await hub.close()
    }

    @Test func noStatementCountsRowsOff() throws {
        for (name, text) in try StatementTests.texts() {
            for statement in StatementTests.statements(in: text, named: name) {
                #expect(statement.sql.firstMatch(of: /\bOFFSET (?!0\b)/) == nil, "\(statement.place)")
            }
        }
    }

    private func rows(
        _ hub: TestHub,
        _ operation: String,
        _ input: [String: JSONValue]
    ) async throws -> (rows: [String], next: JSONValue?) {
        let answer = try await hub.domains.table.call(operation, input: .object(input), by: hub.admin)
        let data = try JSONValue(parsing: answer.data)
        guard case .object(let members) = data else { return ([], nil) }
        let rows = members.values.compactMap(\.arrayValue).first ?? members["settings"].map(Self.entries) ?? []
        return (rows.map { String(decoding: $0.serialized(), as: UTF8.self) }, members["nextCursor"])
    }

    /// What is answered by key, as rows by key.
    private static func entries(_ object: JSONValue) -> [JSONValue] {
        guard case .object(let members) = object else { return [] }
        return members.sorted { $0.key < $1.key }.map { [.string($0.key), $0.value] }
    }

    /// Three of everything, some of it made in the same instant.
    private func stage(_ hub: TestHub) async throws {
        let rows = RowMaker(database: hub.database)
        _ = try await hub.ask(CreateOrganization(name: "Ops"))
        for name in ["b", "a", "c"] {
            let account = try await hub.ask(CreateAccount(email: "\(name)@example.org"))
            _ = try await hub.ask(AddMember(org: "ops", account: account.id.rawValue))
            _ = try await hub.ask(CreateOrganization(name: name))
            _ = try await hub.ask(CreateKey(name: name, scopes: []))
            _ = try await hub.ask(CreateJoinToken())
            _ = try await hub.ask(CreateClient(name: name, type: .custom))
            _ = try await hub.ask(SetSecret(client: name, key: "k", value: "v"))
            _ = try await hub.project(name)
            _ = try await hub.ask(SetSetting(key: "\(name).x", value: .string(name)))
        }
        let project = ["project_id": "'\(try await hub.project("app").id)'"]
        try await hub.tasks(["t1", "t2", "t3", "t4: t1 t2"])
        let instant = ["created_at": "'2026-01-01'"]
        let session = try await rows.make("sessions", project.merging(["slug": "'talks'"]) { $1 })
        let operation = try await rows.make("operations")
        let who = #"'{"id": "x", "scopes": []}'"#
        for number in 1...3 {
            try await rows.make("sessions", project.merging(instant) { $1 })
            let workspace = try await rows.make("workspaces", project.merging(instant) { $1 })
            try await rows.make("mappings", instant)
            try await rows.make("detections", instant)
            try await rows.make("salvages", project.merging(["workspace_id": "'\(workspace)'"]) { $1 })
            try await rows.make("spokes")
            try await rows.make("operation_registrations", instant)
            try await rows.make("call_graph_nodes", ["operation_id": "'\(operation)'", "identity": who])
            let said = instant.merging(["session_id": "'\(session)'", "status": "'complete'"]) { $1 }
            let message = try await rows.make("messages", said)
            let part = ["session_id": "'\(session)'", "message_id": "'\(message)'", "sequence": "\(number)"]
            try await rows.make("parts", part)
        }
    }
}
