import Foundation
import Protocol
import SpokeCore
import WebTransport
import Yams

extension OwnOperations {
    /// Namespaces that every spoke has, and that the hub keeps for itself.
    static let reserved: Set<String> = ["fs", "git", "process", "host", "operation", "call", "system", "dev"]

    /// Reads `operations:` and `mcpServers:` of a configuration.
    ///
    /// - Throws: `VALIDATION_ERROR` with the place of the first mistake.
    static func read(_ path: String) throws(Fault) -> OwnOperations {
        let text = String(decoding: try PrivateFile.read(path), as: UTF8.self)
        let root: Node?
        do { root = try Yams.compose(yaml: text) } catch { throw Fault(.validation, "\(path) is not YAML: \(error)") }
        guard let root, let mapping = root.mapping else { return .none }
        var own = OwnOperations.none
        if let node = mapping["operations"] {
            own.commands = try entries(CommandOperation.self, of: node, "operations", path)
        }
        if let node = mapping["mcpServers"] {
            own.servers = try entries(ToolServer.self, of: node, "mcpServers", path)
        }
        if let node = mapping["openapi"] {
            own.services = try entries(WebServiceSettings.self, of: node, "openapi", path)
        }
        try own.validate(path)
        return own
    }

    private static func entries<Entry: Decodable & Described>(
        _ type: Entry.Type,
        of node: Node,
        _ key: String,
        _ path: String
    ) throws(Fault) -> [String: Entry] {
        let value = try JSONValue(yaml: node)
        if value == .null { return [:] }
        guard case .object(let members) = value else {
            throw Fault.invalid(key, "must hold names and values (in \(path)).")
        }
        let shape = SchemaProbe.shape(of: Entry.self)
        var entries: [String: Entry] = [:]
        for (name, member) in members {
            let violations = shape.violations(in: member).map { violation in
                Fault.Violation(path: "\(key).\(name).\(violation.path)", message: "\(violation.message) (in \(path))")
            }
            guard violations.isEmpty else { throw .invalid(violations) }
            entries[name] = try member.decoded()
        }
        return entries
    }

    private func validate(_ path: String) throws(Fault) {
        guard commands.count <= Limits.commandOperations else {
            throw Fault.invalid("operations", "must be at most \(Limits.commandOperations) (in \(path)).")
        }
        for (name, command) in commands.sorted(by: { $0.key < $1.key }) {
            do throws(Fault) {
                try Self.check(name)
                try command.check(name)
            } catch {
                throw Fault(.validation, "operations.\(name) of \(path): \(error.message)", details: error.details)
            }
        }
        for (name, server) in servers.sorted(by: { $0.key < $1.key }) {
            try Self.check(namespace: name, "mcpServers", server.timeoutSeconds)
            try server.check("mcpServers.\(name)")
            guard services[name] == nil else {
                throw Fault.invalid("mcpServers.\(name)", "has the name of a service of openapi; rename one.")
            }
        }
        for (name, service) in services.sorted(by: { $0.key < $1.key }) {
            try Self.check(namespace: name, "openapi", service.timeoutSeconds)
            try service.check("openapi.\(name)")
            guard (service.file == nil) != (service.url == nil) else {
                throw Fault.invalid("openapi.\(name)", "needs either file or url, where its description is.")
            }
        }
    }

    private static func check(namespace name: String, _ key: String, _ timeout: Int?) throws(Fault) {
        guard OperationName.isNamespace(name), !reserved.contains(name) else {
            throw Fault.invalid(
                "\(key).\(name)",
                "must be a namespace of its own: a letter, then letters, digits, - and _."
            )
        }
        guard (1...Limits.programSecondsMost).contains(timeout ?? 1) else {
            throw Fault.invalid("\(key).\(name).timeoutSeconds", "must be 1 to \(Limits.programSecondsMost).")
        }
    }

    private static func check(_ name: String) throws(Fault) {
        guard OperationName.isValid(name) else {
            throw Fault.invalid(
                "",
                "must be named namespace.name: letters, digits, - and _, each part beginning with a letter."
            )
        }
        guard !reserved.contains(String(name.prefix { $0 != "." })) else {
            throw Fault.invalid("", "is in a namespace that is taken; choose another.")
        }
    }
}

extension CommandOperation {
    /// What is wrong with it is found when the spoke starts, not when somebody calls it.
    func check(_ name: String) throws(Fault) {
        let template = try ArgumentTemplate(command)
        guard type != .subscription || prints != .json else {
            throw Fault.invalid("prints", "must be text for a subscription: each piece of output is a value.")
        }
        if let directory, directory != Self.worktree, !directory.hasPrefix("/") {
            throw Fault.invalid("directory", "must be an absolute path, or “worktree”.")
        }
        guard (1...Limits.programSecondsMost).contains(timeoutSeconds ?? 1) else {
            throw Fault.invalid("timeoutSeconds", "must be 1 to \(Limits.programSecondsMost).")
        }
        let words = description.trimmingCharacters(in: .whitespacesAndNewlines)
        guard !words.isEmpty, words.utf8.count <= 2_000 else {
            throw Fault.invalid("description", "must say in a sentence what the operation does.")
        }
        let properties = Set(Self.properties(of: schema))
        for field in template.fields.sorted() where !properties.contains(field) {
            throw Fault.invalid("command", "names the field {\(field)}, which input.properties does not have.")
        }
        if directory == Self.worktree, properties.isDisjoint(with: ["workspaceId", "sessionId"]) {
            throw Fault.invalid("directory", "is a worktree, so input.properties must have workspaceId or sessionId.")
        }
        _ = try SchemaContract(schema, "input")
        if let output { _ = try SchemaContract(output, "output") }
    }

    /// The input's schema as the catalogue shows it.
    var schema: JSONValue {
        input ?? ["type": "object", "properties": [:], "additionalProperties": false]
    }

    private static func properties(of schema: JSONValue) -> [String] {
        guard case .object(let properties)? = schema["properties"] else { return [] }
        return Array(properties.keys)
    }
}

extension ToolServer {
    /// Finds what is wrong with it when the spoke starts, not when somebody calls a tool.
    func check(_ key: String) throws(Fault) {
        guard let url else {
            guard let program = command?.first, !program.isEmpty else {
                throw Fault.invalid(key, "needs either a command, with at least the name of a program, or an url.")
            }
            guard headers == nil, headerFiles == nil else {
                throw Fault.invalid(key, "has headers and no url; a program is given its environment.")
            }
            return
        }
        guard command == nil, environment == nil else {
            throw Fault.invalid(key, "has an url, and so neither command nor environment.")
        }
        _ = try WebAddress(setting: url, field: "\(key).url")
        try OwnHeaders.check(headers, headerFiles, key)
    }
}

extension WebServiceSettings {
    /// The same for a web service.
    func check(_ key: String) throws(Fault) {
        if let url { _ = try WebAddress(setting: url, field: "\(key).url") }
        if let server { _ = try WebAddress(setting: server, field: "\(key).server") }
        try OwnHeaders.check(nil, headerFiles, key)
    }
}

/// Headers that the owner adds to the requests for a server or service.
enum OwnHeaders {
    static func check(_ plain: [String: String]?, _ files: [String: String]?, _ key: String) throws(Fault) {
        var taken: Set<String> = []
        for name in (plain ?? [:]).keys.sorted() + (files ?? [:]).keys.sorted() {
            if let flaw = WebHeaders.flaw(ofName: name) { throw Fault.invalid("\(key).\(name)", "\(flaw).") }
            guard taken.insert(name.lowercased()).inserted else {
                throw Fault.invalid("\(key).\(name)", "is set twice.")
            }
        }
        for (name, value) in plain ?? [:] {
            if let flaw = WebHeaders.flaw(ofValue: value) { throw Fault.invalid("\(key).\(name)", "\(flaw).") }
        }
    }

    /// The headers with what the files hold now: who replaces a secret need not restart the spoke.
    ///
    /// - Throws: as ``PrivateFile/readSecret(_:)``; `VALIDATION_ERROR` for a file that holds no header's value.
    static func read(_ plain: [String: String]?, _ files: [String: String]?) throws(Fault) -> [String: String] {
        var headers = plain ?? [:]
        for (name, file) in files ?? [:] {
            let text = String(decoding: try PrivateFile.readSecret(file), as: UTF8.self)
            let value = text.trimmingCharacters(in: .whitespacesAndNewlines)
            if let flaw = WebHeaders.flaw(ofValue: value) {
                throw Fault(.validation, "The secret in \(file) \(flaw) to be the header \(name).")
            }
            headers[name] = value
        }
        return headers
    }
}
