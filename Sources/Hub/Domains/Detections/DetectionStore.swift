import Crypto
import Foundation
import HubCore
import Postgres
import Protocol

/// What the hub remembers of detections, and what it knows of sessions to find them.
struct DetectionStore: Sendable {
    let database: Database

    /// What is known of these sessions, in order of their ids.
    func signs(of sessions: [SessionID]) async throws(Fault) -> [SessionSigns] {
        guard !sessions.isEmpty else { return [] }
        return try await database.query(SQL.signs, [sessions]).map(\.signs)
    }

    /// The sessions that run, one more than a call looks at if there are more.
    ///
    /// - Parameter account: Sees what is open to it; `nil` sees everything.
    func running(in project: ProjectID?, seenBy account: AccountID?) async throws(Fault) -> [SessionID] {
        try await database.query(SQL.running, [project, account, Limits.sessionsPerLook + 1]).map { SessionID($0) }
    }

    /// Stores what is fresh; answers it as stored. Sessions that were archived meanwhile have nothing.
    ///
    /// - Parameter rest: What lasts, with no more evidence than is stored, counts up only if it was not stored for this
    ///   long: several hubs' rounds are one then.
    func raise(
        _ findings: [SessionFinding],
        notWithin rest: Duration,
        in transaction: Transaction
    ) async throws(Fault) -> [RaisedDetection] {
        guard !findings.isEmpty else { return [] }
        // One statement counts a key up once.
        var keys: Set<String> = []
        let chosen = findings.filter { keys.insert($0.dedupKey).inserted }
        return try await transaction.query(
            SQL.raise,
            [
                chosen.map { _ in DetectionID.sortable() }, chosen.map(\.session), chosen.map(\.finding.type.rawValue),
                chosen.map(\.finding.type.severity.rawValue), chosen.map(\.finding.storedDetails),
                chosen.map { JSON($0.finding.evidence.readings) }, chosen.map(\.finding.evidence.confidence),
                chosen.map(\.dedupKey), rest.seconds,
            ]
        )
    }

    /// Resolves what is over as fixed, by the hub.
    func settle(_ settled: [SettledDetection], in transaction: Transaction) async throws(Fault) {
        guard !settled.isEmpty else { return }
        try await transaction.execute(SQL.settle, [settled.map(\.id), settled.map(\.note)])
    }

    /// The open detections of each of these sessions, oldest first, ``Limits/detectionsShown`` of each at most.
    func open(of sessions: [SessionID]) async throws(Fault) -> [SessionID: [ShownDetection]] {
        let found = try await database.query(SQL.open, [Array(Set(sessions)), Limits.detectionsShown])
        return Dictionary(grouping: found, by: \.record.sessionId)
    }

    /// The open detections that are stored under these keys, by key.
    func open(keys: [String]) async throws(Fault) -> [String: DetectionRecord] {
        guard !keys.isEmpty else { return [:] }
        let found = try await database.query(SQL.openByKey, [keys])
        return Dictionary(
            found.compactMap { one in one.dedupKey.map { ($0, one) } },
            uniquingKeysWith: { $1 }
        )
    }

    func require(_ id: DetectionID) async throws(Fault) -> DetectionRecord {
        guard let found = try await database.first(SQL.find, [id]) else {
            throw Fault(.notFound, "There is no detection \(id); list them with detection.list.")
        }
        return found
    }

    /// - Parameter account: Sees what is open to it; `nil` sees everything.
    func list(
        _ request: ListDetections,
        session: SessionID?,
        project: ProjectID?,
        seenBy account: AccountID?,
        _ cursor: CreationCursor
    ) async throws(Fault) -> [DetectionRecord] {
        let filter: [(any Bindable)?] = [session, project, request.anomalyType, request.severity, request.open]
        return try await database.query(SQL.list, cursor.values + filter + [account])
    }

    /// - Throws: `CONFLICT` for one that is resolved, with who did so and when.
    func resolve(_ request: ResolveDetection, by account: AccountID) async throws(Fault) -> DetectionRecord {
        let values: [(any Bindable)?] = [request.detectionId, account, request.resolution, request.note]
        if let resolved = try await database.first(SQL.resolve, values) { return resolved }
        let found = try await require(request.detectionId)
        let who = found.resolvedBy.map { "account \($0)" } ?? "the hub"
        let when = found.resolvedAt?.wireText ?? ""
        throw Fault(
            .conflict,
            "\(who) resolved it as \(found.resolution?.rawValue ?? "fixed") at \(when); what is resolved stays so.",
            details: [
                "resolution": .string(found.resolution?.rawValue ?? ""), "resolvedAt": .string(when),
                "resolvedBy": found.resolvedBy.map { .string($0.rawValue) } ?? .null,
            ]
        )
    }

    /// An open detection, and how many its session has in all.
    struct ShownDetection: RowDecodable {
        var record: DetectionRecord
        var total: Int

        init(_ row: Row) throws(Fault) {
            record = try DetectionRecord(row)
            total = try row["total"]
        }
    }

    /// How many of a type are open.
    struct OpenCount: RowDecodable {
        var type: String
        var open: Int

        init(_ row: Row) throws(Fault) {
            type = try row["anomaly_type"]
            open = try row["open"]
        }
    }
}

/// What was found in a session, and the key under which it is stored once while it is open.
struct SessionFinding: Sendable {
    let session: SessionID
    let finding: AnomalyFinding
    /// SHA-256 over type, session and context, apart from each other by a NUL, in hexadecimal (coordination.md).
    let dedupKey: String

    init(_ session: SessionID, _ finding: AnomalyFinding) {
        self.session = session
        self.finding = finding
        let text = [finding.type.rawValue, session.rawValue, finding.context].joined(separator: "\0")
        dedupKey = SHA256.hash(data: Data(text.utf8)).map { byte in
            String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)
        }.joined()
    }
}
