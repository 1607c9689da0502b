import Foundation
import HubDomains
import Postgres
import Protocol

/// A hub with a spoke on which one agent runs.
struct DetectionStage {
    let hub: TestHub
    var spoke: ScriptedSpoke
    let session: SpawnedSession

    static func make(agent: Bool = true) async throws -> DetectionStage {
        let hub = try await TestHub.make()
        _ = try await hub.project()
        var spoke = try await ScriptedSpoke.join(
            hub,
            "a",
            slots: 100,
            agents: [AgentOffer(name: "claude", resumes: true)]
        )
        let run = agent ? RunOrder(agent: "claude", prompt: "Begin.") : RunOrder(command: ["sleep", "1000"])
        let session = try await hub.spawn(SpawnOrder(project: "app", run: run))
        spoke.start(session, agentOutput: agent ? .jsonl : nil)
        try await spoke.flush()
        return DetectionStage(hub: hub, spoke: spoke, session: session)
    }

    var id: String { session.sessionId.rawValue }

    mutating func fail(_ count: Int, from offset: Int64 = 0, saying text: String = "no such file") async throws
        -> Int64
    {
        let line =
            #"{"type":"user","message":{"content":[{"type":"tool_result","tool_use_id":"t","#
            + #""content":"\#(text)","is_error":true}]}}"# + "\n"
        let sum = spoke.print(session, Array(repeating: line, count: count), from: offset)
        try await spoke.flush()
        _ = try await hub.domains.coordination.readTranscripts()
        return sum.bytes
    }

    /// As if everything that is known of the session were so many seconds older.
    func age(by seconds: Int) async throws {
        for sql in [
            "UPDATE nave.sessions SET last_activity_at = last_activity_at - make_interval(secs => $1::int)",
            "UPDATE nave.mappings SET created_at = created_at - make_interval(secs => $1::int)",
            "UPDATE nave.spokes SET connected_at = connected_at - make_interval(secs => $1::int),"
                + " disconnected_at = disconnected_at - make_interval(secs => $1::int)",
            "ALTER TABLE nave.workspaces DISABLE TRIGGER USER",
            "UPDATE nave.workspaces SET updated_at = updated_at - make_interval(secs => $1::int)",
            "UPDATE nave.hubs SET started_at = started_at - make_interval(secs => $1::int)",
        ] {
            try await hub.database.execute(Statement<Void>(sql), sql.contains("$1") ? [seconds] : [])
        }
    }

    /// As if what is detected had been stored so many seconds earlier.
    func ageDetections(by seconds: Int) async throws {
        for sql in [
            "ALTER TABLE nave.detections DISABLE TRIGGER USER",
            "UPDATE nave.detections SET updated_at = updated_at - make_interval(secs => $1::int)",
            "ALTER TABLE nave.detections ENABLE TRIGGER USER",
        ] {
            try await hub.database.execute(Statement<Void>(sql), sql.contains("$1") ? [seconds] : [])
        }
    }

    func listed(open: Bool? = nil) async throws -> [DetectionRecord] {
        try await hub.ask(ListDetections(open: open)).detections
    }
}
