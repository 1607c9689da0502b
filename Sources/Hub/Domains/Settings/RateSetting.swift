import Protocol

/// How often keys without a rate of their own may call, as an operator may set it (`setting.set`).
enum RateSetting: String, CaseIterable, Hashable, Sendable {
    /// How many calls a second a key may make on average, if it has no rate of its own.
    case callsPerSecond = "rate.callsPerSecond"
    /// How many it may make at once.
    case callsBurst = "rate.callsBurst"

    /// What is wrong with a value; `nil` if nothing is.
    func complaint(about value: JSONValue) -> String? {
        switch self {
        case .callsPerSecond:
            let isRate = value.numberValue.map(Limits.callRates.contains) ?? false
            return isRate ? nil : "must be a number between 0.01 and 1000000."
        case .callsBurst:
            let isBurst = value.integerValue.map { Limits.callBursts.contains(Int($0)) } ?? false
            return isBurst ? nil : "must be a whole number between 1 and 1000000."
        }
    }
}

extension JSONValue {
    /// A number, whole or not.
    var numberValue: Double? {
        switch self {
        case .integer(let whole): Double(whole)
        case .number(let number): number
        default: nil
        }
    }
}
