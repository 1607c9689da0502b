import HubCore
import HubDomains
import Protocol
import Testing

/// The document that programs make clients from says all that can be asked, and nothing that is not there.
struct OpenAPITests {
    @Test func everyOperationIsAPathWithEveryStatusItMayAnswerWith() async throws {
        let hub = try await TestHub.make()
        let specs = hub.domains.table.specs
        let document = OpenAPIDocument(specs).json
        guard case .object(let paths)? = document["paths"] else {
            Issue.record("The document has no paths.")
            return
        }
        let statuses = Set(Fault.Code.all.map { String($0.httpStatus) })
        for spec in specs {
            let path = spec.type == .subscription ? "/v1/subscribe/\(spec.id)" : "/v1/call/\(spec.id)"
            let operation = paths[path]?["post"]
            #expect(operation?["operationId"]?.stringValue == spec.id)
            guard case .object(let responses)? = operation?["responses"] else {
                Issue.record("\(spec.id) has no responses.")
                continue
            }
            #expect(Set(responses.keys).isSuperset(of: statuses.union(["200"])), "\(spec.id)")
        }
        #expect(paths["/livez"]?["get"]?["security"] == [])
        // For its head alone any request may be refused.
        for (path, methods) in paths {
            for method in ["get", "post", "delete"] {
                guard case .object(let responses)? = methods[method]?["responses"] else { continue }
                #expect(Set(responses.keys).isSuperset(of: ["400", "403", "413", "504"]), "\(method) \(path)")
            }
        }
        for reference in Self.references(in: document) {
            #expect(Self.value(at: reference, in: document) != nil, "\(reference) leads nowhere")
        }
        await hub.close()
    }

    @Test func aCodeOfAnOperationsOwnIsDeclaredWithItsStatus() {
        let spec = OperationSpec(
            namespace: "paint",
            name: "mix",
            type: .mutation,
            description: "Mixes paint.",
            inputSchema: ["$schema": "x", "type": "object", "required": ["colour"]],
            outputSchema: ["type": "object"],
            errorSchemas: [ErrorDefinition(code: "TOO_WET", description: "It drips.", httpStatus: 422)],
            accessControl: .scopes("paint:write")
        )
        let post = OpenAPIDocument([spec], url: "https://hub.example").json["paths"]?["/v1/call/paint.mix"]?["post"]
        #expect(post?["responses"]?["422"]?["description"]?.stringValue?.contains("TOO_WET") == true)
        #expect(post?["requestBody"]?["required"] == true)
        #expect(post?["requestBody"]?["content"]?["application/json"]?["schema"]?["$schema"] == nil)
        #expect(post?["description"]?.stringValue?.contains("paint:write") == true)
    }

    private static func references(in value: JSONValue) -> [String] {
        switch value {
        case .array(let elements): elements.flatMap(references)
        case .object(let members):
            members.flatMap { key, value in
                key == "$ref" ? [value.stringValue].compactMap { $0 } : references(in: value)
            }
        case .null, .bool, .integer, .number, .string: []
        }
    }

    private static func value(at reference: String, in document: JSONValue) -> JSONValue? {
        reference.split(separator: "/").dropFirst().reduce(Optional(document)) { $0?[String($1)] }
    }
}
