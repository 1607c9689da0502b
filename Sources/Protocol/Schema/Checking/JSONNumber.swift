/// A number of JSON, compared exactly although there are two ways to hold one.
enum JSONNumber: Sendable {
    case whole(Int64)
    case real(Double)

    init?(_ value: JSONValue) {
        switch value {
        case .integer(let whole): self = .whole(whole)
        case .number(let real): self = Int64(exactly: real).map(Self.whole) ?? .real(real)
        case .null, .bool, .string, .array, .object: return nil
        }
    }

    /// 1.0 is a whole number, and so is 1e300.
    var isWhole: Bool {
        switch self {
        case .whole: true
        case .real(let real): real.rounded(.towardZero) == real
        }
    }
}

extension JSONNumber: Comparable {
    static func == (one: JSONNumber, other: JSONNumber) -> Bool {
        switch (one, other) {
        case (.whole(let one), .whole(let other)): one == other
        case (.real(let one), .real(let other)): one == other
        // A real that an Int64 holds is never kept as a real.
        case (.whole, .real), (.real, .whole): false
        }
    }

    static func < (one: JSONNumber, other: JSONNumber) -> Bool {
        switch (one, other) {
        case (.whole(let one), .whole(let other)): one < other
        case (.real(let one), .real(let other)): one < other
        case (.whole(let whole), .real(let real)): less(whole, than: real)
        case (.real(let real), .whole(let whole)): !less(whole, than: real)
        }
    }

    /// Exact: a real between -2⁶³ and 2⁶³ is never whole here, so its whole part decides.
    private static func less(_ whole: Int64, than real: Double) -> Bool {
        guard let floor = Int64(exactly: real.rounded(.down)) else { return real > 0 }
        return whole <= floor
    }
}

/// A number as its decimal digits: significand × 10^exponent.
///
/// A double stands for the shortest decimal that reads as it, which is what its author wrote: 0.0075 is a multiple
/// of 0.0001.
struct DecimalNumber: Hashable, Sendable {
    let significand: UInt64
    let exponent: Int

    init(_ number: JSONNumber) {
        switch number {
        case .whole(let whole): self.init(whole.magnitude, 0)
        case .real(let real): self.init(real)
        }
    }

    private init(_ significand: UInt64, _ exponent: Int) {
        self.significand = significand
        self.exponent = exponent
    }

    /// Reads the digits that the standard library prints, at most 17 and an exponent.
    private init(_ real: Double) {
        var (digits, exponent): (UInt64, Int) = (0, 0)
        var (isFraction, written, isNegative): (Bool, Int?, Bool) = (false, nil, false)
        for byte in real.magnitude.description.utf8 {
            switch byte {
            case 48...57:
                let digit = UInt64(byte - 48)
                if let tens = written {
                    written = tens * 10 + Int(digit)
                } else {
                    digits = digits &* 10 &+ digit
                    if isFraction { exponent -= 1 }
                }
            case UInt8(ascii: "."): isFraction = true
            case UInt8(ascii: "e"): written = 0
            case UInt8(ascii: "-"): isNegative = true
            default: break
            }
        }
        let tens = written ?? 0
        self.init(digits, exponent + (isNegative ? -tens : tens))
    }

    /// Whether this is `divisor` times a whole number, without rounding.
    func isMultiple(of divisor: DecimalNumber) -> Bool {
        guard significand != 0 else { return true }
        guard divisor.significand != 0 else { return false }
        let shift = exponent - divisor.exponent
        guard shift < 0 else {
            let power = Self.power(of: 10 % divisor.significand, shift, modulo: divisor.significand)
            let rest = Self.product(significand % divisor.significand, power, modulo: divisor.significand)
            return rest == 0
        }
        var larger = divisor.significand
        for _ in 0..<(-shift) {
            let (product, overflows) = larger.multipliedReportingOverflow(by: 10)
            // More than 64 bits cannot divide a number that is not 0 and fits into them.
            if overflows { return false }
            larger = product
        }
        return significand % larger == 0
    }

    private static func product(_ one: UInt64, _ other: UInt64, modulo: UInt64) -> UInt64 {
        let wide = one.multipliedFullWidth(by: other)
        return modulo.dividingFullWidth((wide.high % modulo, wide.low)).remainder
    }

    private static func power(of base: UInt64, _ exponent: Int, modulo: UInt64) -> UInt64 {
        var (result, square, rest) = (1 % modulo, base, exponent)
        while rest > 0 {
            if rest & 1 == 1 { result = product(result, square, modulo: modulo) }
            square = product(square, square, modulo: modulo)
            rest >>= 1
        }
        return result
    }
}
