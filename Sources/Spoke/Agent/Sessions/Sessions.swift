import Foundation
import Logging
import Protocol
import SpokeCore

/// The sessions of this spoke that have not ended.
actor Sessions {
    private var runs: [SessionID: SessionRun] = [:]
    private var arrivals: AsyncStream<Arrival>.Continuation
    private let arriving: AsyncStream<Arrival>
    private let logger: Logger

    /// A run to begin, behind the earlier placement of the same session that it takes the place of.
    private struct Arrival: Sendable {
        let run: SessionRun
        let former: SessionRun?
    }

    init(logger: Logger) {
        self.logger = logger
        (arriving, arrivals) = AsyncStream.makeStream()
    }

    /// Takes an order on; at once known to messages and aborts that come behind it. A second start of the same
    /// session is the same session.
    func begin(_ order: StartSession, in surroundings: SessionSurroundings) {
        let former = runs[order.sessionId]
        if let former, former.order.fence >= order.fence { return }
        let run = SessionRun(order, in: surroundings)
        runs[order.sessionId] = run
        arrivals.yield(Arrival(run: run, former: former))
    }

    /// Clears up behind sessions that ended while an earlier agent was dying.
    func cleanUp(_ rows: [SessionRow], in surroundings: SessionSurroundings) async {
        for row in rows where runs[row.id] == nil {
            // A row that cannot be read was written by another version: it stays for that one.
            guard let order = try? WireCoder.value(StartSession.self, from: row.spec) else { continue }
            await SessionRun(order, in: surroundings).cleanUp()
        }
    }

    /// Runs every session that arrives, until cancelled.
    func run() async {
        await withDiscardingTaskGroup { group in
            for await arrival in arriving {
                group.addTask {
                    if let former = arrival.former {
                        _ = await former.stop(AbortSession(of: former.order, as: "superseded"))
                        await former.untilEnded()
                    }
                    await arrival.run.run()
                    await self.ended(arrival.run)
                }
            }
        }
    }

    private func ended(_ run: SessionRun) {
        if runs[run.order.sessionId] === run { runs[run.order.sessionId] = nil }
    }

    /// The session, unless it has ended or never was here.
    func running(_ id: SessionID) -> SessionRun? { runs[id] }

    var count: Int { runs.count }

    /// Ends the sessions whose patience with an absent hub is over.
    func endImpatient(away: Duration) async {
        for run in runs.values where Patience(run.order.disconnectPolicy).isOver(after: away) {
            logger.notice("session ended, the hub is away", metadata: ["session": "\(run.order.sessionId)"])
            _ = await run.stop(AbortSession(of: run.order, as: "disconnected"))
        }
    }

    /// The workspaces that sessions work in.
    func workspaces() -> [WorkspaceID] { runs.values.map(\.order.workspace.workspaceId) }

    /// The sessions whose processes run, for a look at these.
    func subjects() async -> [SessionSampler.Subject] {
        var subjects: [SessionSampler.Subject] = []
        for run in runs.values {
            if let subject = await run.subject { subjects.append(subject) }
        }
        return subjects
    }

    /// What `link.hello` tells.
    func summaries() async -> [SessionSummary] {
        var summaries: [SessionSummary] = []
        for run in runs.values { summaries.append(await run.summary) }
        return summaries.sorted { $0.sessionId < $1.sessionId }
    }

    /// What people are shown.
    func overview() async -> JSONValue {
        var rows: [JSONValue] = []
        for run in runs.values.sorted(by: { $0.order.sessionId < $1.order.sessionId }) {
            let summary = await run.summary
            var row: [String: JSONValue] = [
                "sessionId": .string(summary.sessionId.rawValue), "state": .string(summary.state.rawValue),
                "title": .string(run.order.title), "branch": .string(run.order.workspace.branch),
                "command": .array((run.order.run.command ?? []).map(JSONValue.string)),
            ]
            row["pid"] = summary.pid.map { .integer(Int64($0)) }
            row["startedAt"] = summary.startedAt.map { .string($0.wireText) }
            rows.append(.object(row))
        }
        return ["sessions": .array(rows)]
    }
}

extension AbortSession {
    /// The spoke's own wish that a session ends, with the usual grace.
    init(of order: StartSession, as name: String) {
        self.init(commandId: CommandID(name), sessionId: order.sessionId, fence: order.fence, graceSeconds: 5)
    }
}
