import Foundation
import Protocol

/// Shows what happens to a session to a person: what an agent says and does as text, what a command prints as it is.
struct SessionPrinter {
    private var agentOutput: AgentOutput?
    private var agent: AgentState?
    /// Messages whose text was shown, so that a step further is only a word.
    private var shown: Set<MessageID> = []

    /// A tool's input or output is cut here: whoever wants all of it asks for the parts.
    private static let toolCharacters = 400

    mutating func show(_ news: AttachedNews) throws {
        if let state = news.state { show(state) }
        if let piece = news.output { try show(piece) }
        if let part = news.part { try show(part) }
        if let message = news.message { show(message) }
    }

    private mutating func show(_ state: AttachedState) {
        agentOutput = state.agentOutput ?? agentOutput
        guard let now = state.agent, now != agent else { return }
        agent = now
        switch now {
        case .needsPermission, .needsAnswer, .quota: Output.note("hub: the agent's state is \(now.rawValue)")
        case .busy, .idle, .done: break
        }
    }

    /// What an agent prints comes as parts.
    private func show(_ piece: SessionOutputPiece) throws {
        if let gapTo = piece.gapTo {
            Output.note("hub: bytes \(piece.offset ?? 0) to \(gapTo) are missing: \(piece.gapReason ?? "dropped")")
        }
        guard let bytes = piece.bytes else { return }
        if piece.stream == .stderr { return FileHandle.standardError.write(bytes) }
        if agentOutput == nil { try Output.write([UInt8](bytes)) }
    }

    private func show(_ part: PartRecord) throws {
        if let text = Self.text(of: part) { try Output.line(text) }
    }

    /// A part in words; `nil` for what only programs care about.
    static func text(of part: PartRecord) -> String? {
        switch part.type {
        case .text: return (part.data["text"]?.stringValue).map { $0.hasSuffix("\n") ? String($0.dropLast()) : $0 }
        case .reasoning: return "(\(part.data.cell("text")))"
        case .toolCall: return "→ \(part.data.cell("name")) \(cut(part.data["input"]))"
        case .toolResult: return "\(part.data["isError"] == true ? "✗" : "←") \(cut(part.data["output"]))"
        case .agent: return "· \(part.data["type"]?.stringValue ?? cut(part.data))"
        case .file, .patch: return "→ \(part.type.rawValue) \(cut(part.data))"
        case .stepStart, .stepFinish, .snapshot, .compaction: return nil
        }
    }

    private static func cut(_ value: JSONValue?) -> String {
        let text = value?.stringValue ?? String(decoding: (value ?? .null).serialized(), as: UTF8.self)
        return text.count > toolCharacters ? text.prefix(toolCharacters) + "…" : text
    }

    /// What was said to the session, and how far it came; what the agent says comes as parts.
    private mutating func show(_ message: MessageRecord) {
        guard let text = message.data["text"]?.stringValue else { return }
        let step = message.error ?? message.delivery?.rawValue ?? message.data["level"]?.stringValue ?? ""
        let isNew = shown.insert(message.id).inserted
        Output.note(isNew ? "» \(text)  \(step)" : "» … \(step)")
    }
}
