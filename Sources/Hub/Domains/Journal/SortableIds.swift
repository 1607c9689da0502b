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
        return Ids.text(high, low)
    }
}
