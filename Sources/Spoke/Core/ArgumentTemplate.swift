public import Protocol

/// The command line of an operation that the spoke's owner wrote down: texts with places for fields of the input.
///
/// - `{tag}` in a text is replaced by the field's value, which stays within that one argument whatever it holds.
/// - `{files...}` as a whole argument becomes one argument for each element of a list.
/// - An argument with a field that the input does not have is left out.
/// - `{{` and `}}` stand for braces.
///
/// No shell reads any of it. A value at the beginning of an argument that begins with `-` would be taken for an option,
/// so it is refused, unless the owner put `--` somewhere before it.
public struct ArgumentTemplate: Hashable, Sendable {
    enum Piece: Hashable, Sendable {
        case text(String)
        case field(String)
    }

    enum Part: Hashable, Sendable {
        case pieces([Piece])
        case each(String)
    }

    let parts: [Part]

    /// Arguments of one template.
    public static let argumentsMost = 256
    /// What one call's arguments may take together; Linux has 128 KiB for each.
    public static let bytesMost = 120 << 10

    /// - Throws: `VALIDATION_ERROR` that names the argument with an open brace, or a program that is not a plain text.
    public init(_ texts: [String]) throws(Fault) {
        guard !texts.isEmpty, texts.count <= Self.argumentsMost else {
            throw Fault.invalid("command", "must be a list of 1 to \(Self.argumentsMost) texts.")
        }
        var parts: [Part] = []
        for (index, text) in texts.enumerated() {
            parts.append(try Self.part(text, field: "command[\(index)]"))
        }
        guard case .pieces(let pieces) = parts[0], case .text(let program)? = pieces.first, pieces.count == 1,
            !program.isEmpty
        else {
            throw Fault.invalid("command[0]", "must be a program; no caller may choose it.")
        }
        self.parts = parts
    }

    /// The program, which no input changes.
    public var program: String {
        if case .pieces(let pieces)? = parts.first, case .text(let program)? = pieces.first { return program }
        return ""
    }

    /// The fields that the template asks for.
    public var fields: Set<String> {
        Set(
            parts.flatMap { part -> [String] in
                switch part {
                case .each(let field): [field]
                case .pieces(let pieces): pieces.compactMap { if case .field(let name) = $0 { name } else { nil } }
                }
            }
        )
    }

    /// Program and arguments for an input.
    ///
    /// - Throws: `VALIDATION_ERROR` for a field that cannot be an argument, or would be taken for an option.
    public func command(for input: JSONValue) throws(Fault) -> [String] {
        var command: [String] = []
        var optionsAreOver = false
        for part in parts {
            switch part {
            case .each(let field):
                guard let value = input[field], value != .null else { continue }
                guard let elements = value.arrayValue else { throw Fault.invalid(field, "must be a list.") }
                for (index, element) in elements.enumerated() {
                    let text = try Self.text(of: element, field: "\(field)[\(index)]")
                    try Self.check(text, "\(field)[\(index)]", optionsAreOver)
                    command.append(text)
                }
            case .pieces(let pieces):
                guard let text = try Self.text(of: pieces, input, optionsAreOver) else { continue }
                command.append(text)
                if pieces == [.text("--")] { optionsAreOver = true }
            }
        }
        guard command.reduce(0, { $0 + $1.utf8.count + 1 }) <= Self.bytesMost else {
            throw Fault(.tooLarge, "The arguments of the program would take more than \(Self.bytesMost) bytes.")
        }
        return command
    }

    private static func text(
        of pieces: [Piece],
        _ input: JSONValue,
        _ optionsAreOver: Bool
    ) throws(Fault) -> String? {
        var whole = ""
        for (index, piece) in pieces.enumerated() {
            switch piece {
            case .text(let text): whole += text
            case .field(let field):
                guard let value = input[field], value != .null else { return nil }
                let text = try text(of: value, field: field)
                if index == 0 { try check(text, field, optionsAreOver) }
                whole += text
            }
        }
        return whole
    }

    private static func check(_ text: String, _ field: String, _ optionsAreOver: Bool) throws(Fault) {
        guard optionsAreOver || !text.hasPrefix("-") else {
            throw Fault.invalid(field, "must not begin with “-”: the program would take it for an option.")
        }
    }

    private static func text(of value: JSONValue, field: String) throws(Fault) -> String {
        switch value {
        case .string(let text):
            guard !text.utf8.contains(0) else { throw Fault.invalid(field, "must not contain a NUL byte.") }
            return text
        case .integer(let number): return "\(number)"
        case .number(let number): return "\(number)"
        case .bool(let flag): return flag ? "true" : "false"
        case .array, .object, .null:
            throw Fault.invalid(field, "must be a text, a number, true or false to be an argument.")
        }
    }

    private static func part(_ text: String, field: String) throws(Fault) -> Part {
        guard !text.utf8.contains(0) else { throw Fault.invalid(field, "must not contain a NUL byte.") }
        var (pieces, plain): ([Piece], String) = ([], "")
        var rest = text[...]
        while let character = rest.popFirst() {
            if (character == "{" || character == "}"), rest.first == character {
                plain.append(character)
                rest.removeFirst()
            } else if character == "{" {
                guard let end = rest.firstIndex(of: "}"), end > rest.startIndex else {
                    throw Fault.invalid(field, "has a { without a field and }; {{ stands for {.")
                }
                let name = String(rest[..<end])
                rest = rest[rest.index(after: end)...]
                if name.hasSuffix("...") {
                    guard pieces.isEmpty, plain.isEmpty, rest.isEmpty, name.count > 3 else {
                        throw Fault.invalid(field, "must be nothing but {\(name)}, one argument for each element.")
                    }
                    return .each(String(name.dropLast(3)))
                }
                if !plain.isEmpty { pieces.append(.text(plain)) }
                plain = ""
                pieces.append(.field(name))
            } else if character == "}" {
                throw Fault.invalid(field, "has a } without a {; }} stands for }.")
            } else {
                plain.append(character)
            }
        }
        if !plain.isEmpty || pieces.isEmpty { pieces.append(.text(plain)) }
        return .pieces(pieces)
    }
}
