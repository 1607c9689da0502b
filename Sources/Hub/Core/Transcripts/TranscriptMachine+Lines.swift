import Protocol

/// The lines that common agent programs print: one JSON object each, told apart by `type`.
extension TranscriptMachine {
    mutating func take(_ line: JSONValue, into steps: inout [TranscriptStep]) {
        if let id = line["session_id"]?.stringValue ?? line["sessionId"]?.stringValue {
            note { if $0.providerSessionId == nil { $0.providerSessionId = String(id.prefix(200)) } }
        }
        switch line["type"]?.stringValue {
        case "system": takeSystem(line, into: &steps)
        case "assistant": takeMessage(line, role: .assistant, into: &steps)
        case "user": takeMessage(line, role: .user, into: &steps)
        case "result": takeResult(line, into: &steps)
        case "control_request", "permission_request":
            note { $0.state = .needsPermission }
            keep(line, into: &steps)
        case "question", "input_request":
            note { $0.state = .needsAnswer }
            keep(line, into: &steps)
        default: keep(line, into: &steps)
        }
    }

    /// What is not understood stays as it was said.
    private mutating func keep(_ line: JSONValue, into steps: inout [TranscriptStep]) {
        open(.system, key: nil, model: nil, into: &steps)
        steps.append(.part(.agent, line))
    }

    private mutating func takeSystem(_ line: JSONValue, into steps: inout [TranscriptStep]) {
        switch line["subtype"]?.stringValue {
        case "init":
            let model = line["model"]?.stringValue
            note {
                $0.state = .busy
                $0.model = model
            }
            open(.system, key: nil, model: model, into: &steps)
            steps.append(.part(.stepStart, line))
        case "compact_boundary", "compaction":
            open(.system, key: nil, model: nil, into: &steps)
            steps.append(.part(.compaction, line))
        default: keep(line, into: &steps)
        }
    }

    private mutating func takeMessage(_ line: JSONValue, role: MessageRole, into steps: inout [TranscriptStep]) {
        let message = line["message"] ?? line
        let model = message["model"]?.stringValue
        note { $0.state = .busy }
        go(on: role, key: message["id"]?.stringValue, model: model, into: &steps)
        switch message["content"] {
        case .string(let text)?: steps.append(.part(.text, ["text": .string(text)]))
        case .array(let blocks)?: for block in blocks { steps.append(Self.part(of: block)) }
        default: steps.append(.part(.agent, line))
        }
        if let usage = message["usage"] { note { $0.usage.add(usage) } }
    }

    private static func part(of block: JSONValue) -> TranscriptStep {
        switch block["type"]?.stringValue {
        case "text": .part(.text, ["text": block["text"] ?? ""])
        case "thinking", "reasoning": .part(.reasoning, ["text": block["thinking"] ?? block["text"] ?? ""])
        case "tool_use":
            .part(
                .toolCall,
                ["id": block["id"] ?? .null, "name": block["name"] ?? .null, "input": block["input"] ?? .null]
            )
        case "tool_result":
            .part(
                .toolResult,
                [
                    "id": block["tool_use_id"] ?? .null, "output": block["content"] ?? .null,
                    "isError": block["is_error"] ?? false,
                ]
            )
        case "file", "image", "document": .part(.file, block)
        case "patch", "diff": .part(.patch, block)
        default: .part(.agent, block)
        }
    }

    private mutating func takeResult(_ line: JSONValue, into steps: inout [TranscriptStep]) {
        open(.assistant, key: nil, model: nil, into: &steps)
        steps.append(.part(.stepFinish, line))
        let isError = line["is_error"] == .bool(true)
        close(into: &steps, isError ? .error : .complete)
        let limit = Self.limit(line)
        note { facts in
            facts.state = limit == nil ? .idle : .quota
            facts.quotaResetsAt = limit ?? nil
            if let usage = line["usage"] { facts.usage.settle(usage) }
            facts.usage.costUsd = line["total_cost_usd"]?.doubleValue ?? facts.usage.costUsd
            facts.usage.turns = line["num_turns"]?.integerValue ?? facts.usage.turns
        }
    }

    /// Whether a result tells of a provider's limit, and when that ends if it says so: `… limit reached|1712345678`.
    private static func limit(_ line: JSONValue) -> Int64?? {
        let text = (line["result"]?.stringValue ?? line["error"]?.stringValue ?? "").lowercased()
        let subtype = line["subtype"]?.stringValue ?? ""
        let end = text.split(separator: "|").last.flatMap { Int64($0) }
        // An agent that succeeded may have written about limits.
        let isTold = line["is_error"] == .bool(true) || end != nil
        let isNamed = text.contains("limit reached") || text.contains("quota exceeded")
        guard isNamed && isTold || subtype.contains("rate_limit") else { return nil }
        return .some(end.map { $0 * 1_000 })
    }
}

extension AgentUsage {
    /// Counts one answer's usage in.
    mutating func add(_ usage: JSONValue) {
        inputTokens += usage["input_tokens"]?.integerValue ?? 0
        outputTokens += usage["output_tokens"]?.integerValue ?? 0
        cachedTokens += usage["cache_read_input_tokens"]?.integerValue ?? 0
    }

    /// A result's usage is the sum of its answers': it stands for what was counted where it is more.
    mutating func settle(_ usage: JSONValue) {
        inputTokens = max(inputTokens, usage["input_tokens"]?.integerValue ?? 0)
        outputTokens = max(outputTokens, usage["output_tokens"]?.integerValue ?? 0)
        cachedTokens = max(cachedTokens, usage["cache_read_input_tokens"]?.integerValue ?? 0)
    }
}

extension JSONValue {
    fileprivate var doubleValue: Double? {
        switch self {
        case .number(let number): number
        case .integer(let whole): Double(whole)
        case .null, .bool, .string, .array, .object: nil
        }
    }
}
