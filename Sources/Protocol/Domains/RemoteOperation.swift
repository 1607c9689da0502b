/// How an operation answers, and whether asking changes anything.
public enum OperationKind: String, Codable, CaseIterable, Hashable, Sendable {
    /// One answer, nothing changed; may be asked again at any time.
    case query
    /// One answer, something changed; audited, and repeatable only under an idempotency key.
    case mutation
    /// Any number of values until it ends or the consumer leaves.
    case subscription
}

/// A type whose properties are explained to whoever reads its JSON Schema.
public protocol Described {
    /// What each property means, in one sentence, by its JSON name. Properties of a nested type go by a dotted path
    /// (`run.command`; lists and dictionaries are passed through), unless the nested type is ``Described`` itself.
    static var fields: [String: String] { get }
}

/// A request that names its operation and the answer to it: the one source for the wire, the catalogue and the handler.
///
///     public struct GetProject: RemoteOperation {
///         public static let name = "project.get"
///         public static let kind = OperationKind.query
///         public static let summary = "One project by id or name."
///         public static let access = AccessControl.scopes("project:read")
///         public static let fields = ["project": "The project's id or name."]
///         public typealias Output = ProjectRecord
///         public var project: String
///     }
///
/// Input is decoded strictly: a field that the type does not have is a `VALIDATION_ERROR`. What may be left out is
/// an optional property.
public protocol RemoteOperation: Codable, Sendable, Described {
    /// What is answered; for a subscription, one value of it.
    associatedtype Output: Codable & Sendable
    /// `namespace.name`, as in `project.create`.
    static var name: String { get }
    /// Query, mutation or subscription.
    static var kind: OperationKind { get }
    /// Another one when input or answer change so that callers of the former would fail; a test holds it to that
    /// (`docs/operations.jsonl`).
    static var version: String { get }
    /// One sentence for a person or a model that chooses among operations.
    static var summary: String { get }
    /// What a caller must hold.
    static var access: AccessControl { get }
    /// Inputs that are right as they stand; shown in the catalogue and run through the decoder by a test.
    static var examples: [Self] { get }
    /// The answer carries a secret that is shown once: it is stored nowhere, so an idempotency key cannot repeat it.
    static var answersSecret: Bool { get }
}

extension RemoteOperation {
    /// The first unless the operation says otherwise.
    public static var version: String { "1" }
    /// None unless the operation gives some.
    public static var examples: [Self] { [] }
    /// No secret unless the operation says so.
    public static var answersSecret: Bool { false }

    /// The part of the name before the first dot.
    public static var namespace: String { String(name.prefix { $0 != "." }) }
}

/// An answer that has nothing to say but that it was done.
public struct Done: Codable, Hashable, Sendable, Described {
    public static let fields = ["done": "Always true: what was asked is so now."]
    /// Always true.
    public var done: Bool

    public init() { done = true }
}
