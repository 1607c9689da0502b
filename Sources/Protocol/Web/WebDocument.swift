/// Somebody's OpenAPI 3 document as operations.
public struct WebDocument: Sendable {
    /// What can be called; others are named in ``leftOut``.
    public private(set) var operations: [WebOperation] = []
    /// Each with the reason.
    public private(set) var leftOut: [String] = []
    /// The first server that the document names, without a slash at its end.
    public let server: String?

    /// Operations of one document.
    public static let operationsMost = 200
    private static let methods = ["get", "post", "put", "patch", "delete"]
    /// References that are followed from one schema.
    private static let schemasMost = 200

    private let document: JSONValue

    /// - Throws: `VALIDATION_ERROR` for what is no OpenAPI 3 document.
    public init(_ document: JSONValue) throws(Fault) {
        guard let version = document["openapi"]?.stringValue, version.hasPrefix("3."),
            case .object(let paths)? = document["paths"]
        else { throw Fault(.validation, "This is no OpenAPI 3 document: openapi and paths are required.") }
        self.document = document
        let named = document["servers"]?.arrayValue?.first?["url"]?.stringValue
        server = named.map { $0.hasSuffix("/") ? String($0.dropLast()) : $0 }
        var taken: Set<String> = []
        for (path, item) in paths.sorted(by: { $0.key < $1.key }) {
            for method in Self.methods {
                guard let operation = item[method] else { continue }
                do throws(Fault) {
                    guard operations.count < Self.operationsMost else {
                        throw Fault(.tooLarge, "there are more than \(Self.operationsMost)")
                    }
                    let found = try self.operation(method, path, operation, item)
                    guard taken.insert(found.name).inserted else { throw Fault(.conflict, "its name is taken") }
                    operations.append(found)
                } catch {
                    leftOut.append("\(method.uppercased()) \(path): \(error.message)")
                }
            }
        }
    }

    private func operation(
        _ method: String,
        _ path: String,
        _ operation: JSONValue,
        _ item: JSONValue
    ) throws(Fault) -> WebOperation {
        guard path.hasPrefix("/"), !path.contains("?"), !path.contains("#") else {
            throw Fault(.validation, "its path must begin with / and have no query")
        }
        var properties: [String: JSONValue] = [:]
        var required: [JSONValue] = []
        var parameters: [WebRequestPlan.Parameter] = []
        for listed in (item["parameters"]?.arrayValue ?? []) + (operation["parameters"]?.arrayValue ?? []) {
            let parameter = resolved(listed)
            guard let name = parameter["name"]?.stringValue, name != WebRequestPlan.body,
                let place = parameter["in"]?.stringValue.flatMap(WebRequestPlan.Place.init(rawValue:))
            else {
                if parameter["in"] == "cookie", parameter["required"] != .bool(true) { continue }
                throw Fault(.validation, "it has a parameter that is not in path, query or header")
            }
            if place == .header {
                // OpenAPI 3.1, 4.8.12.1: definitions of these are ignored.
                if ["accept", "content-type", "authorization"].contains(name.lowercased()) { continue }
                if let flaw = WebHeaders.flaw(ofName: name) { throw Fault(.validation, "“\(name)” \(flaw)") }
            }
            parameters.removeAll { $0.name == name }
            let isRequired = place == .path || parameter["required"] == .bool(true)
            parameters.append(WebRequestPlan.Parameter(name: name, place: place, isRequired: isRequired))
            properties[name] = described(parameter["schema"] ?? true, parameter["description"])
            if isRequired { required.append(.string(name)) }
        }
        for name in path.matches(of: /\{([^}]*)\}/).map({ String($0.1) }) {
            guard parameters.contains(where: { $0.name == name && $0.place == .path }) else {
                throw Fault(.validation, "it does not say what {\(name)} is")
            }
        }
        let body = resolved(operation["requestBody"] ?? .null)
        if body != .null {
            guard let content = body["content"]?["application/json"] else {
                throw Fault(.validation, "its body is not JSON")
            }
            properties[WebRequestPlan.body] = content["schema"] ?? true
            if body["required"] == .bool(true) { required.append(.string(WebRequestPlan.body)) }
        }
        let answer = success(of: operation)
        let input: JSONValue = [
            "type": "object", "properties": .object(properties), "required": .array(required),
            "additionalProperties": false,
        ]
        let words = operation["summary"]?.stringValue ?? operation["description"]?.stringValue
        return WebOperation(
            name: OperationName.plain(operation["operationId"]?.stringValue ?? "\(method)\(path)"),
            summary: String((words ?? "\(method.uppercased()) \(path).").prefix(2_000)),
            inputSchema: closed(input),
            outputSchema: closed(answer["application/json"]?["schema"] ?? [:]),
            plan: WebRequestPlan(
                method: method.uppercased(),
                template: path,
                parameters: parameters,
                takesBody: body != .null,
                streams: answer["text/event-stream"] != nil
            )
        )
    }

    /// What the first good answer contains, by media type.
    private func success(of operation: JSONValue) -> JSONValue {
        guard case .object(let responses)? = operation["responses"] else { return [:] }
        let good = responses.keys.sorted().first { $0.hasPrefix("2") } ?? "default"
        return resolved(responses[good] ?? .null)["content"] ?? [:]
    }

    private func described(_ schema: JSONValue, _ description: JSONValue?) -> JSONValue {
        guard let description, case .object(var members) = schema, members["description"] == nil else { return schema }
        members["description"] = description
        return .object(members)
    }

    /// What a reference to a part of the document stands for.
    private func resolved(_ value: JSONValue) -> JSONValue {
        var value = value
        for _ in 0..<8 {
            guard let reference = value["$ref"]?.stringValue else { break }
            value = part(reference) ?? .null
        }
        return value
    }

    private func part(_ reference: String) -> JSONValue? {
        guard reference.hasPrefix("#/") else { return nil }
        return reference.dropFirst(2).split(separator: "/").reduce(document as JSONValue?) { value, name in
            value?[String(name).replacing("~1", with: "/").replacing("~0", with: "~")]
        }
    }

    // MARK: Schemas that stand by themselves

    /// The schema with all that it refers to inside it, under `$defs`.
    private func closed(_ schema: JSONValue) -> JSONValue {
        var definitions: [String: JSONValue] = [:]
        var names: [String: String] = [:]
        var waiting: [String] = []
        func moved(_ value: JSONValue) -> JSONValue {
            switch value {
            case .null, .bool, .integer, .number, .string: return value
            case .array(let elements): return .array(elements.map(moved))
            case .object(let members):
                var members = members.mapValues(moved)
                if let reference = members["$ref"]?.stringValue, reference.hasPrefix("#/") {
                    if names[reference] == nil {
                        names[reference] = "d\(names.count)"
                        waiting.append(reference)
                    }
                    members["$ref"] = .string("#/$defs/\(names[reference] ?? "")")
                }
                return .object(members)
            }
        }
        guard case .object(var members) = moved(schema) else { return schema }
        while let reference = waiting.popLast(), definitions.count < Self.schemasMost {
            definitions[names[reference] ?? ""] = moved(part(reference) ?? true)
        }
        // What was not taken in may be anything.
        for name in names.values where definitions[name] == nil { definitions[name] = true }
        if !definitions.isEmpty { members["$defs"] = .object(definitions) }
        return .object(members)
    }
}

extension WebDocument {
    /// Where the service is: what whoever vouches for it says, else what the document says, which may leave the host
    /// out.
    ///
    /// - Parameters:
    ///   - server: What was said besides the document.
    ///   - home: Where the document came from, if it was fetched.
    ///   - carriesSecrets: Whether requests carry a credential.
    ///   - field: What a fault names.
    /// - Throws: `VALIDATION_ERROR` also for a document that would have secrets sent to another host than the one that
    ///   it came from, or over a connection that everyone can read where its own was none such.
    public func base(
        server said: String?,
        home: WebAddress?,
        carriesSecrets: Bool,
        field: String
    ) throws(Fault) -> WebAddress {
        if let said { return try WebAddress(said, field: field) }
        guard let named = server else {
            guard let home else { throw Fault.invalid(field, "is not said by the document; set it.") }
            return try WebAddress(home.origin, field: field)
        }
        if named.isEmpty || named.hasPrefix("/"), let home { return try WebAddress(home.origin + named, field: field) }
        let address = try WebAddress(named, field: field)
        guard let home, carriesSecrets else { return address }
        guard home.host == address.host else {
            throw Fault.invalid(field, "is another host than the document's; set it if the secrets are to go there.")
        }
        guard address.scheme == home.scheme || address.scheme == "https" else {
            throw Fault.invalid(field, "is http where the document came by https; set it if that is wanted.")
        }
        return address
    }
}
