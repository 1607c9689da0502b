/// The front matter of a Markdown file, as far as tasks use YAML: names with texts and lists of texts.
///
/// Texts may be plain, in either kind of quotes, or blocks after `|` and `>`; lists in brackets or a dash a line.
/// Whatever else YAML can say is refused with its line, never guessed at.
struct FrontMatter {
    enum Value: Equatable {
        case none
        case text(String)
        case list([String])
    }

    struct Field: Equatable {
        let name: String
        let value: Value
        /// Counted from 1, in the file.
        let line: Int
    }

    private(set) var fields: [Field] = []
    /// What follows, byte by byte as it stands there, but for the empty line that divides them.
    let body: String

    /// - Throws: `VALIDATION_ERROR` with the line.
    init(_ text: String) throws(Fault) {
        let bytes = Array(text.utf8.starts(with: [0xef, 0xbb, 0xbf]) ? text.utf8.dropFirst(3) : text.utf8[...])
        var lines: [String] = []
        var start = 0
        var end: Int?
        while start < bytes.count, end == nil {
            let stop = bytes[start...].firstIndex(of: 0x0a) ?? bytes.count
            let line = bytes[start..<stop].last == 0x0d ? bytes[start..<stop].dropLast() : bytes[start..<stop]
            lines.append(String(decoding: line, as: UTF8.self))
            start = min(stop + 1, bytes.count)
            if lines.count > 1, lines.last == "---" { end = start }
        }
        guard lines.first == "---" else {
            body = String(decoding: bytes, as: UTF8.self)
            return
        }
        guard var rest = end else { throw Self.refusal(1, "the front matter has no end; close it with ---") }
        if bytes[rest...].starts(with: [0x0d, 0x0a]) { rest += 2 } else if bytes[rest...].first == 0x0a { rest += 1 }
        body = String(decoding: bytes[rest...], as: UTF8.self)
        var reader = LineReader(lines: Array(lines.dropFirst().dropLast()))
        while let field = try reader.next() { fields.append(field) }
    }

    static func refusal(_ line: Int, _ message: String) -> Fault { .invalid("line \(line)", "\(message).") }

    /// A text as YAML: plain where nobody could take it for anything else.
    static func scalar(_ text: String, inList: Bool = false) -> String {
        let plain = text.utf8.allSatisfy {
            isWord($0) || " ./()+-".utf8.contains($0) || (!inList && ",'".utf8.contains($0))
        }
        let words: Set = ["null", "true", "false", "yes", "no", "on", "off"]
        let isPlain =
            plain && text.utf8.first.map(isWord) ?? false && text.last != " " && Double(text) == nil
            && !words.contains(text.lowercased()) && !(text.utf8.first.map { (0x30...0x39).contains($0) } ?? true)
        if isPlain { return text }
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\n": quoted += "\\n"
            case "\t": quoted += "\\t"
            case _ where mustBeEscaped(scalar) || (quoted == "\"" && joinsWhatIsBefore(scalar)):
                let digits = String(scalar.value, radix: 16)
                quoted += "\\U" + String(repeating: "0", count: 8 - digits.count) + digits
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }

    /// Controls, and what other readers take for the end of a line.
    private static func mustBeEscaped(_ scalar: Unicode.Scalar) -> Bool {
        scalar.properties.generalCategory == .control || [0x2028, 0x2029, 0xfeff].contains(scalar.value)
    }

    /// Whether it would become one character with the quotes before it.
    private static func joinsWhatIsBefore(_ scalar: Unicode.Scalar) -> Bool {
        let properties = scalar.properties
        return properties.isGraphemeExtend || properties.generalCategory == .spacingMark || properties.isEmojiModifier
            || scalar.value == 0x200d
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte) || byte == 0x5f
    }
}

/// Goes through the lines of a front matter, field by field.
private struct LineReader {
    let lines: [String]
    private var index = 0

    init(lines: [String]) { self.lines = lines }

    /// In the file: after the opening line, counted from 1.
    private var number: Int { index + 2 }

    mutating func next() throws(Fault) -> FrontMatter.Field? {
        while index < lines.count, isEmpty(lines[index]) { index += 1 }
        guard index < lines.count else { return nil }
        let (line, at) = (lines[index], number)
        guard let colon = line.firstIndex(of: ":"), let first = line.first, first.isLetter,
            line[..<colon].allSatisfy({ $0.isLetter || $0.isNumber || $0 == "_" || $0 == "-" })
        else { throw FrontMatter.refusal(at, "expected “name: value”") }
        let rest = line[line.index(after: colon)...]
        guard rest.isEmpty || rest.first == " " || rest.first == "\t" else {
            throw FrontMatter.refusal(at, "expected a space after the colon")
        }
        index += 1
        let name = String(line[..<colon])
        var scanner = ScalarScanner(rest, line: at)
        switch scanner.head {
        case nil: return .init(name: name, value: try items(), line: at)
        case "|"?, ">"?: return .init(name: name, value: .text(try block(scanner.rest, at: at)), line: at)
        case "["?:
            while !scanner.isClosed, index < lines.count {
                scanner.append(lines[index])
                index += 1
            }
            return .init(name: name, value: .list(try scanner.list()), line: at)
        case "{"?, "&"?, "*"?, "!"?, "%"?, "@"?, "`"?:
            throw FrontMatter.refusal(at, "this kind of YAML is not understood; write a text or a list")
        case _?:
            let text = try scanner.text(endedBy: "")
            try scanner.finish()
            return .init(name: name, value: text.map(FrontMatter.Value.text) ?? .none, line: at)
        }
    }

    /// The items of a list with a dash a line; nothing if there are none.
    private mutating func items() throws(Fault) -> FrontMatter.Value {
        var items: [String] = []
        var isList = false
        while index < lines.count {
            let line = lines[index].drop { $0 == " " }
            if isEmpty(lines[index]) {
                index += 1
                continue
            }
            guard line.hasPrefix("- ") || line == "-" else {
                if lines[index].first == " " { throw FrontMatter.refusal(number, "expected “- item”") }
                break
            }
            isList = true
            var scanner = ScalarScanner(line.dropFirst(), line: number)
            if let text = try scanner.text(endedBy: "") { items.append(text) }
            try scanner.finish()
            index += 1
        }
        return isList ? .list(items) : .none
    }

    /// The indented lines after `|` (kept as lines) or `>` (joined); `-` behind it leaves out the last line's end.
    private mutating func block(_ sign: Substring, at: Int) throws(Fault) -> String {
        guard ["|", "|-", ">", ">-"].contains(sign) else { throw FrontMatter.refusal(at, "expected |, |-, > or >-") }
        var texts: [Substring] = []
        var indent: Int?
        while index < lines.count {
            let line = lines[index]
            let depth = line.prefix { $0 == " " }.count
            if depth < line.count {
                if depth < indent ?? 1 { break }
                indent = indent ?? depth
            }
            texts.append(line.dropFirst(indent ?? depth))
            index += 1
        }
        while texts.last?.isEmpty == true { texts.removeLast() }
        let text = texts.joined(separator: sign.hasPrefix("|") ? "\n" : " ")
        return sign.hasSuffix("-") || text.isEmpty ? text : text + "\n"
    }

    private func isEmpty(_ line: String) -> Bool { (line.first { $0 != " " && $0 != "\t" } ?? "#") == "#" }
}

/// Reads texts out of a line.
private struct ScalarScanner {
    private(set) var rest: Substring
    private let line: Int

    init(_ text: some StringProtocol, line: Int) {
        rest = Substring(text)
        self.line = line
        skip()
    }

    /// The next character, unless only a comment is left.
    var head: Character? { rest.first == "#" ? nil : rest.first }

    /// Whether the bracket that opens this text is closed in it. Quotes count at the beginning of an item only.
    var isClosed: Bool {
        var (quote, isEscaped, isStart) = (Character?.none, false, true)
        for character in rest.dropFirst() {
            if let open = quote {
                if isEscaped {
                    isEscaped = false
                } else if character == "\\", open == "\"" {
                    isEscaped = true
                } else if character == open {
                    quote = nil
                }
            } else if isStart, character == "\"" || character == "'" {
                (quote, isStart) = (character, false)
            } else if character == "]" {
                return true
            } else if character != " " && character != "\t" {
                isStart = character == ","
            }
        }
        return false
    }

    mutating func append(_ line: String) { rest = Substring(rest + " " + line) }

    /// A text in quotes, or a plain one up to one of these characters, a comment or the end. `nil` for YAML's null.
    mutating func text(endedBy ends: String) throws(Fault) -> String? {
        skip()
        if rest.first == "\"" { return try doubleQuoted() }
        if rest.first == "'" { return try singleQuoted() }
        var text = ""
        while let character = rest.first, !ends.contains(character),
            character != "#" || !(text.last ?? " ").isWhitespace
        {
            text.append(character)
            rest.removeFirst()
        }
        if text.contains(": ") || text.hasSuffix(":") {
            throw FrontMatter.refusal(line, "a text with a colon belongs in quotes")
        }
        while text.last?.isWhitespace == true { text.removeLast() }
        return ["", "~", "null", "Null", "NULL"].contains(text) ? nil : text
    }

    mutating func list() throws(Fault) -> [String] {
        rest.removeFirst()
        var items: [String] = []
        while true {
            skip()
            if rest.first == "]" { break }
            guard rest.first != "[", rest.first != "{" else {
                throw FrontMatter.refusal(line, "lists within lists are not understood")
            }
            if let text = try text(endedBy: ",]") { items.append(text) }
            skip()
            guard let next = rest.first, next == "," || next == "]" else {
                throw FrontMatter.refusal(line, "expected a comma or the end of the list")
            }
            if next == "," { rest.removeFirst() }
        }
        rest.removeFirst()
        try finish()
        return items
    }

    /// Nothing but a comment may follow.
    mutating func finish() throws(Fault) {
        skip()
        guard head == nil else { throw FrontMatter.refusal(line, "“\(rest.prefix(20))” is too much here") }
    }

    private mutating func skip() { rest = rest.drop { $0 == " " || $0 == "\t" } }

    private mutating func singleQuoted() throws(Fault) -> String {
        var text = ""
        rest.removeFirst()
        while let character = rest.popFirst() {
            guard character == "'" else {
                text.append(character)
                continue
            }
            guard rest.first == "'" else { return text }
            rest.removeFirst()
            text.append("'")
        }
        throw FrontMatter.refusal(line, "the quotes are not closed")
    }

    private mutating func doubleQuoted() throws(Fault) -> String {
        var text = String.UnicodeScalarView()
        var scalars = rest.unicodeScalars.dropFirst()
        while let scalar = scalars.popFirst() {
            switch scalar {
            case "\"":
                rest = Substring(scalars)
                return String(text)
            case "\\": text.append(try escaped(&scalars))
            default: text.append(scalar)
            }
        }
        throw FrontMatter.refusal(line, "the quotes are not closed")
    }

    private func escaped(_ scalars: inout Substring.UnicodeScalarView) throws(Fault) -> Unicode.Scalar {
        let plain: [Unicode.Scalar: Unicode.Scalar] = [
            "\"": "\"", "\\": "\\", "/": "/", "n": "\n", "t": "\t", "r": "\r", "0": "\0", " ": " ",
        ]
        guard let sign = scalars.popFirst() else { throw FrontMatter.refusal(line, "the quotes are not closed") }
        if let scalar = plain[sign] { return scalar }
        let lengths: [Unicode.Scalar: Int] = ["x": 2, "u": 4, "U": 8]
        if let length = lengths[sign], scalars.count >= length {
            let digits = String(String.UnicodeScalarView(scalars.prefix(length)))
            scalars = scalars.dropFirst(length)
            if let value = UInt32(digits, radix: 16), let scalar = Unicode.Scalar(value) { return scalar }
        }
        throw FrontMatter.refusal(line, "\\\(sign) is no escape in double quotes")
    }
}
