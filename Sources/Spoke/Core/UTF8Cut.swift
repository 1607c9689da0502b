/// Where bytes can be cut without cutting a character.
public enum UTF8Cut {
    /// How many of the bytes are whole characters: all of them, or up to three less where the last one has only begun.
    ///
    /// - Parameter isLast: nothing follows, so nothing is left for later.
    public static func length(of bytes: [UInt8], isLast: Bool = false) -> Int {
        guard !isLast else { return bytes.count }
        for back in 1...3 where back <= bytes.count {
            let byte = bytes[bytes.count - back]
            if byte & 0b1100_0000 == 0b1000_0000 { continue }
            let wanted =
                switch byte {
                case 0b1100_0000..<0b1110_0000: 2
                case 0b1110_0000..<0b1111_0000: 3
                case 0b1111_0000..<0b1111_1000: 4
                default: 1
                }
            return wanted > back ? bytes.count - back : bytes.count
        }
        return bytes.count
    }
}
