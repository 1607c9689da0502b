public import Protocol

/// What one line of an agent's output amounts to, in the order in which it is to be stored.
public enum TranscriptStep: Hashable, Sendable {
    /// A message begins. Parts that follow belong to it.
    case open(role: MessageRole, model: String?)
    case part(PartKind, JSONValue)
    /// Nothing more belongs to the message.
    case close(MessageStatus)
}

/// What is known of an agent besides its messages.
public struct AgentFacts: Codable, Hashable, Sendable {
    public var state: AgentState
    /// The id by which the agent program itself knows the conversation.
    public var providerSessionId: String?
    public var model: String?
    /// Milliseconds since 1970 at which a provider's limit ends, if the agent named it.
    public var quotaResetsAt: Int64?
    public var usage: AgentUsage

    public init(state: AgentState = .busy, usage: AgentUsage = AgentUsage()) {
        self.state = state
        self.usage = usage
    }
}
