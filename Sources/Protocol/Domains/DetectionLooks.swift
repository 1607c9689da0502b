/// Looks for anomalies at once instead of at the next round.
public struct LookForAnomalies: RemoteOperation {
    public static let name = "coord.detect"
    public static let kind = OperationKind.mutation
    public static let summary = "Looks for anomalies in sessions now, stores what is found, and answers it."
    public static let access = AccessControl.scopes("coord:write")
    public static let examples = [
        LookForAnomalies(sessionId: "run-the-tests-1f2e3d4c"), LookForAnomalies(projectId: "website", dryRun: true),
    ]
    public static let fields = [
        "sessionId": "Only this session (id or slug), also one that is over.",
        "projectId": "Only the running sessions of this project (id or name).",
        "dryRun": "Says what would be found and stores nothing; false if absent.",
    ]

    public struct Output: Codable, Hashable, Sendable, Described {
        public static let fields = [
            "sessions": "How many sessions were looked at.",
            "found": "What holds of them at this moment, 500 at most.",
            "settled": "Open detections that hold no longer and were resolved as fixed.",
            "truncated": "More was found than is listed, or more sessions run than were looked at.",
        ]
        public var sessions: Int
        public var found: [FoundAnomaly]
        public var settled: [DetectionID]
        public var truncated: Bool

        public init(sessions: Int, found: [FoundAnomaly], settled: [DetectionID], truncated: Bool) {
            self.sessions = sessions
            self.found = found
            self.settled = settled
            self.truncated = truncated
        }
    }

    public var sessionId: String?
    public var projectId: String?
    public var dryRun: Bool?

    public init(sessionId: String? = nil, projectId: String? = nil, dryRun: Bool? = nil) {
        self.sessionId = sessionId
        self.projectId = projectId
        self.dryRun = dryRun
    }
}

/// What a look found in one session.
public struct FoundAnomaly: Codable, Hashable, Sendable, Described {
    public static let fields = [
        "sessionId": "The session.",
        "anomalyType": "What was found.",
        "severity": "How much it matters.",
        "message": "The same in a sentence.",
        "details": "The numbers: counters, thresholds, times.",
        "evidence": "Each signal with what it said; those that were missing, too.",
        "confidence": "0 to 1.",
        "fresh": "Whether something was found that was not reported before.",
        "detectionId": "The detection that says so; absent in a dry run that found something fresh.",
        "occurrenceCount": "At how many looks it was found anew.",
    ]

    public var sessionId: SessionID
    public var anomalyType: AnomalyType
    public var severity: DetectionSeverity
    public var message: String
    public var details: JSONValue
    public var evidence: [SignalReading]
    public var confidence: Double
    public var fresh: Bool
    public var detectionId: DetectionID?
    public var occurrenceCount: Int?

    public init(
        sessionId: SessionID,
        anomalyType: AnomalyType,
        message: String,
        details: JSONValue,
        evidence: [SignalReading],
        confidence: Double,
        fresh: Bool,
        detectionId: DetectionID?,
        occurrenceCount: Int?
    ) {
        self.sessionId = sessionId
        self.anomalyType = anomalyType
        self.severity = anomalyType.severity
        self.message = message
        self.details = details
        self.evidence = evidence
        self.confidence = confidence
        self.fresh = fresh
        self.detectionId = detectionId
        self.occurrenceCount = occurrenceCount
    }
}
