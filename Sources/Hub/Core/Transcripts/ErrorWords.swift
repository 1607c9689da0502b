import Protocol

/// What a tool's result says of an error, in words that stay the same when the same goes wrong again.
enum ErrorWords {
    /// The error of a tool's result; `nil` if it is none.
    ///
    /// Agents that do not mark errors wrap them in a tag. A person who says no, or interrupts, is no error of a tool.
    static func error(in result: JSONValue) -> String? {
        let text = text(of: result["output"] ?? .null)
        guard result["isError"] == .bool(true) || text.hasPrefix("<tool_use_error>") else { return nil }
        let lowered = text.prefix(400).lowercased()
        let isPersonsWord = refusals.contains { lowered.contains($0) }
        return isPersonsWord ? nil : settled(text)
    }

    private static let refusals = [
        "interrupted by user", "user doesn't want to", "user rejected", "rejected by user", "denied by user",
        "cancelled by user", "canceled by user",
    ]

    /// The words of a result: a text, or a list of parts with texts.
    private static func text(of output: JSONValue) -> String {
        switch output {
        case .string(let text): text
        case .array(let parts):
            parts.compactMap { $0["text"]?.stringValue ?? $0.stringValue }.joined(separator: " ")
        case .object: output["text"]?.stringValue ?? output["message"]?.stringValue ?? output.beginning
        case .null, .bool, .integer, .number: output.beginning
        }
    }

    /// Without colours, and with `#` for what counts on by itself: clock times, addresses, long numbers, durations.
    static func settled(_ text: String) -> String {
        let words = String(text.prefix(2_000)).replacing(#/\u{1b}\[[0-9;]*[A-Za-z]/#, with: "")
            .replacing(#/0x[0-9a-fA-F]+|\d{1,2}:\d{2}:\d{2}(?:\.\d+)?|\d+(?:\.\d+)?(?:ms|s)\b|\d{5,}/#, with: "#")
            .split(whereSeparator: \.isWhitespace).joined(separator: " ")
        return words.isEmpty ? "(no text)" : String(words.prefix(200))
    }
}
