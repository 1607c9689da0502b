import Foundation

/// Many time-sortable ids at once: UUIDs of version 7 that share a time and a random part and count up between them.
struct SortableIds {
    private let high: UInt64
    private var low: UInt64

    init() {
        var generator = SystemRandomNumberGenerator()
        let steps = UInt64(max(0, Date().timeIntervalSince1970) * 1_000 * 4_096)
        high = (steps >> 12) << 16 | 0x7000 | (steps & 0xfff)
        // Room to count: the topmost bits of the random part stay clear.
        low = generator.next() & 0x0fff_ffff_ffff_ffff | 0x8000_0000_0000_0000
    }

    mutating func next() -> String {
        low += 1
        return String(unsafeUninitializedCapacity: 36) { buffer in
            var index = 0
            for value in [high, low] {
                for shift in stride(from: 60, through: 0, by: -4) {
                    if index == 8 || index == 13 || index == 18 || index == 23 {
                        buffer[index] = UInt8(ascii: "-")
                        index += 1
                    }
                    let digit = UInt8(truncatingIfNeeded: value >> UInt64(shift)) & 15
                    buffer[index] = digit < 10 ? digit + 48 : digit + 87
                    index += 1
                }
            }
            return index
        }
    }
}
