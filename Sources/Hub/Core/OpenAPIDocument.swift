import Foundation
public import Protocol

/// An OpenAPI 3.1 document (https://spec.openapis.org/oas/v3.1.0) of the operations that somebody may run, and of the
/// routes that are no operations.
public struct OpenAPIDocument: Sendable {
    private let specs: [OperationSpec]
    private let foreign: Set<String>
    private let url: String?

    /// - Parameters:
    ///   - specs: The hub's own operations, and those of spokes.
    ///   - foreign: The ids of those that a spoke declares. The hub reads `null` in an input of its own as left out;
    ///     what a spoke's schema says is taken to the letter.
    ///   - url: Where the hub is reached; the document's own origin if absent.
    public init(_ specs: [OperationSpec], foreign: Set<String> = [], url: String? = nil) {
        // The last of an id is shown: the newest version, which is what the bare id means.
        self.specs = specs.sorted {
            $0.id == $1.id ? $0.version.compare($1.version, options: .numeric) == .orderedAscending : $0.id < $1.id
        }
        self.foreign = foreign
        self.url = url
    }

    /// The document as JSON.
    public var json: JSONValue {
        var paths = OpenAPIRoutes.paths
        for spec in specs { paths[Self.path(of: spec)] = ["post": operation(spec)] }
        var members: [String: JSONValue] = [
            "openapi": "3.1.0",
            "info": [
                "title": "Nave hub", "version": .string(Release.version),
                "summary": "Work in git worktrees on many machines.",
                "description": .string(
                    "Every operation is a POST with its input as the body. An answer is an envelope of data and meta; "
                        + "an error is a code that a program may branch on and a sentence that says what to do."
                ),
            ],
            "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
            "security": [["key": []]],
            "tags": .array(Set(specs.map(\.namespace)).union(["hub"]).sorted().map { ["name": .string($0)] }),
            "paths": .object(paths),
            "components": OpenAPIParts.components,
        ]
        if let url { members["servers"] = [["url": .string(url)]] }
        return .object(members)
    }

    private static func path(of spec: OperationSpec) -> String {
        spec.type == .subscription ? "/v1/subscribe/\(spec.id)" : "/v1/call/\(spec.id)"
    }

    private func operation(_ spec: OperationSpec) -> JSONValue {
        var responses = OpenAPIParts.refusals
        responses["200"] = spec.type == .subscription ? Self.events(spec) : Self.answer(spec)
        for (status, codes) in Dictionary(grouping: spec.errorSchemas ?? [], by: { $0.httpStatus ?? 500 }) {
            // The contract's own statuses are there already, in the same form.
            guard responses[String(status)] == nil else { continue }
            let names = codes.map(\.code).sorted().joined(separator: ", ")
            responses[String(status)] = OpenAPIParts.error("An error of this operation: \(names).")
        }
        var members: [String: JSONValue] = [
            "operationId": .string(spec.id), "tags": [.string(spec.namespace)],
            "summary": .string(spec.title ?? spec.description), "description": .string(Self.said(of: spec)),
            "parameters": OpenAPIParts.parameters(of: spec.type), "responses": .object(responses),
        ]
        let needsInput = spec.inputSchema["required"]?.arrayValue?.isEmpty == false
        let input = Self.embedded(spec.inputSchema)
        let shown = foreign.contains(spec.id) ? input : Self.allowingNull(input)
        members["requestBody"] = [
            "required": .bool(needsInput), "content": ["application/json": ["schema": shown]],
        ]
        return .object(members)
    }

    private static func said(of spec: OperationSpec) -> String {
        let access = spec.accessControl
        var needs = access.requiredScopes.map { "`\($0)`" }
        if let any = access.requiredScopesAny, !any.isEmpty {
            needs.append("one of " + any.map { "`\($0)`" }.joined(separator: ", "))
        }
        if let type = access.resourceType { needs.append("`\(access.resourceAction ?? "*")` on a `\(type)`") }
        return "\(spec.description) A \(spec.type.rawValue)"
            + (needs.isEmpty ? "." : "; needs \(needs.joined(separator: " and ")).")
    }

    private static func answer(_ spec: OperationSpec) -> JSONValue {
        let envelope: JSONValue = [
            "type": "object", "required": ["data", "meta"],
            "properties": ["data": embedded(spec.outputSchema), "meta": ["$ref": "#/components/schemas/Meta"]],
        ]
        return OpenAPIParts.response("The answer.", "application/json", envelope)
    }

    private static func events(_ spec: OperationSpec) -> JSONValue {
        let said =
            "Server-sent events: `data` with {data, meta} for each value, then `completed`, or `error` with an error's "
            + "body. The schema of a value's data stands at x-nave-value."
        guard case .object(var members) = OpenAPIParts.response(said, "text/event-stream", ["type": "string"]) else {
            return .null
        }
        members["x-nave-value"] = embedded(spec.outputSchema)
        return .object(members)
    }

    /// A schema within the document: the document says the dialect.
    private static func embedded(_ schema: JSONValue) -> JSONValue {
        guard case .object(var members) = schema else { return schema }
        members["$schema"] = nil
        return .object(members)
    }

    /// The schema of an input of the hub's own: what may be left out may as well be `null`.
    private static func allowingNull(_ schema: JSONValue) -> JSONValue {
        guard case .object(var members) = schema else { return schema }
        for key in ["items", "additionalProperties"] { members[key] = members[key].map(allowingNull) }
        guard case .object(let properties)? = members["properties"] else { return .object(members) }
        let required = Set(members["required"]?.arrayValue ?? [])
        let shown = properties.map { name, property -> (String, JSONValue) in
            let inner = allowingNull(property)
            return (name, required.contains(.string(name)) ? inner : nullable(inner))
        }
        members["properties"] = .object(Dictionary(shown, uniquingKeysWith: { first, _ in first }))
        return .object(members)
    }

    private static func nullable(_ schema: JSONValue) -> JSONValue {
        guard case .object(var members) = schema, let type = members["type"]?.stringValue else { return schema }
        members["type"] = [.string(type), "null"]
        if let choices = members["enum"]?.arrayValue { members["enum"] = .array(choices + [.null]) }
        return .object(members)
    }
}
