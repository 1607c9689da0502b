import Protocol
import Yams

/// YAML files that people write: a key that is not known is an error, not a surprise.
enum StrictYAML {
    /// The keys that a file may have, and for each the keys below it; `nil` where anything may stand.
    typealias Shape = [String: [String]?]

    static func decode<Value: Decodable>(
        _ type: Value.Type,
        from path: String,
        shape: Shape
    ) throws(Fault) -> Value {
        let text = String(decoding: try PrivateFile.read(path), as: UTF8.self)
        do {
            if let node = try Yams.compose(yaml: text) { try check(node, shape, path) }
            return try YAMLDecoder().decode(type, from: text.allSatisfy(\.isWhitespace) ? "{}" : text)
        } catch let fault as Fault {
            throw fault
        } catch let error as DecodingError {
            throw Fault.invalid(error.violation.path, "\(error.violation.message) (in \(path))")
        } catch {
            throw Fault(.validation, "\(path) is not YAML: \(error)")
        }
    }

    private static func check(_ node: Node, _ shape: Shape, _ path: String) throws(Fault) {
        guard let mapping = node.mapping else { throw Fault(.validation, "\(path) must hold keys and values.") }
        for (key, value) in mapping {
            try check(key, among: shape.keys.sorted(), path)
            guard let below = shape[key.string ?? ""] ?? nil, let nested = value.mapping else { continue }
            for (key, _) in nested { try check(key, among: below, path) }
        }
    }

    private static func check(_ key: Node, among known: [String], _ path: String) throws(Fault) {
        guard let name = key.string, known.contains(name) else {
            let line = key.mark.map { " in line \($0.line)" } ?? ""
            throw Fault.invalid(
                key.string ?? "",
                "is not known\(line) of \(path); known are \(known.joined(separator: ", "))."
            )
        }
    }
}
