/// Somebody's OpenAPI 3 document as operations.
public struct WebDocument: Sendable {
    /// What can be called; others are named in ``leftOut``.
    public private(set) var operations: [WebOperation] = []
    /// Each with the reason.
    public private(set) var leftOut: [String] = []
    /// The first server that the document names and that can be asked, without a slash at its end.
    public private(set) var server: String?
    /// Why none of the servers that the document names can be asked; `nil` if one can, or none is named.
    private(set) var serverFlaw: String?

    /// Operations of one document.
    public static let operationsMost = 200
    private static let methods = ["get", "post", "put", "patch", "delete"]
    /// What an operation of ours has no word for.
    private static let methodsLeftOut = ["head", "options", "trace", "query"]

    let document: JSONValue
    /// Whether schemas are those of OpenAPI 3.0, which are not quite JSON Schema.
    let hasOldSchemas: Bool

    /// - Throws: `VALIDATION_ERROR` for what is no OpenAPI 3 document.
    public init(_ document: JSONValue) throws(Fault) {
        guard let version = document["openapi"]?.stringValue, version.hasPrefix("3."),
            case .object(let paths)? = document["paths"]
        else { throw Fault(.validation, "This is no OpenAPI 3 document: openapi and paths are required.") }
        self.document = document
        hasOldSchemas = version.hasPrefix("3.0")
        readServers()
        var taken: Set<String> = []
        for (path, item) in paths.sorted(by: { $0.key < $1.key }) {
            for method in Self.methodsLeftOut where item[method] != nil {
                leftOut.append("\(method.uppercased()) \(path): requests of this method are not made")
            }
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

    private mutating func readServers() {
        for named in document["servers"]?.arrayValue ?? [] {
            do throws(Fault) {
                server = try Self.server(named)
                serverFlaw = nil
                return
            } catch {
                serverFlaw = serverFlaw ?? error.message
                leftOut.append("server \((named["url"]?.stringValue ?? "").prefix(200)): \(error.message)")
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
        let (parameters, parameterSchemas) = try parameters(of: item, operation)
        var properties = parameterSchemas
        var required = parameters.filter(\.isRequired).map { JSONValue.string($0.name) }
        for name in path.matches(of: /\{([^}]*)\}/).map({ String($0.1) }) {
            guard parameters.contains(where: { $0.name == name && $0.place == .path }) else {
                throw Fault(.validation, "it does not say what {\(name)} is")
            }
        }
        let body = resolved(operation["requestBody"] ?? .null)
        var bodyType: String?
        if body != .null {
            guard let (type, content) = Self.json(in: body["content"]) else {
                throw Fault(.validation, "its body is not JSON")
            }
            bodyType = type
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
            inputSchema: try closed(input),
            outputSchema: try closed(Self.json(in: answer)?.content["schema"] ?? [:]),
            plan: WebRequestPlan(
                method: method.uppercased(),
                template: path,
                parameters: parameters,
                takesBody: body != .null,
                bodyType: bodyType,
                streams: Self.streams(answer)
            )
        )
    }

    /// What the input may hold besides the body, and the schemas of it; what an operation says itself comes before what
    /// is said for all of its path.
    private func parameters(
        of item: JSONValue,
        _ operation: JSONValue
    ) throws(Fault) -> ([WebRequestPlan.Parameter], [String: JSONValue]) {
        var parameters: [WebRequestPlan.Parameter] = []
        var properties: [String: JSONValue] = [:]
        for listed in (item["parameters"]?.arrayValue ?? []) + (operation["parameters"]?.arrayValue ?? []) {
            let parameter = resolved(listed)
            guard let name = parameter["name"]?.stringValue,
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
            guard name != WebRequestPlan.body else {
                throw Fault(.validation, "it has a parameter named “\(name)”, which is the field of the body")
            }
            parameters.removeAll { $0.name == name && $0.place == place }
            if let other = parameters.first(where: { $0.name == name }) {
                throw Fault(
                    .validation,
                    "it has two parameters named “\(name)”, in \(other.place.rawValue) and in \(place.rawValue)"
                )
            }
            let isRequired = place == .path || parameter["required"] == .bool(true)
            parameters.append(WebRequestPlan.Parameter(name: name, place: place, isRequired: isRequired))
            properties[name] = described(parameter["schema"] ?? true, parameter["description"])
        }
        return (parameters, properties)
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

    func part(_ reference: String) -> JSONValue? {
        guard reference.hasPrefix("#/") else { return nil }
        return reference.dropFirst(2).split(separator: "/").reduce(document as JSONValue?) { value, name in
            value?[String(name).replacing("~1", with: "/").replacing("~0", with: "~")]
        }
    }
}
