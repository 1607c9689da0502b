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

    /// Whether it leaves everything to the hub.
    public var isOpen: Bool {
        spokeId == nil && spokeName == nil && (labels ?? [:]).isEmpty && sessionId == nil
    }
}
