/// A set of Unicode scalars, as a character class of a pattern names it.
struct ScalarSet: Hashable, Sendable {
    /// Sorted by lower bound once it is ``sealed()``.
    private var ranges: [ClosedRange<UInt32>] = []
    private var traits: [Trait] = []
    private var isNegated = false
    /// What is known of ASCII beforehand, one bit for each scalar.
    private var low: UInt64 = 0
    private var high: UInt64 = 0

    private struct Trait: Hashable, Sendable {
        let trait: ScalarTrait
        let isNegated: Bool
    }

    init(_ ranges: [ClosedRange<UInt32>] = []) { self.ranges = ranges }

    mutating func insert(_ range: ClosedRange<UInt32>) { ranges.append(range) }

    mutating func insert(_ trait: ScalarTrait, isNegated: Bool) {
        traits.append(Trait(trait: trait, isNegated: isNegated))
    }

    mutating func formUnion(_ other: ScalarSet) {
        ranges += other.isNegated ? Self.outside(other.ranges) : other.ranges
        traits += other.traits
    }

    /// Everything else. Only sets of ranges can be joined to others after that.
    func inverted() -> ScalarSet {
        var set = self
        set.isNegated.toggle()
        return set
    }

    /// The same set, ready to be asked.
    func sealed() -> ScalarSet {
        var set = self
        set.ranges.sort { $0.lowerBound < $1.lowerBound }
        (set.low, set.high) = (0, 0)
        for value in UInt32(0)..<128 where set.holds(value) {
            if value < 64 { set.low |= 1 << UInt64(value) } else { set.high |= 1 << UInt64(value - 64) }
        }
        return set
    }

    /// Whether a scalar is in a sealed set.
    func contains(_ value: UInt32) -> Bool {
        guard value >= 128 else { return (value < 64 ? low >> UInt64(value) : high >> UInt64(value - 64)) & 1 == 1 }
        return holds(value)
    }

    private func holds(_ value: UInt32) -> Bool {
        var found = false
        for range in ranges {
            if range.lowerBound > value { break }
            if range.contains(value) {
                found = true
                break
            }
        }
        if !found, !traits.isEmpty, let scalar = Unicode.Scalar(value) {
            found = traits.contains { $0.trait.holds(of: scalar) != $0.isNegated }
        }
        return found != isNegated
    }

    private static func outside(_ ranges: [ClosedRange<UInt32>]) -> [ClosedRange<UInt32>] {
        var (gaps, next): ([ClosedRange<UInt32>], UInt32) = ([], 0)
        for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if range.lowerBound > next { gaps.append(next...(range.lowerBound - 1)) }
            next = max(next, range.upperBound + 1)
        }
        if next <= 0x10_FFFF { gaps.append(next...0x10_FFFF) }
        return gaps
    }
}

// MARK: - The sets that ECMA-262 names

extension ScalarSet {
    /// `\d`.
    static let digits = ScalarSet([48...57])
    /// `\w`.
    static let words = ScalarSet([48...57, 65...90, 95...95, 97...122])
    /// `\s`: white space and line ends, ECMA-262 §12.2 and §12.3.
    static let spaces = ScalarSet([
        0x9...0xD, 0x20...0x20, 0xA0...0xA0, 0x1680...0x1680, 0x2000...0x200A, 0x2028...0x2029, 0x202F...0x202F,
        0x205F...0x205F, 0x3000...0x3000, 0xFEFF...0xFEFF,
    ])
    /// What `.` does not match.
    static let lineEnds = ScalarSet([0xA...0xA, 0xD...0xD, 0x2028...0x2029])
}
