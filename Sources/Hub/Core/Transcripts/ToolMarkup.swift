/// Tells a tool call that a model wrote out as text, instead of making it, from a text about tool calls.
///
/// What stands between fences or backticks is quoted, and so is what stands in the middle of a sentence; a call that
/// was written out begins a line.
enum ToolMarkup {
    /// How lines begin that should have been calls. They come from the prompt formats of model families.
    static let openings = [
        "<tool_call>", "<tool_use>", "<function_calls>", "<function_call>", "<invoke name=", "<function=",
        "<tool_code>", "[TOOL_CALLS]", "[TOOL_CALL]", "<|tool_call|>", "<|tool_calls_section_begin|>",
        "<|python_tag|>", "<｜tool▁calls▁begin｜>", "<antml:",
    ]

    /// The first line of the text that is one, cut; `nil` if there is none.
    ///
    /// - Parameter isFenced: Whether the text begins between fences; afterwards, whether what follows it does.
    static func first(in text: String, isFenced: inout Bool) -> String? {
        var found: String?
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            let line = line.drop { $0 == " " || $0 == "\t" }
            if line.hasPrefix("```") || line.hasPrefix("~~~") {
                isFenced.toggle()
            } else if !isFenced, found == nil, openings.contains(where: { line.hasPrefix($0) }) {
                found = String(line.prefix(160))
            }
        }
        return found
    }
}
