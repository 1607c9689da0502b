/// Numbers for names, in the order in which they were given: a hash table for many short texts that are looked up far
/// more often than they are entered. It compares bytes, not characters, which is what ids are.
struct NameTable {
    private let names: [String]
    /// A name's number and the upper half of its hash; -1 for an empty place. Twice as many as names, at least.
    private var places: [(number: Int32, mark: UInt32)]
    private let mask: Int

    /// - Precondition: no name is given twice.
    init(_ names: [String]) {
        self.names = names
        var size = 16
        while size < names.count * 2 { size *= 2 }
        mask = size - 1
        places = Array(repeating: (-1, 0), count: size)
        for (number, name) in names.enumerated() {
            let hash = Self.hash(name)
            var place = Int(truncatingIfNeeded: hash) & mask
            while places[place].number >= 0 { place = (place + 1) & mask }
            places[place] = (Int32(number), UInt32(truncatingIfNeeded: hash >> 32))
        }
    }

    /// The name's number; `nil` for a name that was not given.
    func number(of name: String) -> Int32? {
        let hash = Self.hash(name)
        let mark = UInt32(truncatingIfNeeded: hash >> 32)
        var place = Int(truncatingIfNeeded: hash) & mask
        while places[place].number >= 0 {
            if places[place].mark == mark, names[Int(places[place].number)].utf8.elementsEqual(name.utf8) {
                return places[place].number
            }
            place = (place + 1) & mask
        }
        return nil
    }

    /// Eight bytes at a time, each time multiplied and folded; the length goes in first.
    private static func hash(_ name: String) -> UInt64 {
        var name = name
        return name.withUTF8 { bytes in
            var hash = UInt64(bytes.count) &* 0x9e37_79b9_7f4a_7c15
            var index = 0
            while index < bytes.count {
                var word: UInt64 = 0
                let end = min(index + 8, bytes.count)
                if end - index == 8 {
                    word = UnsafeRawBufferPointer(bytes).loadUnaligned(fromByteOffset: index, as: UInt64.self)
                } else {
                    for place in index..<end { word = word << 8 | UInt64(bytes[place]) }
                }
                let (high, low) = (hash ^ word).multipliedFullWidth(by: 0xd6e8_feb8_6659_fd93)
                hash = high ^ low
                index = end
            }
            return hash ^ (hash >> 29)
        }
    }
}
