public import Foundation
public import Protocol
import Synchronization

/// Ids made by the application: UUIDs as lower-case text (RFC 9562).
public enum Ids {
    private static let randomness = Mutex(RandomPool())

    /// Version 4: random, says nothing about when it was made.
    public static func random() -> String {
        let (first, second) = randomness.withLock { ($0.next(), $0.next()) }
        return text(
            first & 0xffff_ffff_ffff_0fff | 0x4000,
            second & 0x3fff_ffff_ffff_ffff | 0x8000_0000_0000_0000
        )
    }

    /// Version 7: ids made later sort later, as text and as bytes, to a fraction of a millisecond within one process.
    ///
    /// 48 bits of Unix milliseconds, then 12 bits of the millisecond's fraction (RFC 9562 section 6.2, method 3),
    /// then 62 random bits.
    public static func sortable() -> String { sortable(at: Date()) }

    /// The version 7 id of a moment: of two moments a microsecond apart, the later one's sorts later.
    public static func sortable(at moment: Date) -> String {
        sortable(at: moment.timeIntervalSince1970, tail: randomness.withLock { $0.next() })
    }

    /// The id of a moment in seconds since 1970, with its 62 random bits taken from `tail`.
    static func sortable(at seconds: Double, tail: UInt64) -> String {
        let steps = UInt64(max(0, seconds) * 1_000 * 4_096)
        let (milliseconds, fraction) = (steps >> 12, steps & 0xfff)
        let high = milliseconds << 16 | 0x7000 | fraction
        let low = tail & 0x3fff_ffff_ffff_ffff | 0x8000_0000_0000_0000
        return text(high, low)
    }

    /// 128 bits as 8-4-4-4-12 hexadecimal digits, straight into the string: some are drawn for every call.
    static func text(_ high: UInt64, _ low: UInt64) -> String {
        String(unsafeUninitializedCapacity: 36) { bytes in
            var place = 0
            for half in [high, low] {
                for shift in stride(from: 60, through: 0, by: -4) {
                    if place == 8 || place == 13 || place == 18 || place == 23 {
                        bytes[place] = UInt8(ascii: "-")
                        place += 1
                    }
                    let digit = UInt8(truncatingIfNeeded: half >> UInt64(shift)) & 15
                    bytes[place] = digit < 10 ? 48 + digit : 87 + digit
                    place += 1
                }
            }
            return place
        }
    }
}

extension Identifier {
    /// A fresh random id.
    public static func random() -> Self { Self(Ids.random()) }

    /// A fresh id that sorts by time.
    public static func sortable() -> Self { Self(Ids.sortable()) }
}
