import Protocol

/// What of an agent's messages and parts tells whether it is in trouble, counted as they are read.
///
/// It is stored between two passes like the rest of ``TranscriptMachine``, so nobody ever reads a transcript again to
/// count; and it is bounded, whatever an agent says. Counters only grow, but for a suspicion that proves wrong.
public struct TranscriptSigns: Codable, Hashable, Sendable {
    /// Results of tools, and those of them that were errors.
    public private(set) var toolResults = 0
    public private(set) var toolErrors = 0
    /// Errors since the last result that was none.
    public private(set) var errorStreak = 0
    /// Tool calls whose name is literally `tool`, and raw tool-call markup in what the model said.
    public private(set) var malformedNames = 0
    public private(set) var malformedTexts = 0
    /// The last of them, cut.
    public private(set) var malformedExample: String?
    /// Messages that ended in an error.
    public private(set) var abortedMessages = 0
    /// Ids of tool calls whose results have not come, oldest first.
    public private(set) var pendingTools: [String] = []
    /// Error texts that were seen last, newest last.
    public private(set) var errors: [ErrorText] = []
    /// Files that tools were told to change, as they were named.
    public private(set) var files: [String] = []
    /// A tool whose name really is `tool` was offered to the agent, or answered it.
    private var hasToolNamedTool = false
    /// Calls of a tool of that name whose results have not come.
    private var suspects: [String] = []
    private var speaker: MessageRole?
    private var isFenced = false

    /// One error and when it was seen.
    public struct ErrorText: Codable, Hashable, Sendable {
        /// Without what differs from time to time.
        public internal(set) var text: String
        /// Which of the session's tool errors it was, from 1 on; the last ``TranscriptSigns/occurrencesMax`` of them.
        public internal(set) var ordinals: [Int]
    }

    /// Files that are told apart, and bytes of a path.
    public static let filesMax = 100
    static let pathBytes = 200
    /// Error texts that are told apart, and occurrences of each that are remembered.
    static let errorsMax = 16
    public static let occurrencesMax = 32
    /// Tool calls that may be without a result at a time.
    static let pendingMax = 64

    public init() {}

    /// Malformed tool calls of both kinds.
    public var malformedCalls: Int { malformedNames + malformedTexts }

    mutating func take(_ step: TranscriptStep) {
        switch step {
        case .open(let role, _):
            speaker = role
            isFenced = false
        case .close(let status): if status == .error { abortedMessages += 1 }
        case .part(let kind, let data): take(kind, data)
        }
    }

    private mutating func take(_ kind: PartKind, _ data: JSONValue) {
        switch kind {
        case .stepStart:
            hasToolNamedTool = hasToolNamedTool || (data["tools"]?.arrayValue ?? []).contains("tool")
        case .stepFinish:
            // Its turn is over: nothing is under way any more.
            (pendingTools, suspects) = ([], [])
        case .text: if speaker == .assistant, let text = data["text"]?.stringValue { takeText(text) }
        case .toolCall: takeCall(data)
        case .toolResult: takeResult(data)
        case .patch: note(files: ToolFiles.named(inPatch: data))
        case .reasoning, .file, .snapshot, .compaction, .agent: break
        }
    }

    private mutating func takeText(_ text: String) {
        guard let markup = ToolMarkup.first(in: text, isFenced: &isFenced) else { return }
        malformedTexts += 1
        malformedExample = markup
    }

    private mutating func takeCall(_ data: JSONValue) {
        let id = String((data["id"]?.stringValue ?? "").prefix(100))
        if !id.isEmpty {
            if pendingTools.count == Self.pendingMax { pendingTools.removeFirst() }
            pendingTools.append(id)
        }
        let name = data["name"]?.stringValue ?? ""
        if name == "tool", !hasToolNamedTool {
            malformedNames += 1
            malformedExample = String("tool \(data["input"]?.beginning ?? "")".prefix(160))
            if suspects.count < Self.pendingMax { suspects.append(id) }
        }
        note(files: ToolFiles.changed(by: name, data["input"] ?? .null))
    }

    private mutating func takeResult(_ data: JSONValue) {
        let id = String((data["id"]?.stringValue ?? "").prefix(100))
        if let place = pendingTools.firstIndex(of: id) { pendingTools.remove(at: place) }
        toolResults += 1
        let error = ErrorWords.error(in: data)
        if let place = suspects.firstIndex(of: id) {
            suspects.remove(at: place)
            // It answered: there is a tool of that name, only nobody had said so.
            if error == nil { clearSuspicion() }
        }
        guard let error else {
            errorStreak = 0
            return
        }
        toolErrors += 1
        errorStreak += 1
        note(error: error)
    }

    private mutating func clearSuspicion() {
        (malformedNames, hasToolNamedTool, suspects) = (0, true, [])
        if malformedTexts == 0 { malformedExample = nil }
    }

    private mutating func note(error text: String) {
        var known = ErrorText(text: text, ordinals: [])
        if let place = errors.firstIndex(where: { $0.text == text }) { known = errors.remove(at: place) }
        known.ordinals.append(toolErrors)
        if known.ordinals.count > Self.occurrencesMax { known.ordinals.removeFirst() }
        // The one that was seen longest ago gives way.
        if errors.count == Self.errorsMax { errors.removeFirst() }
        errors.append(known)
    }

    private mutating func note(files named: [String]) {
        for file in named where files.count < Self.filesMax {
            let file = String(decoding: file.utf8.prefix(Self.pathBytes), as: UTF8.self)
            if !files.contains(file) { files.append(file) }
        }
    }
}

extension JSONValue {
    /// The beginning of the value as text.
    var beginning: String {
        switch self {
        case .string(let text): String(text.prefix(160))
        case .object, .array: String(decoding: serialized().prefix(160), as: UTF8.self)
        case .null: ""
        case .bool, .integer, .number: String(decoding: serialized(), as: UTF8.self)
        }
    }
}
