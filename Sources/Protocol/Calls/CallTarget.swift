/// Where a call shall be answered, if its caller does not leave that to the hub (calls.md, addressing).
public struct CallTarget: Codable, Hashable, Sendable, Described {
    public static let fields = [
        "spokeId": "This very spoke.",
        "spokeName": "The spoke of this name.",
        "labels": "Spokes with all of these labels.",
        "sessionId": "The spoke on which this session runs.",
    ]
    public var spokeId: SpokeID?
    public var spokeName: String?
    public var labels: [String: String]?
    public var sessionId: SessionID?

    public init(
        spokeId: SpokeID? = nil,
        spokeName: String? = nil,
        labels: [String: String]? = nil,
        sessionId: SessionID? = nil
    ) {
        self.spokeId = spokeId
        self.spokeName = spokeName
        self.labels = labels
        self.sessionId = sessionId
    }

    /// Reads one from what a caller wrote, who may have mistyped: it would choose another machine.
    ///
    /// - Throws: `VALIDATION_ERROR` for what is no target, and for fields that a target has not.
    public init(asked value: JSONValue) throws(Fault) {
        let known = Self.fields.keys.sorted().joined(separator: ", ")
        guard case .object(let members) = value else {
            throw Fault.invalid("target", "must be an object with \(known).")
        }
        if let unknown = members.keys.sorted().first(where: { Self.fields[$0] == nil }) {
            let name = unknown.cut(toBytes: Limits.shownNameBytes)
            throw Fault.invalid("target.\(name)", "is not a field of a target; it has \(known).")
        }
        self = try value.decoded()
    }

    /// Whether it leaves everything to the hub.
    public var isOpen: Bool {
        spokeId == nil && spokeName == nil && (labels ?? [:]).isEmpty && sessionId == nil
    }
}
