/// Why a text is not the JSON that was wanted, and where.
struct JSONProblem: Error, Hashable {
    enum Kind: Hashable {
        case syntax(String)
        case notText
        case tooDeep
        case tooManyValues
        case duplicateKey(String)
        /// A member that must be there is not.
        case missing(String)
        /// JSON, but not what the message says there.
        case unfit(String)
    }

    let kind: Kind
    /// The byte at which reading stopped.
    let offset: Int

    /// What a person reads, without the place.
    var sentence: String {
        switch kind {
        case .syntax(let text): text
        case .notText: "is not UTF-8."
        case .tooDeep: "is nested too deeply."
        case .tooManyValues: "holds too many values."
        case .duplicateKey(let key): "has the key “\(key.prefix(40))” twice."
        case .missing(let key): "lacks “\(key)”."
        case .unfit(let text): text
        }
    }

    /// How a connection is closed that carried it.
    var closeReason: CloseReason {
        switch kind {
        case .notText: .notText
        case .tooDeep, .tooManyValues: .tooLarge("The message \(sentence)")
        case .syntax, .duplicateKey, .missing, .unfit: .malformed("At byte \(offset) the message \(sentence)")
        }
    }

    /// The answer to a caller who sent it.
    var fault: Fault { Fault(.validation, "At byte \(offset) the JSON \(sentence)") }
}

/// Reads JSON (RFC 8259) from bytes in one pass: strict, bounded in depth and in values, without a tree
/// unless one is asked for.
struct JSONScanner {
    let bytes: [UInt8]
    private(set) var index = 0
    private var depth = 0
    private var values = 0
    private let depthMax: Int

    init(_ bytes: [UInt8], depthMax: Int = Limits.jsonDepth) {
        self.bytes = bytes
        self.depthMax = depthMax
    }

    /// Goes on behind what was read by hand.
    mutating func advance(to place: Int) { index = place }

    func problem(_ kind: JSONProblem.Kind) -> JSONProblem { JSONProblem(kind: kind, offset: index) }

    /// The byte that begins the next token; `nil` at the end.
    mutating func peek() -> UInt8? {
        while index < bytes.count {
            switch bytes[index] {
            case 0x20, 0x0A, 0x0D, 0x09: index += 1
            case let byte: return byte
            }
        }
        return nil
    }

    /// Nothing but white space may be left.
    mutating func end() throws(JSONProblem) {
        guard peek() == nil else { throw problem(.syntax("has something behind its end.")) }
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard peek() == byte else { return false }
        index += 1
        return true
    }

    private mutating func expect(_ byte: UInt8) throws(JSONProblem) {
        guard take(byte) else {
            throw problem(.syntax("lacks a “\(Character(Unicode.Scalar(byte)))” here."))
        }
    }

    private mutating func take(word: StaticString) -> Bool {
        let end = index + word.utf8CodeUnitCount
        guard end <= bytes.count else { return false }
        let same = word.withUTF8Buffer { $0.elementsEqual(bytes[index..<end]) }
        if same { index = end }
        return same
    }

    private mutating func enter() throws(JSONProblem) {
        depth += 1
        guard depth <= depthMax else { throw problem(.tooDeep) }
    }

    private mutating func count() throws(JSONProblem) {
        values += 1
        guard values <= Limits.jsonValues else { throw problem(.tooManyValues) }
    }
}

// MARK: - Containers

extension JSONScanner {
    /// Reads an object; `member` is given each key and must read its value.
    mutating func object(
        _ member: (inout JSONScanner, String) throws(JSONProblem) -> Void
    ) throws(JSONProblem) {
        try expect(UInt8(ascii: "{"))
        try enter()
        defer { depth -= 1 }
        if take(UInt8(ascii: "}")) { return }
        var seen = SeenKeys()
        repeat {
            let key = try string()
            guard seen.insert(key) else { throw problem(.duplicateKey(key)) }
            try expect(UInt8(ascii: ":"))
            try count()
            try member(&self, key)
        } while take(UInt8(ascii: ","))
        try expect(UInt8(ascii: "}"))
    }

    /// Any value, as a tree.
    mutating func value() throws(JSONProblem) -> JSONValue {
        switch peek() {
        case UInt8(ascii: "{"): return .object(try members())
        case UInt8(ascii: "["): return .array(try elements())
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"), UInt8(ascii: "f"): return .bool(try bool())
        case UInt8(ascii: "n"):
            guard null() else { throw problem(.syntax("holds a word that is no JSON.")) }
            return .null
        default: return try number()
        }
    }

    /// Reads past any value, checking it as strictly as if it were wanted.
    mutating func skip() throws(JSONProblem) { _ = try value() }

    private mutating func members() throws(JSONProblem) -> [String: JSONValue] {
        var members: [String: JSONValue] = [:]
        try expect(UInt8(ascii: "{"))
        try enter()
        defer { depth -= 1 }
        if take(UInt8(ascii: "}")) { return members }
        repeat {
            let key = try string()
            try expect(UInt8(ascii: ":"))
            try count()
            let element = try value()
            // Where there are two there are usually a few: growing one by one hashes every key again each time.
            if members.count == 1 { members.reserveCapacity(Self.membersUsual) }
            guard members.updateValue(element, forKey: key) == nil else { throw problem(.duplicateKey(key)) }
        } while take(UInt8(ascii: ","))
        try expect(UInt8(ascii: "}"))
        return members
    }

    private static let membersUsual = 6

    private mutating func elements() throws(JSONProblem) -> [JSONValue] {
        var elements: [JSONValue] = []
        try expect(UInt8(ascii: "["))
        try enter()
        defer { depth -= 1 }
        if take(UInt8(ascii: "]")) { return elements }
        repeat {
            try count()
            elements.append(try value())
        } while take(UInt8(ascii: ","))
        try expect(UInt8(ascii: "]"))
        return elements
    }

    /// The keys of one object: few in what peers write, but a hostile one may hold many.
    private struct SeenKeys {
        private var few: [String] = []
        private var many: Set<String> = []
        private static let fewMax = 16

        init() { few.reserveCapacity(Self.fewMax) }

        mutating func insert(_ key: String) -> Bool {
            if few.contains(key) { return false }
            guard few.count == Self.fewMax else {
                few.append(key)
                return true
            }
            return many.insert(key).inserted
        }
    }
}

// MARK: - Words and numbers

extension JSONScanner {
    /// Takes `null` if it stands here.
    mutating func null() -> Bool { peek() == UInt8(ascii: "n") && take(word: "null") }

    mutating func bool() throws(JSONProblem) -> Bool {
        switch peek() {
        case UInt8(ascii: "t") where take(word: "true"): return true
        case UInt8(ascii: "f") where take(word: "false"): return false
        default: throw problem(.unfit("must have true or false here."))
        }
    }

    /// A whole number within bounds.
    mutating func integer(in range: ClosedRange<Int64>) throws(JSONProblem) -> Int64 {
        guard case .integer(let whole) = try number(), range.contains(whole) else {
            throw problem(.unfit("must have a whole number in \(range.lowerBound)…\(range.upperBound) here."))
        }
        return whole
    }

    mutating func double() throws(JSONProblem) -> Double {
        switch try number() {
        case .integer(let whole): return Double(whole)
        case .number(let value): return value
        case .null, .bool, .string, .array, .object: throw problem(.unfit("must have a number here."))
        }
    }

    /// Whole numbers that fit are integers however they are written, as for Foundation's decoder.
    private mutating func number() throws(JSONProblem) -> JSONValue {
        _ = peek()
        let start = index
        if index < bytes.count, bytes[index] == UInt8(ascii: "-") { index += 1 }
        let leading = index
        var whole: Int64? = 0
        while let digit = digit() {
            whole = whole.flatMap { Self.appending(digit, to: $0) }
        }
        let digits = index - leading
        guard digits > 0 else { throw problem(.syntax("lacks a value here.")) }
        guard digits == 1 || bytes[leading] != UInt8(ascii: "0") else {
            throw problem(.syntax("has a number that begins with 0."))
        }
        let isPlain = try !fraction()
        guard index - start <= Self.numberBytes else { throw problem(.unfit("has a number that is too long.")) }
        if isPlain, let whole { return .integer(leading > start ? -whole : whole) }
        let text = String(decoding: bytes[start..<index], as: UTF8.self)
        guard let value = Double(text), value.isFinite else {
            throw problem(.unfit("has a number that no double holds."))
        }
        if value.magnitude <= Double(1 << 53), let exact = Int64(exactly: value) { return .integer(exact) }
        if text == "\(Int64.min)" { return .integer(.min) }
        return .number(value)
    }

    /// More digits than this say nothing that a double could hold.
    private static let numberBytes = 1_024

    /// Reads what may follow the digits of a number; `false` if nothing does.
    private mutating func fraction() throws(JSONProblem) -> Bool {
        var found = false
        if index < bytes.count, bytes[index] == UInt8(ascii: ".") {
            index += 1
            found = true
            try digits()
        }
        if index < bytes.count, bytes[index] | 0x20 == UInt8(ascii: "e") {
            index += 1
            found = true
            if index < bytes.count, bytes[index] == UInt8(ascii: "+") || bytes[index] == UInt8(ascii: "-") {
                index += 1
            }
            try digits()
        }
        return found
    }

    private mutating func digits() throws(JSONProblem) {
        guard digit() != nil else { throw problem(.syntax("has a number without its digits.")) }
        while digit() != nil {}
    }

    private mutating func digit() -> Int64? {
        guard index < bytes.count, case let byte = bytes[index], 48...57 ~= byte else { return nil }
        index += 1
        return Int64(byte &- 48)
    }

    private static func appending(_ digit: Int64, to whole: Int64) -> Int64? {
        let (product, overflows) = whole.multipliedReportingOverflow(by: 10)
        let (sum, carries) = product.addingReportingOverflow(digit)
        return overflows || carries ? nil : sum
    }
}
