/// The revisions of the Model Context Protocol that are spoken here. All of them begin with `initialize`.
public enum MCPVersion: String, CaseIterable, Hashable, Sendable {
    case march2025 = "2025-03-26"
    case june2025 = "2025-06-18"
    case november2025 = "2025-11-25"

    /// What a client is offered that asks for a revision that is not spoken here.
    public static let newest = MCPVersion.november2025

    /// Whether several messages may come in one list. Only the first revision had that.
    public var allowsBatches: Bool { self == .march2025 }

    /// All of them as JSON, for whoever asked for another.
    public static var listing: JSONValue { .array(allCases.map { .string($0.rawValue) }) }
}
