public import Protocol

/// What an input names, for its line in the audit trail: ids and names of things, never what they are to hold.
///
/// Only the fields that are listed here are told. A field that may hold a secret is never among them: that trail is
/// kept long, and is read by more people than the call graph.
public enum NamedInput {
    /// Fields with one meaning in everybody's operations, besides those of ``Belongings``.
    static let everybodys: Set = ["id", "name", "path", "paths", "branch", "revision", "directory"]

    /// Fields of the hub's own operations; in others' a `key` may be anything.
    static let own: Set = [
        "account", "base", "client", "dependsOn", "email", "into", "key", "operationId", "owner", "parent", "repoUrl",
        "requestId", "role", "roleName", "slug", "spoke", "task",
    ]

    /// The names by their fields, at most ``Limits/auditNames`` of them; of a `command` the program alone.
    ///
    /// - Parameter isOwn: Whether the operation is one of the hub's.
    public static func names(in input: JSONValue, isOwn: Bool) -> [String: [String]] {
        guard case .object(let members) = input else { return [:] }
        var (names, left): ([String: [String]], Int) = ([:], Limits.auditNames)
        for (field, value) in members.sorted(by: { $0.key < $1.key }) where left > 0 {
            let texts: [String] =
                if field == "command" {
                    [value.arrayValue?.first?.stringValue].compactMap(\.self)
                } else if everybodys.contains(field) || Belongings.fields[field] != nil
                    || isOwn && own.contains(field)
                {
                    value.stringValue.map { [$0] } ?? value.arrayValue?.prefix(left).compactMap(\.stringValue) ?? []
                } else {
                    []
                }
            guard !texts.isEmpty else { continue }
            names[field] = texts.map(AddressText.withoutCredentials)
            left -= texts.count
        }
        return names
    }

    /// The id of what an operation of the hub has made, by its answer; `nil` for one that makes nothing.
    public static func made(by operation: String, answering output: JSONValue) -> String? {
        guard makes(operation) else { return nil }
        let made = output["id"] ?? output["record"]?["id"] ?? output["sessionId"]
        return made?.stringValue
    }

    /// Whether the operation's answer is worth reading for that.
    public static func makes(_ operation: String) -> Bool {
        operation.hasSuffix(".create") || [RotateKey.name, SpawnSessions.name].contains(operation)
    }
}
