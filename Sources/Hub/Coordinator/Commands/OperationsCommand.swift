import ArgumentParser
import Foundation
import Protocol

/// `hub operations`
struct OperationsCommand: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "operations",
        abstract: "Everything that can be called, or how to call one operation."
    )

    @OptionGroup var client: ClientOptions
    @Argument(help: "Show what this operation takes and answers; with @ and a version for another than the newest.")
    var operation: String?
    @Option(help: "Only operations with all of these words in their ids, texts or tags, the best match first.")
    var search: String?

    func validate() throws {
        guard operation == nil || search == nil else {
            throw ValidationError("Name one operation, or look for some with --search.")
        }
    }

    func ask(_ hub: HubClient) async throws {
        if let operation {
            let spec = try await hub.call("operation.schema", ["operation": .string(operation)])
            return try client.json ? Output.json(spec) : Output.line(OperationPage.text(spec))
        }
        let answer =
            if let search {
                try await hub.call("operation.search", ["query": .string(search), "limit": 100])
            } else {
                try await hub.pages("operation.list", "operations")
            }
        if client.json { return try Output.json(answer) }
        var table = Table("OPERATION", "TYPE", "ON", "DOES")
        for spec in answer["operations"]?.arrayValue ?? [] {
            let version = spec["version"]?.stringValue.map { "@\($0)" } ?? ""
            let spokes = spec["spokes"]?.arrayValue?.compactMap(\.stringValue).joined(separator: " ") ?? "hub"
            table.add(spec.cell("id") + version, spec.cell("type"), spokes, spec.cell("description"))
        }
        try Output.line(table.text(empty: "No operations."))
    }
}

/// One operation as people read it: what it does, who may, who answers, and what goes in and comes out.
enum OperationPage {
    static func text(_ spec: JSONValue) -> String {
        let id = "\(spec.cell("namespace")).\(spec.cell("name"))"
        var lines = ["\(id)  \(spec.cell("type")), version \(spec.cell("version"))", spec.cell("description"), ""]
        lines.append("Needs: \(needs(spec["accessControl"] ?? .null))")
        lines.append("Answered by: \(providers(spec))")
        lines += schema(spec["inputSchema"] ?? .null, "Input", isInput: true)
        let isStream = spec["type"] == .string(OperationKind.subscription.rawValue)
        lines += schema(spec["outputSchema"] ?? .null, isStream ? "Each value" : "Answer", isInput: false)
        let errors = spec["errorSchemas"]?.arrayValue ?? []
        if !errors.isEmpty {
            lines += ["", "Errors of its own:"]
            lines += errors.map { "  \($0.cell("code"))  \($0.cell("description"))" }
        }
        for example in spec.at("inputSchema.examples")?.arrayValue ?? [] {
            let input = String(decoding: example.serialized(), as: UTF8.self).replacing("'", with: "'\\''")
            lines += ["", "hub \(isStream ? "subscribe" : "call") \(id) '\(input)'"]
        }
        return lines.joined(separator: "\n")
    }

    private static func needs(_ access: JSONValue) -> String {
        var parts = access["requiredScopes"]?.arrayValue?.compactMap(\.stringValue) ?? []
        if let any = access["requiredScopesAny"]?.arrayValue {
            parts.append(any.compactMap(\.stringValue).joined(separator: " or "))
        }
        if let type = access["resourceType"]?.stringValue {
            parts.append("\(access.cell("resourceAction")) on some \(type)")
        }
        return parts.isEmpty ? "any key" : parts.joined(separator: " and ")
    }

    /// The hub, or whoever offers it; those that are away say so.
    private static func providers(_ spec: JSONValue) -> String {
        guard let providers = spec["providers"]?.arrayValue, !providers.isEmpty else { return "the hub" }
        return providers.map { provider in
            let isAway = provider["status"] == .string(RegistrationStatus.inactive.rawValue)
            let name = provider["name"]?.stringValue ?? "the hub"
            return isAway ? "\(name) (away)" : name
        }.joined(separator: ", ")
    }

    /// A table of the fields; the schema itself if a table cannot say what it does.
    private static func schema(_ schema: JSONValue, _ title: String, isInput: Bool) -> [String] {
        let choice = { (values: [String]) in values.joined(separator: "|") }
        guard SchemaOutline.isPlain(schema) else {
            return ["", "\(title), as a JSON Schema:", indented(schema)]
        }
        let fields = SchemaOutline.fields(of: schema, choice: choice)
        guard !fields.isEmpty else {
            let isNothing = isInput && schema["additionalProperties"] == .bool(false)
            return ["", "\(title): \(isNothing ? "nothing" : SchemaOutline.type(of: schema, choice: choice))"]
        }
        var table = Table("FIELD", "TYPE", isInput ? "NEEDED" : "ALWAYS", "MEANS")
        for field in fields {
            table.add(field.path, field.type, field.isRequired ? "yes" : "-", field.meaning.cut(to: 160))
        }
        let rows = table.text(empty: "").split(separator: "\n").map { "  \($0)" }
        return ["", "\(title):"] + rows
    }

    private static func indented(_ value: JSONValue) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        // A value that came as JSON can be written as JSON.
        guard let data = try? encoder.encode(value) else { return String(decoding: value.serialized(), as: UTF8.self) }
        return String(decoding: data, as: UTF8.self)
    }
}
