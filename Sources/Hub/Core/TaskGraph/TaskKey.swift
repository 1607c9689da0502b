/// What an id comes down to where only its sameness counts: two hashes of 64 bits, so that two ids with one key do not
/// exist by chance. Rows that are many and looked at once need not keep their texts.
public struct TaskKey: Hashable, Sendable {
    let low: UInt64
    let high: UInt64

    /// Eight bytes at a time, each time multiplied and folded, on two ways; the length goes in first.
    public init(_ id: String) {
        var id = id
        (low, high) = id.withUTF8 { bytes in
            let raw = UnsafeRawBufferPointer(bytes)
            var low = UInt64(raw.count) &* 0x9e37_79b9_7f4a_7c15
            var high = ~low
            var index = 0
            while index + 8 <= raw.count {
                let word = raw.loadUnaligned(fromByteOffset: index, as: UInt64.self)
                low = Self.folded(low ^ word, 0xd6e8_feb8_6659_fd93)
                high = Self.folded(high &+ word, 0xa076_1d64_78bd_642f)
                index += 8
            }
            var rest: UInt64 = 0
            while index < raw.count {
                rest = rest << 8 | UInt64(raw[index])
                index += 1
            }
            return (Self.folded(low ^ rest, 0xe703_7ed1_a0b4_28db), Self.folded(high &+ rest, 0x8ebc_6af0_9c88_c6e3))
        }
    }

    private static func folded(_ value: UInt64, _ factor: UInt64) -> UInt64 {
        let (high, low) = value.multipliedFullWidth(by: factor)
        return high ^ low ^ value
    }
}

/// Numbers for keys, in the order in which they were given.
struct TaskKeyTable {
    private struct Place {
        var key: TaskKey
        /// -1 for an empty place.
        var number: Int32
    }

    /// Twice as many as keys, at least.
    private var places: [Place]
    private let mask: Int

    /// - Precondition: no key is given twice.
    init(_ keys: some Collection<TaskKey>) {
        var size = 16
        while size < keys.count * 2 { size *= 2 }
        mask = size - 1
        places = Array(repeating: Place(key: TaskKey(""), number: -1), count: size)
        for (number, key) in keys.enumerated() {
            var place = Int(truncatingIfNeeded: key.low) & mask
            while places[place].number >= 0 { place = (place + 1) & mask }
            places[place] = Place(key: key, number: Int32(number))
        }
    }

    /// The key's number; `nil` for one that was not given.
    func number(of key: TaskKey) -> Int32? {
        places.withUnsafeBufferPointer { places in
            var place = Int(truncatingIfNeeded: key.low) & mask
            while places[place].number >= 0 {
                if places[place].key == key { return places[place].number }
                place = (place + 1) & mask
            }
            return nil
        }
    }
}
