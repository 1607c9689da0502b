/// The formats that are checked where a schema, or who compiles it, asks for it. Others are annotations always.
enum StringFormat: String, CaseIterable, Sendable {
    case dateTime = "date-time"
    case date, time, duration, email, hostname, ipv4, ipv6, uri
    case uriReference = "uri-reference"
    case uuid
    case jsonPointer = "json-pointer"
    case relativeJSONPointer = "relative-json-pointer"
    case regex

    /// What a caller should have sent.
    var expectation: String {
        switch self {
        case .dateTime: "a time such as 2026-01-31T12:00:00Z"
        case .date: "a date such as 2026-01-31"
        case .time: "a time of day such as 12:00:00Z"
        case .duration: "a duration such as PT1H30M"
        case .email: "an e-mail address"
        case .hostname: "a host's name"
        case .ipv4: "an IPv4 address"
        case .ipv6: "an IPv6 address"
        case .uri: "a URI"
        case .uriReference: "a URI or a reference that is relative to one"
        case .uuid: "a UUID"
        case .jsonPointer: "a JSON pointer"
        case .relativeJSONPointer: "a relative JSON pointer"
        case .regex: "a regular expression"
        }
    }

    func fits(_ text: String) -> Bool {
        var scan = TextScan(text)
        switch self {
        case .dateTime:
            return scan.date() && (scan.take("T") || scan.take("t")) && scan.time() && scan.isAtEnd
        case .date: return scan.date() && scan.isAtEnd
        case .time: return scan.time() && scan.isAtEnd
        case .duration: return scan.duration() && scan.isAtEnd
        case .email: return InternetNames.isMailbox(text)
        case .hostname: return InternetNames.isHost(text[...])
        case .ipv4: return InternetNames.isIPv4(text[...])
        case .ipv6: return InternetNames.isIPv6(text[...])
        case .uri: return InternetNames.isURI(text, isRelativeAllowed: false)
        case .uriReference: return InternetNames.isURI(text, isRelativeAllowed: true)
        case .uuid: return Self.isUUID(text)
        case .jsonPointer: return Self.isPointer(text[...])
        case .relativeJSONPointer: return Self.isRelativePointer(text)
        case .regex: return (try? PatternParser.tree(of: text)) != nil  // Only whether it can be read.
        }
    }

    private static func isUUID(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        return bytes.count == 36
            && bytes.enumerated().allSatisfy { place, byte in
                [8, 13, 18, 23].contains(place) ? byte == UInt8(ascii: "-") : byte.hexValue != nil
            }
    }

    /// RFC 6901.
    private static func isPointer(_ text: Substring) -> Bool {
        guard text.isEmpty || text.first == "/" else { return false }
        var rest = text.utf8
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "~") else { continue }
            guard let next = rest.popFirst(), next == 48 || next == 49 else { return false }
        }
        return true
    }

    private static func isRelativePointer(_ text: String) -> Bool {
        let digits = text.prefix { $0.isASCII && $0.isWholeNumber }
        guard !digits.isEmpty, digits == "0" || digits.first != "0" else { return false }
        let rest = text[digits.endIndex...]
        return rest == "#" || isPointer(rest)
    }
}

/// Times as RFC 3339 writes them, read byte by byte.
struct TextScan {
    private let bytes: [UInt8]
    private var index = 0

    init(_ text: String) { bytes = Array(text.utf8) }

    var isAtEnd: Bool { index == bytes.count }

    mutating func take(_ letter: Unicode.Scalar) -> Bool {
        guard index < bytes.count, UInt32(bytes[index]) == letter.value else { return false }
        index += 1
        return true
    }

    /// Exactly so many digits.
    private mutating func number(_ count: Int) -> Int? {
        guard index + count <= bytes.count else { return nil }
        var value = 0
        for byte in bytes[index..<index + count] {
            guard 48...57 ~= byte else { return nil }
            value = value * 10 + Int(byte - 48)
        }
        index += count
        return value
    }

    /// Any digits, at least one.
    private mutating func digits() -> Bool {
        let start = index
        while index < bytes.count, 48...57 ~= bytes[index] { index += 1 }
        return index > start
    }

    mutating func date() -> Bool {
        guard let year = number(4), take("-"), let month = number(2), take("-"), let day = number(2),
            1...12 ~= month, day >= 1
        else { return false }
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        let days = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        return day <= days[month - 1]
    }

    /// With its offset. A leap second is one only where it is 23:59:60 in UTC.
    mutating func time() -> Bool {
        guard let hour = number(2), take(":"), let minute = number(2), take(":"), let second = number(2),
            hour < 24, minute < 60, second <= 60
        else { return false }
        if take("."), !digits() { return false }
        var offset = 0
        if !take("Z"), !take("z") {
            let isEast = take("+")
            guard isEast || take("-"), let hours = number(2), take(":"), let minutes = number(2), hours < 24,
                minutes < 60
            else { return false }
            offset = (hours * 60 + minutes) * (isEast ? 1 : -1)
        }
        let minuteOfDay = (hour * 60 + minute - offset + 2 * 1_440) % 1_440
        return second < 60 || minuteOfDay == 1_439
    }

    /// RFC 3339 Appendix A.
    mutating func duration() -> Bool {
        guard take("P") else { return false }
        var place = index
        if digits(), take("W") { return true }
        index = place
        var count = 0
        guard fields("YMD", &count) else { return false }
        if take("T") {
            place = count
            guard fields("HMS", &count), count > place else { return false }
        }
        return count > 0
    }

    /// Numbers with units, in order, none left out between two.
    private mutating func fields(_ units: String, _ count: inout Int) -> Bool {
        let units = Array(units.unicodeScalars)
        var next: Int?
        while index < bytes.count, 48...57 ~= bytes[index] {
            guard digits(), let unit = units.indices.dropFirst(next ?? 0).first(where: { take(units[$0]) }) else {
                return false
            }
            if let next, unit != next { return false }
            next = unit + 1
            count += 1
        }
        return true
    }
}
