public import Protocol

/// What the configuration of a client may say, by its type. Never a secret: that has a place of its own.
public enum ClientRules {
    /// Everything that is wrong with a configuration.
    public static func violations(of config: JSONValue, type: ClientType) -> [Fault.Violation] {
        guard case .object(let members) = config else { return [.init(path: "config", message: "must be an object.")] }
        var plain = members
        // A description is everybody's to read, examples and all.
        if case .object(var openapi)? = members["openapi"] {
            openapi["document"] = nil
            plain["openapi"] = .object(openapi)
        }
        return violations(of: members, type: type) + secrets(in: .object(plain), at: "config")
    }

    private static func violations(of members: [String: JSONValue], type: ClientType) -> [Fault.Violation] {
        switch type {
        case .llmProvider, .vcs, .compute: address(members["baseUrl"], at: "config.baseUrl")
        case .mcpServer: server(members)
        case .custom: []
        }
    }

    private static func address(_ value: JSONValue?, at path: String) -> [Fault.Violation] {
        let text = value?.stringValue ?? ""
        let isAddress = ["https://", "http://"].contains { text.hasPrefix($0) && text.count > $0.count }
        if !isAddress { return [.init(path: path, message: "must be an http or https address.")] }
        // user:password@host would put a secret where everybody reads it.
        let authority = text.drop { $0 != "/" }.dropFirst(2).prefix { $0 != "/" }
        return authority.contains("@") ? [.init(path: path, message: "must not carry a password; use secret.set.")] : []
    }

    private static func server(_ members: [String: JSONValue]) -> [Fault.Violation] {
        switch (members["command"], members["url"]) {
        case (let command?, nil):
            let words = command.arrayValue?.compactMap(\.stringValue) ?? []
            let isCommand = !words.isEmpty && words.count == command.arrayValue?.count && words.first?.isEmpty == false
            return isCommand ? [] : [.init(path: "config.command", message: "must be a program and its arguments.")]
        case (nil, let url?): return address(url, at: "config.url")
        default: return [.init(path: "config", message: "must have either a command or a url.")]
        }
    }

    /// Fields whose names say that a secret is in them, at any depth.
    private static func secrets(in value: JSONValue, at path: String) -> [Fault.Violation] {
        switch value {
        case .object(let members):
            members.sorted { $0.key < $1.key }.flatMap { key, value -> [Fault.Violation] in
                let here = "\(path).\(key)"
                guard isSecret(key), value.stringValue != nil else { return secrets(in: value, at: here) }
                return [.init(path: here, message: "looks like a secret; store it with secret.set.")]
            }
        case .array(let elements):
            elements.enumerated().flatMap { secrets(in: $1, at: "\(path)[\($0)]") }
        case .null, .bool, .integer, .number, .string: []
        }
    }

    /// Whether a field of this name holds a secret.
    public static func isSecret(_ name: String) -> Bool {
        // Asked of every field of every call that is kept: most names end otherwise.
        guard let last = name.utf8.last(where: { $0 != UInt8(ascii: "_") && $0 != UInt8(ascii: "-") }),
            endings.contains(last | 0x20)
        else { return false }
        let plain = name.lowercased().filter { $0 != "_" && $0 != "-" }
        return words.contains { plain.hasSuffix($0) }
    }

    private static let words = [
        "password", "passphrase", "secret", "token", "apikey", "accesskey", "privatekey", "authorization",
    ]

    /// The last letters of these.
    private static let endings = Set(words.compactMap(\.utf8.last))
}
