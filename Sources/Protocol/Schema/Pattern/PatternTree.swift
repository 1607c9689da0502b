/// A pattern as it was read.
indirect enum PatternTree {
    case empty
    case scalar(UInt32)
    case set(ScalarSet)
    case sequence([PatternTree])
    case choice([PatternTree])
    /// - Parameter most: `nil` for any number.
    case repetition(PatternTree, least: Int, most: Int?)
    case start
    case end
    case wordBoundary(isNegated: Bool)
    case lookahead(PatternTree, isNegated: Bool)

    /// How many steps its program takes, no more than `ceiling`.
    func weight(ceiling: Int) -> Int {
        switch self {
        case .empty: return 0
        case .scalar, .set, .start, .end, .wordBoundary: return 1
        case .sequence(let parts): return parts.weight(ceiling)
        case .choice(let branches): return min(ceiling, branches.weight(ceiling) + 2 * branches.count)
        case .repetition(let part, let least, let most):
            let one = part.weight(ceiling: ceiling) + 2
            let (product, overflows) = one.multipliedReportingOverflow(by: max(1, most ?? (least + 1)))
            return overflows ? ceiling : min(ceiling, product)
        case .lookahead(let part, _): return min(ceiling, part.weight(ceiling: ceiling) + 2)
        }
    }
}

extension [PatternTree] {
    fileprivate func weight(_ ceiling: Int) -> Int {
        var total = 0
        for part in self {
            total = Swift.min(ceiling, total + part.weight(ceiling: ceiling))
        }
        return total
    }
}

/// Why a text is no pattern, or none that is checked here.
struct PatternProblem: Error, Hashable {
    /// What is wrong, as the rest of a sentence that begins with the pattern.
    let sentence: String
}
