import Protocol
import SpokeCore

/// One tool of a server that speaks the Model Context Protocol, as an operation.
struct Tool: Sendable {
    private let name: String
    private let spec: OperationSpec
    private let input: SchemaContract

    /// Reads a tool as `tools/list` describes it.
    ///
    /// - Throws: `VALIDATION_ERROR` for one without a name or with a schema that is none.
    init(_ tool: JSONValue, of namespace: String, _ server: ToolServer) throws(Fault) {
        guard let name = tool["name"]?.stringValue, !name.isEmpty, name.utf8.count <= 128 else {
            throw Fault.invalid("name", "A tool must have a name of 1 to 128 bytes.")
        }
        self.name = name
        let schema = SchemaContract.undated(tool["inputSchema"] ?? ["type": "object"])
        input = try SchemaContract(schema, "inputSchema of \(name)")
        let reads = tool["annotations"]?["readOnlyHint"] == .bool(true)
        let words =
            tool["description"]?.stringValue ?? tool["title"]?.stringValue ?? "The tool \(name) of \(namespace)."
        spec = OperationSpec(
            namespace: namespace,
            name: OperationName.plain(name),
            type: reads ? .query : .mutation,
            title: tool["title"]?.stringValue ?? tool["annotations"]?["title"]?.stringValue,
            description: String(words.prefix(2_000)),
            tags: ["mcp"],
            inputSchema: schema,
            outputSchema: SchemaContract.undated(
                tool["outputSchema"] ?? ["type": "object", "properties": ["content": ["type": "array"]]]
            ),
            accessControl: AccessControl(
                requiredScopes: server.scopes ?? ["\(namespace):\(reads ? "read" : "write")"]
            )
        )
    }

    /// The tool's entry of a spoke's table.
    func entry(
        _ call: @escaping @Sendable (String, JSONValue, SpokeCall) async throws(Fault) -> SpokeAnswer
    ) -> SpokeOperations.Entry {
        let name = name
        var entry = SpokeOperations.Entry(spec: spec, violations: input.violations(in:))
        entry.answering = { (input, context) async throws(Fault) -> SpokeAnswer in
            try await call(name, input, context)
        }
        return entry
    }

    /// What `tools/call` answered.
    ///
    /// - Throws: `EXECUTION_ERROR` with the tool's own words where it says that it failed.
    static func answer(_ result: JSONValue) throws(Fault) -> SpokeAnswer {
        let content = result["content"] ?? []
        if result["isError"] == .bool(true) {
            let words = (content.arrayValue ?? []).compactMap { $0["text"]?.stringValue }.joined(separator: "\n")
            throw Fault(
                .execution,
                words.isEmpty ? "The tool failed and did not say why." : String(words.prefix(2_000)),
                details: ["content": content]
            )
        }
        var meta: [String: JSONValue] = ["source": "mcp", "isError": false]
        guard let structured = result["structuredContent"], structured != .null else {
            return SpokeAnswer(data: ["content": content], meta: meta)
        }
        meta["content"] = content
        return SpokeAnswer(data: structured, meta: meta)
    }
}

/// Cuts a stream of bytes into lines of bounded length.
struct LineBuffer: Sendable {
    private var held: [UInt8] = []
    private let longest: Int

    init(longest: Int) { self.longest = longest }

    /// The lines that are whole now, without their ends.
    ///
    /// - Throws: `TOO_LARGE` for a line that is longer than allowed.
    mutating func append(_ bytes: [UInt8]) throws(Fault) -> [[UInt8]] {
        var lines: [[UInt8]] = []
        var rest = bytes[...]
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
            lines.append(held + rest[..<end])
            held = []
            rest = rest[rest.index(after: end)...]
        }
        held += rest
        guard held.count <= longest else { throw Fault(.tooLarge, "a line is longer than \(longest) bytes") }
        return lines
    }
}
