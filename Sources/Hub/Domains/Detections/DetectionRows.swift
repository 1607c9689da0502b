import Foundation
import HubCore
public import Postgres
public import Protocol

extension DetectionSeverity: Bindable, ColumnDecodable {}
extension DetectionResolution: Bindable, ColumnDecodable {}
extension AgentOutput: ColumnDecodable {}

extension DetectionRecord: RowDecodable {
    public init(_ row: Row) throws(Fault) {
        let details: JSONValue? = try row["details"]
        let metadata: JSONValue = try row["metadata"]
        let evidence: [SignalReading]? = try row.json("evidence")
        let confidence: Double? = try row["confidence"]
        self.init(
            id: try row["id"],
            sessionId: try row["session_id"],
            anomalyType: try row["anomaly_type"],
            severity: try row["severity"],
            message: details?["message"]?.stringValue ?? "",
            details: details ?? .object([:]),
            evidence: evidence ?? [],
            // A real holds hundredths less exactly than people write them.
            confidence: ((confidence ?? 0) * 100).rounded() / 100,
            occurrenceCount: try row["occurrence_count"],
            dedupKey: try row["dedup_key"],
            resolution: try row["resolution"],
            resolvedAt: try row["resolved_at"],
            resolvedBy: try row["resolved_by"],
            note: metadata["note"]?.stringValue,
            createdAt: try row["created_at"],
            updatedAt: try row["updated_at"]
        )
    }
}

/// What the database knows of one session that bears on whether something is wrong with it.
struct SessionSignsRow: RowDecodable {
    var signs: SessionSigns

    init(_ row: Row) throws(Fault) {
        let at: Date = try row["at"]
        signs = SessionSigns(
            sessionId: try row["id"],
            fence: try row["fence"],
            at: at.milliseconds,
            status: try row["status"],
            hasStarted: try row["has_started"],
            isOver: try row["is_over"]
        )
        signs.agent = try Self.agent(row)
        signs.spoke = try Self.spoke(row)
        signs.activity = try Self.activity(row)
        signs.work.directory = try row["directory"]
        signs.work.expectedFiles = Self.patterns(try row["expected_files"])
        signs.work.taskScope = try row["task_scope"]
        signs.reports = try row.json("reports") ?? []
    }

    private static func agent(_ row: Row) throws(Fault) -> SessionSigns.Agent? {
        let profile: String? = try row["agent"]
        let output: AgentOutput? = try row["agent_output"]
        guard profile != nil || output != nil else { return nil }
        let facts: AgentFacts? = try row.json("facts")
        let transcript: TranscriptSigns? = try row.json("transcript_signs")
        return SessionSigns.Agent(
            output: output,
            state: facts?.state ?? .busy,
            quotaResetsAt: facts?.quotaResetsAt,
            transcript: transcript ?? TranscriptSigns()
        )
    }

    private static func spoke(_ row: Row) throws(Fault) -> SessionSigns.Spoke? {
        guard let name: String = try row["spoke_name"], let status: SpokeStatus = try row["spoke_status"] else {
            return nil
        }
        var spoke = SessionSigns.Spoke(name: name, isConnected: status == .connected)
        spoke.connectedAt = try milliseconds(row["connected_at"])
        spoke.disconnectedAt = try milliseconds(row["disconnected_at"])
        spoke.disconnectReason = try row["disconnect_reason"]
        spoke.lastHeartbeat = try milliseconds(row["last_heartbeat"])
        spoke.pausedReason = try row["paused_reason"]
        spoke.cpuLoad = try row["cpu_load"]
        spoke.watchedSince = try milliseconds(row["watched_since"])
        return spoke
    }

    private static func activity(_ row: Row) throws(Fault) -> SessionSigns.Activity {
        var activity = SessionSigns.Activity()
        let (changed, mapped): (Int64?, Int64?) = (
            try milliseconds(row["last_activity_at"]), try milliseconds(row["mapped_at"])
        )
        activity.stateAt = [changed, mapped].compactMap { $0 }.max()
        let chunk: String? = try row["last_chunk"]
        activity.outputAt = chunk.flatMap(Ids.milliseconds(of:))
        activity.messageAt = try milliseconds(row["told_at"])
        activity.callAt = try milliseconds(row["called_at"])
        activity.referencesAt = try milliseconds(row["observed_at"])
        let sampled: JSONValue = try row["sampled"] ?? .null
        activity.processorAt = sampled["processorAt"]?.integerValue
        activity.writeAt = sampled["writeAt"]?.integerValue
        activity.sampledAt = sampled["at"]?.integerValue
        return activity
    }

    private static func milliseconds(_ date: Date?) -> Int64? { date?.milliseconds }

    /// The patterns of a task's metadata; a task may say anything there.
    private static func patterns(_ value: JSONValue?) -> [String] {
        (value?.arrayValue ?? []).prefix(100).compactMap(\.stringValue).filter { !$0.isEmpty && $0.utf8.count <= 200 }
    }
}

extension Ids {
    /// When a sortable id was made, in milliseconds since 1970; `nil` for another id.
    static func milliseconds(of id: String) -> Int64? {
        let digits = id.replacing("-", with: "").prefix(13)
        guard digits.count == 13, digits.last == "7" else { return nil }
        return Int64(digits.dropLast(), radix: 16)
    }
}
