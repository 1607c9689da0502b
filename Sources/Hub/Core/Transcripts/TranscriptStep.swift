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

/// What an agent used, in tokens and dollars.
public struct AgentUsage: Codable, Hashable, Sendable {
    public var inputTokens: Int64
    public var outputTokens: Int64
    public var cachedTokens: Int64
    /// As the agent itself reports it.
    public var costUsd: Double
    public var turns: Int64

    public init(
        inputTokens: Int64 = 0,
        outputTokens: Int64 = 0,
        cachedTokens: Int64 = 0,
        costUsd: Double = 0,
        turns: Int64 = 0
    ) {
        self.inputTokens = inputTokens
        self.outputTokens = outputTokens
        self.cachedTokens = cachedTokens
        self.costUsd = costUsd
        self.turns = turns
    }
}
