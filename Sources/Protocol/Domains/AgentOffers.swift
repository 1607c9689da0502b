/// An agent program that a spoke's owner has set up: what `--agent NAME` runs there.
public struct AgentOffer: Codable, Hashable, Sendable, Described {
    public static let fields = [
        "name": "The profile's name in the spoke's configuration.",
        "resumes": "Whether it can take up an earlier conversation: session.resume needs it.",
        "interrupts": "Whether it is told to stop in its own words before it is interrupted.",
        "output": "How what it prints is read.",
    ]
    public var name: String
    public var resumes: Bool
    public var interrupts: Bool
    public var output: AgentOutput

    public init(name: String, resumes: Bool = false, interrupts: Bool = false, output: AgentOutput = .text) {
        self.name = name
        self.resumes = resumes
        self.interrupts = interrupts
        self.output = output
    }

    /// Agents that one spoke may tell of.
    public static let most = 64
}
