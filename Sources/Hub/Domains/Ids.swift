import Foundation
public import Protocol

/// Ids made by the application: UUIDs as lower-case text (RFC 9562).
public enum Ids {
    /// Version 4: random, says nothing about when it was made.
    public static func random() -> String { UUID().uuidString.lowercased() }

    /// Version 7: ids made later sort later, as text and as bytes, to a fraction of a millisecond within one process.
    ///
    /// 48 bits of Unix milliseconds, then 12 bits of the millisecond's fraction (RFC 9562 section 6.2, method 3),
    /// then 62 random bits.
    public static func sortable() -> String {
        var generator = SystemRandomNumberGenerator()
        return sortable(at: Date().timeIntervalSince1970, tail: generator.next())
    }

    /// The id of a moment in seconds since 1970, with its 62 random bits taken from `tail`.
    static func sortable(at seconds: Double, tail: UInt64) -> String {
        let steps = UInt64(max(0, seconds) * 1_000 * 4_096)
        let (milliseconds, fraction) = (steps >> 12, steps & 0xfff)
        let high = milliseconds << 16 | 0x7000 | fraction
        let low = tail & 0x3fff_ffff_ffff_ffff | 0x8000_0000_0000_0000
        let digits = hexadecimal(high) + hexadecimal(low)
        var text = ""
        for (index, digit) in digits.enumerated() {
            if [8, 12, 16, 20].contains(index) { text.append("-") }
            text.append(digit)
        }
        return text
    }

    private static func hexadecimal(_ value: UInt64) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}

extension Identifier {
    /// A fresh random id.
    public static func random() -> Self { Self(Ids.random()) }

    /// A fresh id that sorts by time.
    public static func sortable() -> Self { Self(Ids.sortable()) }
}
