public import Protocol

/// Something that a look found.
public struct AnomalyFinding: Hashable, Sendable {
    public var type: AnomalyType
    /// Which thing of the session it is about, apart from others of the type: the placement, and an error's text.
    public var context: String
    /// How far the evidence goes: an ordinal of what is counted, or the time since when something lasts.
    public var mark: Int64
    /// Whether the evidence goes further than what is reported.
    public var isFresh: Bool
    public var message: String
    public var details: [String: JSONValue]
    public var evidence: WeighedEvidence

    /// `details` as they are stored, with what the next look needs.
    public var storedDetails: JSONValue {
        var stored = details
        stored["message"] = .string(message)
        stored["context"] = .string(context)
        stored["mark"] = .integer(mark)
        return .object(stored)
    }
}

/// Signals with what each of them said, and what they weigh.
///
/// Confidence is `1 − ∏ (1 − wᵢ)` over the signals that agree (noisy-or, Pearl 1988, chapter 4): each independent
/// signal takes its share of the doubt that the others leave. Missing ones add nothing.
public struct WeighedEvidence: Hashable, Sendable {
    public private(set) var readings: [SignalReading] = []
    private var doubt = 1.0

    public init() {}

    /// 0 to 1, in hundredths.
    public var confidence: Double { ((1 - doubt) * 100).rounded() / 100 }

    /// Adds a signal that agrees or not.
    mutating func add(_ signal: String, weight: Double, _ agrees: Bool, _ value: String) {
        readings.append(SignalReading(signal, agrees ? .agrees : .disagrees, value))
        if agrees { doubt *= 1 - weight }
    }

    /// Adds one that could not be asked.
    mutating func miss(_ signal: String, _ why: String) { readings.append(SignalReading(signal, .missing, why)) }
}

/// An open detection of something that lasted and is over.
public struct SettledDetection: Hashable, Sendable {
    public var id: DetectionID
    public var type: AnomalyType
    /// Why, in a sentence.
    public var note: String
}

/// What a look at one session comes to.
public struct AnomalyVerdict: Hashable, Sendable {
    /// What holds, fresh or known.
    public var findings: [AnomalyFinding] = []
    public var settled: [SettledDetection] = []

    public init() {}
}
