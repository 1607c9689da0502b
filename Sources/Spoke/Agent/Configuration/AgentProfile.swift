public import Protocol

/// How to run an agent program, and how to talk with it.
public struct AgentProfile: Codable, Hashable, Sendable {
    public enum PromptChannel: String, Codable, Sendable { case argument, stdin }
    /// Program and arguments; the prompt is appended or written to stdin.
    public var command: [String]
    public var promptVia: PromptChannel
    /// What it writes to standard output; text if absent.
    public var output: AgentOutput?
    /// What it reads from standard input; text if absent.
    public var input: AgentOutput?
    /// Arguments that take an earlier conversation up again, with `{session}` where the agent's own id of it goes.
    public var resume: [String]?
    /// A line for its standard input that has it stop what it does: the first step of an abort.
    public var interrupt: String?

    public init(
        command: [String],
        promptVia: PromptChannel,
        output: AgentOutput? = nil,
        input: AgentOutput? = nil,
        resume: [String]? = nil,
        interrupt: String? = nil
    ) {
        self.command = command
        self.promptVia = promptVia
        self.output = output
        self.input = input
        self.resume = resume
        self.interrupt = interrupt
    }

    /// What the hub is told of it.
    func offer(as name: String) -> AgentOffer {
        AgentOffer(name: name, resumes: resume != nil, interrupts: interrupt != nil, output: output ?? .text)
    }

    /// What is wrong with it, if anything.
    var flaw: String? {
        if command.isEmpty { return "command must name a program" }
        if let resume, !resume.contains(where: { $0.contains(Self.placeholder) }) {
            return "resume must have \(Self.placeholder) where the conversation's id goes"
        }
        if let interrupt, interrupt.isEmpty || interrupt.utf8.contains(where: { $0 == 0 || $0 == UInt8(ascii: "\n") }) {
            return "interrupt must be one line"
        }
        return nil
    }

    private static let placeholder = "{session}"

    /// Program and arguments for an order.
    ///
    /// - Throws: `VALIDATION_ERROR` for a conversation to take up where the profile does not say how.
    func arguments(for run: RunOrder) throws(Fault) -> [String] {
        var arguments = command
        if let conversation = run.resume {
            guard let resume else {
                throw Fault.invalid("run.resume", "cannot be: agent \(run.agent ?? "") has no resume: in spoke.yaml.")
            }
            arguments += resume.map { $0.replacing(Self.placeholder, with: conversation) }
        }
        return promptVia == .argument ? arguments + [run.prompt ?? ""] : arguments
    }

    /// A text as the agent wants to read it: a line of text, or a user's message as one line of JSON.
    func encoded(_ text: String) -> String {
        switch input ?? .text {
        case .text: return text
        case .jsonl:
            let message: JSONValue = [
                "type": "user",
                "message": ["role": "user", "content": [["type": "text", "text": .string(text)]]],
            ]
            return String(decoding: WireCoder.bytes(of: message), as: UTF8.self)
        }
    }
}
