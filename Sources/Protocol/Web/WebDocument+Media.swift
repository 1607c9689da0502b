// Media types that can be sent and read.
extension WebDocument {
    /// The JSON of a body or an answer, and its type where that is to be said otherwise than `application/json`: plain
    /// JSON first, then JSON with parameters, then what is written as JSON (RFC 6839, 3.1), then what may be anything.
    static func json(in content: JSONValue?) -> (type: String?, content: JSONValue)? {
        guard case .object(let types)? = content else { return nil }
        let known = types.keys.sorted().filter { WebHeaders.flaw(ofValue: $0) == nil }
        for (isFit, isRange) in [
            ({ $0 == "application/json" }, false), ({ essence($0) == "application/json" }, false),
            ({ essence($0).hasSuffix("+json") && !essence($0).contains("*") }, false),
            ({ ["application/*", "*/*"].contains(essence($0)) }, true),
        ] as [((String) -> Bool, Bool)] {
            guard let type = known.first(where: isFit), let content = types[type] else { continue }
            return (isRange || type == "application/json" ? nil : type, content)
        }
        return nil
    }

    /// Whether an answer comes as server-sent events.
    static func streams(_ content: JSONValue) -> Bool {
        guard case .object(let types) = content else { return false }
        return types.keys.contains { essence($0) == "text/event-stream" }
    }

    /// A media type without its parameters.
    private static func essence(_ type: String) -> String {
        String(type.prefix { $0 != ";" && $0 != " " }).lowercased()
    }
}
