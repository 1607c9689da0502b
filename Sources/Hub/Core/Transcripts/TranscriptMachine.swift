public import Protocol

/// Turns what an agent prints into messages and parts: bytes in, steps out, nothing else known.
///
/// It goes line by line, and what it knows between two lines is a small value that is stored beside the steps. So a
/// crash between two passes repeats no line and loses none: the next pass begins at ``offset`` with the same value.
public struct TranscriptMachine: Codable, Hashable, Sendable {
    /// A line longer than this is kept as text, in pieces: it is no message of an agent.
    public static let lineMax = 1 << 20

    public let output: AgentOutput
    /// The placement of the session whose output it reads.
    public let fence: Int64
    /// The first byte of standard output that no step was made of yet.
    public private(set) var offset: Int64 = 0
    public private(set) var facts = AgentFacts()
    /// What of it tells whether the agent is in trouble.
    public private(set) var signs = TranscriptSigns()
    /// The message that is open, by the agent's own key; none if there is none or it has no key.
    private var openKey: String?
    private var isOpen = false

    public init(_ output: AgentOutput, fence: Int64) {
        self.output = output
        self.fence = fence
    }

    /// Takes in the bytes at ``offset`` on, as far as they are whole lines; what is left of them comes again.
    ///
    /// - Parameter isLast: Nothing follows: the last line needs no end.
    public mutating func read(_ bytes: [UInt8], isLast: Bool) -> [TranscriptStep] {
        var steps: [TranscriptStep] = []
        var start = bytes.startIndex
        while start < bytes.endIndex {
            let rest = bytes[start...]
            guard let end = rest.firstIndex(of: UInt8(ascii: "\n")) else {
                let isTooLong = rest.count >= Self.lineMax
                guard isLast || isTooLong else { break }
                read(line: rest, into: &steps)
                offset += Int64(rest.count)
                break
            }
            read(line: bytes[start..<end], into: &steps)
            offset += Int64(end + 1 - start)
            start = end + 1
        }
        if isLast { close(into: &steps, .complete) }
        for step in steps { signs.take(step) }
        return steps
    }

    /// Bytes up to here were lost on the way: the line around them cannot be read.
    public mutating func skip(to next: Int64, because reason: String) -> [TranscriptStep] {
        guard next > offset else { return [] }
        let lost: JSONValue = ["lostBytes": .integer(next - offset), "reason": .string(reason)]
        offset = next
        var steps: [TranscriptStep] = []
        open(.system, key: nil, model: nil, into: &steps)
        steps.append(.part(.agent, lost))
        close(into: &steps, .error)
        for step in steps { signs.take(step) }
        return steps
    }

    /// Whether something came since then that an anomaly may be made of.
    public func isInMoreTrouble(than before: Self) -> Bool {
        signs.toolErrors > before.signs.toolErrors || signs.malformedCalls > before.signs.malformedCalls
            || signs.files.count > before.signs.files.count || (facts.state == .quota) != (before.facts.state == .quota)
    }

    private mutating func read(line: ArraySlice<UInt8>, into steps: inout [TranscriptStep]) {
        switch output {
        case .text:
            if !isOpen { open(.assistant, key: nil, model: nil, into: &steps) }
            steps.append(.part(.text, ["text": .string(Self.text(line) + "\n")]))
        case .jsonl:
            if line.allSatisfy({ $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\r") }) { return }
            // A line that is no JSON object is something that the program said outside its protocol.
            guard line.count < Self.lineMax, let value = try? JSONValue(parsing: Array(line)), case .object = value
            else {
                if !isOpen { open(.system, key: nil, model: nil, into: &steps) }
                return steps.append(.part(.text, ["text": .string(Self.text(line))]))
            }
            take(Self.storable(value), into: &steps)
        }
    }

    /// The value without U+0000 in its texts and names: JSON may write it as an escape, which no jsonb can hold.
    private static func storable(_ value: JSONValue) -> JSONValue {
        switch value {
        case .null, .bool, .integer, .number: value
        case .string(let text): .string(storable(text))
        case .array(let elements): .array(elements.map(storable))
        case .object(let members):
            .object(Dictionary(members.map { (storable($0), storable($1)) }, uniquingKeysWith: { first, _ in first }))
        }
    }

    private static func storable(_ text: String) -> String {
        text.utf8.contains(0) ? text.replacing("\0", with: "\u{fffd}") : text
    }

    private static func text(_ bytes: ArraySlice<UInt8>) -> String {
        // U+0000 is the one character that Postgres' jsonb cannot hold.
        String(decoding: bytes, as: UTF8.self).replacing("\0", with: "\u{fffd}")
    }

    mutating func open(_ role: MessageRole, key: String?, model: String?, into steps: inout [TranscriptStep]) {
        close(into: &steps, .complete)
        steps.append(.open(role: role, model: model))
        (isOpen, openKey) = (true, key)
    }

    mutating func close(into steps: inout [TranscriptStep], _ status: MessageStatus) {
        if isOpen { steps.append(.close(status)) }
        (isOpen, openKey) = (false, nil)
    }

    /// Goes on with the message of this key if it is the open one; opens it otherwise.
    mutating func go(on role: MessageRole, key: String?, model: String?, into steps: inout [TranscriptStep]) {
        if isOpen, let key, key == openKey { return }
        open(role, key: key, model: model, into: &steps)
    }

    mutating func note(_ change: (inout AgentFacts) -> Void) { change(&facts) }
}
