public import Foundation

/// An anomaly that the hub looks for. What is stored is text: another version of the hub may know more of them.
public enum AnomalyType: String, Codable, CaseIterable, Hashable, Sendable {
    case modelDegradation = "MODEL_DEGRADATION"
    case highErrorCount = "HIGH_ERROR_COUNT"
    case sessionStall = "SESSION_STALL"
    case repeatedError = "REPEATED_ERROR"
    case digression = "DIGRESSION"
    case quotaExhausted = "QUOTA_EXHAUSTED"
    case spokeLost = "SPOKE_LOST"

    /// How much it matters (coordination.md).
    public var severity: DetectionSeverity {
        switch self {
        case .modelDegradation, .quotaExhausted, .spokeLost: .high
        case .highErrorCount, .sessionStall, .repeatedError, .digression: .medium
        }
    }
}

/// How much a detection matters.
public enum DetectionSeverity: String, Codable, CaseIterable, Hashable, Sendable {
    case high, medium, low
}

/// What became of a detection.
public enum DetectionResolution: String, Codable, CaseIterable, Hashable, Sendable {
    case acknowledged, dismissed, escalated, fixed
}

/// What one independent source said when a detection was found.
public struct SignalReading: Codable, Hashable, Sendable, Described {
    public static let fields = [
        "signal": "The source, such as output, processes or host.",
        "state": "Whether it speaks for the detection, against it, or is not there to be asked.",
        "value": "What was read, in words and numbers.",
    ]

    public enum State: String, Codable, CaseIterable, Hashable, Sendable { case agrees, disagrees, missing }

    public var signal: String
    public var state: State
    public var value: String

    public init(_ signal: String, _ state: State, _ value: String) {
        self.signal = signal
        self.state = state
        self.value = value
    }
}

/// An anomaly that was found in a session.
public struct DetectionRecord: Codable, Hashable, Sendable, Described {
    public static let fields = [
        "id": "The detection's id.",
        "sessionId": "The session that it was found in.",
        "anomalyType": "What was found, such as SESSION_STALL; further types may come.",
        "severity": "How much it matters.",
        "message": "What was found, in a sentence.",
        "details": "The numbers: counters, thresholds, times.",
        "evidence": "Each signal with what it said; those that were missing, too.",
        "confidence": "0 to 1: how many independent signals agree, and how weighty they are.",
        "occurrenceCount": "At how many looks it was found anew.",
        "dedupKey": "SHA-256 of type, session and context: an open detection of the same key counts up.",
        "resolution": "What became of it; absent while it is open.",
        "resolvedAt": "When it was resolved.",
        "resolvedBy": "The account that resolved it; absent if the hub did.",
        "note": "What was said when it was resolved.",
        "createdAt": "When it was first found.",
        "updatedAt": "When it was last found, or resolved.",
    ]

    public var id: DetectionID
    public var sessionId: SessionID
    public var anomalyType: String
    public var severity: DetectionSeverity
    public var message: String
    public var details: JSONValue
    public var evidence: [SignalReading]
    public var confidence: Double
    public var occurrenceCount: Int
    public var dedupKey: String?
    public var resolution: DetectionResolution?
    public var resolvedAt: Date?
    public var resolvedBy: AccountID?
    public var note: String?
    public var createdAt: Date
    public var updatedAt: Date

    public init(
        id: DetectionID,
        sessionId: SessionID,
        anomalyType: String,
        severity: DetectionSeverity,
        message: String,
        details: JSONValue,
        evidence: [SignalReading],
        confidence: Double,
        occurrenceCount: Int,
        dedupKey: String?,
        resolution: DetectionResolution?,
        resolvedAt: Date?,
        resolvedBy: AccountID?,
        note: String?,
        createdAt: Date,
        updatedAt: Date
    ) {
        self.id = id
        self.sessionId = sessionId
        self.anomalyType = anomalyType
        self.severity = severity
        self.message = message
        self.details = details
        self.evidence = evidence
        self.confidence = confidence
        self.occurrenceCount = occurrenceCount
        self.dedupKey = dedupKey
        self.resolution = resolution
        self.resolvedAt = resolvedAt
        self.resolvedBy = resolvedBy
        self.note = note
        self.createdAt = createdAt
        self.updatedAt = updatedAt
    }
}

/// An open detection, as it stands beside a session's state.
public struct OpenDetection: Codable, Hashable, Sendable, Described {
    public static let fields = [
        "id": "The detection's id.",
        "type": "What was found.",
        "severity": "How much it matters.",
        "count": "At how many looks it was found anew.",
        "since": "When it was first found.",
        "confidence": "0 to 1.",
        "message": "What was found, in a sentence.",
    ]

    public var id: DetectionID
    public var type: String
    public var severity: DetectionSeverity
    public var count: Int
    public var since: Date
    public var confidence: Double
    public var message: String

    public init(_ record: DetectionRecord) {
        id = record.id
        type = record.anomalyType
        severity = record.severity
        count = record.occurrenceCount
        since = record.createdAt
        confidence = record.confidence
        message = record.message
    }
}

/// Detections, newest first.
public struct ListDetections: RemoteOperation {
    public static let name = "detection.list"
    public static let kind = OperationKind.query
    public static let summary = "Anomalies that were found in sessions, newest first."
    public static let access = AccessControl.scopes("detection:read")
    public static let examples = [ListDetections(open: true), ListDetections(anomalyType: "SESSION_STALL", limit: 20)]
    public static let fields = [
        "sessionId": "Only this session's (id or slug).",
        "projectId": "Only those of this project's sessions (id or name).",
        "anomalyType": "Only those of this type.",
        "severity": "Only those of this severity.",
        "open": "True: only open ones; false: only resolved ones; both if absent.",
        "limit": "At most this many, 1 to 500; 100 if absent.",
        "cursor": "Goes on where an earlier answer's nextCursor points.",
    ]

    public struct Output: Codable, Hashable, Sendable, Described {
        public static let fields = [
            "detections": "One entry per detection.",
            "nextCursor": "Where the next page begins; absent on the last.",
        ]
        public var detections: [DetectionRecord]
        public var nextCursor: String?

        public init(detections: [DetectionRecord], nextCursor: String?) {
            self.detections = detections
            self.nextCursor = nextCursor
        }
    }

    public var sessionId: String?
    public var projectId: String?
    public var anomalyType: String?
    public var severity: DetectionSeverity?
    public var open: Bool?
    public var limit: Int?
    public var cursor: String?

    public init(
        sessionId: String? = nil,
        projectId: String? = nil,
        anomalyType: String? = nil,
        severity: DetectionSeverity? = nil,
        open: Bool? = nil,
        limit: Int? = nil,
        cursor: String? = nil
    ) {
        self.sessionId = sessionId
        self.projectId = projectId
        self.anomalyType = anomalyType
        self.severity = severity
        self.open = open
        self.limit = limit
        self.cursor = cursor
    }
}

/// One detection.
public struct GetDetection: RemoteOperation {
    public static let name = "detection.get"
    public static let kind = OperationKind.query
    public static let summary = "One detection with its evidence."
    public static let access = AccessControl.scopes("detection:read")
    public static let examples = [GetDetection(detectionId: "3f0e…")]
    public static let fields = ["detectionId": "The detection's id."]
    public typealias Output = DetectionRecord

    public var detectionId: DetectionID

    public init(detectionId: DetectionID) { self.detectionId = detectionId }
}

/// Says what became of a detection.
public struct ResolveDetection: RemoteOperation {
    public static let name = "detection.resolve"
    public static let kind = OperationKind.mutation
    public static let summary = "Says what became of a detection; the same evidence does not raise it again."
    public static let access = AccessControl.scopes("detection:write")
    public static let examples = [
        ResolveDetection(detectionId: "3f0e…", resolution: .dismissed, note: "The build is that slow.")
    ]
    public static let fields = [
        "detectionId": "The detection's id.",
        "resolution": "What became of it.",
        "note": "A word on why, 4 KiB at most.",
    ]
    public typealias Output = DetectionRecord

    public var detectionId: DetectionID
    public var resolution: DetectionResolution
    public var note: String?

    public init(detectionId: DetectionID, resolution: DetectionResolution, note: String? = nil) {
        self.detectionId = detectionId
        self.resolution = resolution
        self.note = note
    }
}
