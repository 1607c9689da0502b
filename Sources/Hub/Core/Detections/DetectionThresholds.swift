public import Protocol

/// From where on something is an anomaly: the setting `detection.thresholds`, an object of the fields below. What it
/// leaves out is as usual.
public struct DetectionThresholds: Hashable, Sendable {
    /// Tool errors since the last report.
    public var toolErrors = 5
    /// Times that the same error was seen since the last report.
    public var repeatedErrors = 5
    /// Malformed tool calls since the last report.
    public var malformedCalls = 1
    /// Files that may be touched; one more is a digression.
    public var filesTouched = 20
    /// Seconds that an agent may show no activity.
    public var agentStallSeconds = 60.0
    /// The same of a plain process, and of an agent that waits for a tool.
    public var processStallSeconds = 600.0
    /// Seconds that a spoke with running sessions may be away.
    public var spokeLostSeconds = 45.0
    /// Types that are not looked for.
    public var off: Set<AnomalyType> = []

    public init() {}

    /// What a stored setting amounts to; what is out of bounds in it is not heeded.
    public init(_ stored: JSONValue?) {
        guard case .object(let fields)? = stored else { return }
        for (name, path) in Self.counts {
            guard let count = fields[name]?.integerValue, Self.bounds(of: name).contains(Double(count)) else {
                continue
            }
            self[keyPath: path] = Int(count)
        }
        for (name, path) in Self.times {
            guard let seconds = fields[name].flatMap(Self.number), Self.bounds(of: name).contains(seconds) else {
                continue
            }
            self[keyPath: path] = seconds
        }
        off = Set((fields["off"]?.arrayValue ?? []).compactMap { $0.stringValue.flatMap(AnomalyType.init(rawValue:)) })
    }

    /// Its name among the settings.
    public static let key = "detection.thresholds"

    /// What is wrong with a value for the setting; `nil` if nothing is.
    public static func complaint(about value: JSONValue) -> String? {
        guard case .object(let fields) = value else {
            return "must be an object such as {\"agentStallSeconds\": 120}."
        }
        for (name, value) in fields.sorted(by: { $0.key < $1.key }) {
            if name == "off" {
                let types = value.arrayValue?.map { $0.stringValue.flatMap(AnomalyType.init(rawValue:)) }
                guard let types, !types.contains(nil) else {
                    return "off: must list types: \(AnomalyType.allCases.map(\.rawValue).joined(separator: ", "))."
                }
            } else if counts.contains(where: { $0.name == name }) {
                guard let count = value.integerValue, bounds(of: name).contains(Double(count)) else {
                    return "\(name): must be a whole number from 1 to \(Int(bounds(of: name).upperBound))."
                }
            } else if times.contains(where: { $0.name == name }) {
                guard let seconds = number(value), bounds(of: name).contains(seconds) else {
                    return "\(name): must be a number of seconds from 0.1 to 604800."
                }
            } else {
                return "\(name): is none of \((counts.map(\.name) + times.map(\.name)).joined(separator: ", ")), off."
            }
        }
        return nil
    }

    private typealias Count = (name: String, path: WritableKeyPath<Self, Int>)
    private typealias Time = (name: String, path: WritableKeyPath<Self, Double>)

    private static var counts: [Count] {
        [
            ("toolErrors", \.toolErrors), ("repeatedErrors", \.repeatedErrors), ("malformedCalls", \.malformedCalls),
            ("filesTouched", \.filesTouched),
        ]
    }

    private static var times: [Time] {
        [
            ("agentStallSeconds", \.agentStallSeconds), ("processStallSeconds", \.processStallSeconds),
            ("spokeLostSeconds", \.spokeLostSeconds),
        ]
    }

    /// What is remembered of a transcript bounds what can be counted in it.
    private static func bounds(of name: String) -> ClosedRange<Double> {
        switch name {
        case "repeatedErrors": 1...Double(TranscriptSigns.occurrencesMax)
        case "filesTouched": 1...Double(TranscriptSigns.filesMax - 1)
        case "toolErrors", "malformedCalls": 1...10_000
        default: 0.1...604_800
        }
    }

    private static func number(_ value: JSONValue) -> Double? {
        switch value {
        case .integer(let whole): Double(whole)
        case .number(let number): number
        case .null, .bool, .string, .array, .object: nil
        }
    }
}
