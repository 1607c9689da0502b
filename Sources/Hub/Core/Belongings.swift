public import Protocol

/// The things that an input names and that may belong to an organisation, found by the names of its fields.
///
/// One place for all operations: whoever declares an operation with a field `project`, `projectId`, `sessionId`, … has
/// said that it is about that project or session, and the hub lets through only callers who may see it.
public struct Belongings: Hashable, Sendable {
    /// What is named.
    public enum Kind: String, CaseIterable, Hashable, Sendable {
        case organization, project, session, workspace, salvage, task, detection
    }

    /// One name of one thing.
    public struct Name: Hashable, Sendable {
        public var kind: Kind
        /// An id, or what else the thing is called by.
        public var text: String

        public init(_ kind: Kind, _ text: String) {
            self.kind = kind
            self.text = text
        }
    }

    /// In the order in which they were found, each once.
    public private(set) var names: [Name] = []

    /// What this input names, at any depth.
    public init(of input: JSONValue) {
        var known: Set<Name> = []
        collect(input, &known)
    }

    /// The first of a kind: what a line of the audit trail is about.
    public func first(_ kind: Kind) -> String? { names.first { $0.kind == kind }?.text }

    /// What belongs to an organisation rather than being one.
    public var owned: [Name] { names.filter { $0.kind != .organization } }

    /// The fields that name something. A new field that does is added here.
    public static let fields: [String: Kind] = [
        "org": .organization, "orgId": .organization,
        "project": .project, "projectId": .project, "projectIds": .project,
        "session": .session, "sessionId": .session, "sessionIds": .session, "parentSessionId": .session,
        "parentId": .session,
        "workspace": .workspace, "workspaceId": .workspace,
        "salvage": .salvage, "salvageId": .salvage,
        "taskId": .task, "parentTaskId": .task,
        "detectionId": .detection,
    ]

    private mutating func collect(_ value: JSONValue, _ known: inout Set<Name>) {
        switch value {
        case .object(let members):
            for (key, value) in members.sorted(by: { $0.key < $1.key }) {
                if let kind = Self.fields[key] { note(kind, value, &known) }
                collect(value, &known)
            }
        case .array(let elements): for element in elements { collect(element, &known) }
        case .null, .bool, .integer, .number, .string: break
        }
    }

    private mutating func note(_ kind: Kind, _ value: JSONValue, _ known: inout Set<Name>) {
        for text in value.arrayValue?.compactMap(\.stringValue) ?? value.stringValue.map({ [$0] }) ?? [] {
            let name = Name(kind, text)
            if known.insert(name).inserted { names.append(name) }
        }
    }
}
