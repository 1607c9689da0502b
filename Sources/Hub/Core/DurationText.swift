extension Duration {
    /// Reads a duration as people write it: `500ms`, `2s`, `10m`, `1h`, `14d`. `nil` for anything else, and for
    /// what is negative or longer than a year.
    public init?(text: String) {
        let units: [(suffix: String, milliseconds: Double)] = [
            ("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000),
        ]
        guard let unit = units.first(where: { text.hasSuffix($0.suffix) }) else { return nil }
        let digits = text.dropLast(unit.suffix.count)
        guard !digits.isEmpty, digits.allSatisfy({ $0.isASCII && ($0.isNumber || $0 == ".") }),
            let amount = Double(digits), amount.isFinite
        else { return nil }
        let milliseconds = amount * unit.milliseconds
        guard milliseconds <= 366 * 86_400_000 else { return nil }
        self = .microseconds(Int64(milliseconds * 1_000))
    }
}
