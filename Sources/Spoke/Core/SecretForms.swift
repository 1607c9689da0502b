import Foundation

/// The ways in which a secret shows up in what programs print.
enum SecretForms {
    /// What is shorter is in too many innocent words: hiding it would hide half of the output.
    static let leastBytes = 6

    /// All forms of a secret, without repetition. Of a secret with several lines, each line counts as one of its own.
    static func all(of secret: [UInt8]) -> Set<[UInt8]> {
        let lines = secret.split { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") }.map { Array($0) }
        var forms: Set<[UInt8]> = [secret]
        for part in Set(lines + [secret]) where part.count >= leastBytes {
            forms.insert(part)
            forms.formUnion(base64(part))
            forms.formUnion(percent(part))
            forms.formUnion(json(part))
            forms.formUnion(shell(part))
        }
        return forms.filter { $0.count >= leastBytes }
    }

    // MARK: Base64

    /// Base64 (RFC 4648, sections 4 and 5) as it looks when the secret stands at each of the three possible places
    /// in what was encoded: only the digits that depend on nothing else. And alone, with its last digit and padding.
    static func base64(_ secret: [UInt8]) -> [[UInt8]] {
        var forms: [[UInt8]] = []
        for shift in 0..<3 {
            let text = [UInt8](Data([UInt8](repeating: 0, count: shift) + secret).base64EncodedData())
            let whole = (shift + secret.count) * 8 / 6
            // The digits of which some bits belong to what stands before.
            let foreign = (shift * 8 + 5) / 6
            guard whole > foreign else { continue }
            forms.append(Array(text[foreign..<whole]))
            if shift == 0 {
                forms.append(text)
                forms.append(text.filter { $0 != UInt8(ascii: "=") })
            }
        }
        return forms + forms.map { $0.map(urlDigit) }
    }

    private static func urlDigit(_ digit: UInt8) -> UInt8 {
        switch digit {
        case UInt8(ascii: "+"): UInt8(ascii: "-")
        case UInt8(ascii: "/"): UInt8(ascii: "_")
        default: digit
        }
    }

    // MARK: URLs

    /// Percent-encoding (RFC 3986, section 2) as libraries differ in it: which characters stay, the hexadecimal
    /// digits' case, and a space as `+` in forms.
    static func percent(_ secret: [UInt8]) -> [[UInt8]] {
        let unreserved = Set("-._~".utf8), component = Set("-._~!'()*".utf8), form = Set("-._*".utf8)
        let address = component.union(";,/?:@&=+$#".utf8)
        var forms: [[UInt8]] = []
        for digits in ["0123456789ABCDEF", "0123456789abcdef"] {
            for kept in [unreserved, component, form, address] {
                for plus in [false, true] { forms.append(percent(secret, kept, Array(digits.utf8), plus)) }
            }
        }
        return forms
    }

    private static func percent(_ secret: [UInt8], _ kept: Set<UInt8>, _ digits: [UInt8], _ plus: Bool) -> [UInt8] {
        secret.flatMap { byte -> [UInt8] in
            if isAlphanumeric(byte) || kept.contains(byte) { return [byte] }
            if plus, byte == UInt8(ascii: " ") { return [UInt8(ascii: "+")] }
            return [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
        }
    }

    // MARK: JSON

    /// Inside a JSON string (RFC 8259, section 7): slashes escaped or not, what is not ASCII escaped or not, and
    /// both cases of hexadecimal digits.
    static func json(_ secret: [UInt8]) -> [[UInt8]] {
        guard let text = String(validating: secret, as: UTF8.self) else { return [] }
        var forms: [[UInt8]] = []
        for slashes in [false, true] {
            for ascii in [false, true] {
                for upper in [false, true] {
                    forms.append(json(text, slashes: slashes, ascii: ascii, upper: upper))
                }
            }
        }
        // Encoders that must be safe inside HTML escape these as well.
        return forms + forms.map { escapeForHTML($0) }
    }

    private static let shortEscapes: [UInt16: String] = [
        0x22: "\\\"", 0x5C: "\\\\", 0x08: "\\b", 0x0C: "\\f", 0x0A: "\\n", 0x0D: "\\r", 0x09: "\\t",
    ]

    private static func json(_ text: String, slashes: Bool, ascii: Bool, upper: Bool) -> [UInt8] {
        var form = ""
        for scalar in text.unicodeScalars {
            for unit in String(scalar).utf16 {
                if let short = shortEscapes[unit] {
                    form += short
                } else if slashes, scalar == "/" {
                    form += "\\/"
                } else if unit < 0x20 || unit == 0x7F && ascii || ascii && unit > 0x7F {
                    form += escape(unit, upper: upper)
                } else {
                    form.unicodeScalars.append(scalar)
                    break
                }
            }
        }
        return Array(form.utf8)
    }

    private static func escape(_ unit: UInt16, upper: Bool) -> String {
        let digits = String(unit, radix: 16, uppercase: upper)
        return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
    }

    private static func escapeForHTML(_ form: [UInt8]) -> [UInt8] {
        form.flatMap { byte -> [UInt8] in
            [UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "&"), UInt8(ascii: "'")].contains(byte)
                ? Array(escape(UInt16(byte), upper: false).utf8) : [byte]
        }
    }

    // MARK: Shells

    /// As a shell's word (POSIX.1-2017, section 2.2): in single quotes with both ways of a quote in them, in double
    /// quotes, with backslashes as `printf %q` writes it, and in `$'…'`.
    static func shell(_ secret: [UInt8]) -> [[UInt8]] {
        let quote = UInt8(ascii: "'")
        let inDouble = Set("$`\"\\".utf8), exclaimed = inDouble.union("!".utf8), plain = Set("-._/:=@%+,".utf8)
        return [
            replace(secret) { $0 == quote ? Array("'\\''".utf8) : nil },
            replace(secret) { $0 == quote ? Array("'\"'\"'".utf8) : nil },
            replace(secret) { inDouble.contains($0) ? [UInt8(ascii: "\\"), $0] : nil },
            replace(secret) { exclaimed.contains($0) ? [UInt8(ascii: "\\"), $0] : nil },
            replace(secret) { isAlphanumeric($0) || plain.contains($0) || $0 > 127 ? nil : [UInt8(ascii: "\\"), $0] },
            replace(secret) {
                isAlphanumeric($0) || plain.subtracting([44]).contains($0) || $0 > 127 ? nil : [92, $0]
            },
            replace(secret, with: ansi),
        ]
    }

    private static func ansi(_ byte: UInt8) -> [UInt8]? {
        switch byte {
        case UInt8(ascii: "\n"): Array("\\n".utf8)
        case UInt8(ascii: "\r"): Array("\\r".utf8)
        case UInt8(ascii: "\t"): Array("\\t".utf8)
        case UInt8(ascii: "'"), UInt8(ascii: "\\"): [UInt8(ascii: "\\"), byte]
        default: nil
        }
    }

    private static func replace(_ secret: [UInt8], with escape: (UInt8) -> [UInt8]?) -> [UInt8] {
        secret.flatMap { escape($0) ?? [$0] }
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"):
            true
        default: false
        }
    }
}
