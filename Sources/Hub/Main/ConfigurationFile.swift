import Foundation
import Yams

/// The hub's YAML file. Keys that nobody knows are an error that names the line, because a misspelt setting that is
/// silently ignored is worse than none.
enum ConfigurationFile {
    static func read(_ path: String) throws -> ConfigurationLayer {
        guard let bytes = FileManager.default.contents(atPath: path) else {
            throw ConfigurationProblem("\(path) cannot be read.")
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw ConfigurationProblem("\(path) is not UTF-8.")
        }
        do {
            return try layer(parsing: text, path: path)
        } catch let error as YamlError {
            throw ConfigurationProblem("\(path): \(error)")
        }
    }

    static func layer(parsing text: String, path: String) throws -> ConfigurationLayer {
        guard let root = try Yams.compose(yaml: text) else { return ConfigurationLayer() }
        var layer = ConfigurationLayer()
        var reader = Reader(path: path)
        try reader.mapping(root) { key, value, reader in
            switch key {
            case "listen": layer.listen = try reader.text(value)
            case "database": layer.database = try reader.text(value)
            case "databaseFile": layer.databaseFile = try reader.text(value)
            case "databaseConnections": layer.databaseConnections = try reader.whole(value)
            case "dataDirectory": layer.dataDirectory = try reader.text(value)
            case "advertise": layer.advertise = try reader.text(value)
            case "outbound": layer.outbound = try reader.texts(value)
            case "tls":
                try reader.mapping(value) { key, value, reader in
                    switch key {
                    case "certificate": layer.tlsCertificate = try reader.text(value)
                    case "key": layer.tlsKey = try reader.text(value)
                    default: return false
                    }
                    return true
                }
            case "log":
                try reader.mapping(value) { key, value, reader in
                    switch key {
                    case "level": layer.logLevel = try reader.text(value)
                    case "format": layer.logFormat = try reader.text(value)
                    default: return false
                    }
                    return true
                }
            case "limits":
                try reader.mapping(value) { key, value, reader in
                    switch key {
                    case "callsPerSecond": layer.callsPerSecond = try reader.number(value)
                    case "callsBurst": layer.callsBurst = try reader.whole(value)
                    default: return false
                    }
                    return true
                }
            default: return false
            }
            return true
        }
        return layer
    }

    private struct Reader {
        let path: String

        mutating func mapping(_ node: Node, _ take: (String, Node, inout Reader) throws -> Bool) throws {
            guard let mapping = node.mapping else { throw problem(node, "must be a list of settings (key: value).") }
            var seen: Set<String> = []
            for (key, value) in mapping {
                let name = key.string ?? "?"
                guard seen.insert(name).inserted else { throw problem(key, "“\(name)” is there twice.") }
                guard try take(name, value, &self) else {
                    throw problem(key, "“\(name)” is not a setting of the hub; deploy/hub.yaml.example shows them all.")
                }
            }
        }

        func text(_ node: Node) throws -> String {
            guard let text = node.string else { throw problem(node, "must be text.") }
            return text
        }

        func texts(_ node: Node) throws -> [String] {
            guard let list = node.sequence else { throw problem(node, "must be a list of texts.") }
            return try list.map(text)
        }

        func whole(_ node: Node) throws -> Int {
            guard let number = node.int else { throw problem(node, "must be a whole number.") }
            return number
        }

        func number(_ node: Node) throws -> Double {
            guard let number = node.float else { throw problem(node, "must be a number.") }
            return number
        }

        func problem(_ node: Node, _ text: String) -> ConfigurationProblem {
            ConfigurationProblem("\(path), line \(node.mark?.line ?? 0): \(text)")
        }
    }
}
