import Foundation
import HubCore
import Postgres
import Protocol
import Testing

@testable import HubDomains

/// A hub whose recorder runs, and calls as a desk would make them.
struct CallStage {
    let hub: TestHub

    var recorder: CallRecorder { hub.domains.calls.recorder }

    /// Runs a test's body beside the recorder, which then writes what is left.
    static func with(_ body: (CallStage) async throws -> Void) async throws {
        let hub = try await TestHub.make()
        try await hub.domains.operations.publish(hub.domains.table.specs, by: "hub-1")
        let stage = CallStage(hub: hub)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await stage.recorder.run() }
            do {
                try await body(stage)
            } catch {
                stage.recorder.finish()
                throw error
            }
            stage.recorder.finish()
            try await group.waitForAll()
        }
        await hub.close()
    }

    static let query = CallSubject(operationId: "project.list", kind: .query)
    static let mutation = CallSubject(operationId: "project.create", kind: .mutation)
    static let subscription = CallSubject(operationId: "session.output", kind: .subscription)

    /// Begins a call.
    func open(
        _ id: String,
        _ subject: CallSubject = query,
        below parent: String? = nil,
        input: CallPayload? = .value(["a": 1]),
        by caller: Caller? = nil,
        waits: Bool = false
    ) async throws -> OpenCall {
        var caller = caller ?? hub.admin
        caller.requestId = id
        caller.parentRequestId = parent
        return try await recorder.open(subject, input: input, by: caller, waits: waits)
    }

    /// A call from beginning to end.
    func made(
        _ id: String,
        _ subject: CallSubject = query,
        below parent: String? = nil,
        input: CallPayload? = .value(["a": 1]),
        by caller: Caller? = nil,
        outcome: CallOutcome = .answered(Array("true".utf8))
    ) async throws {
        recorder.close(try await open(id, subject, below: parent, input: input, by: caller), outcome)
    }

    /// What another hub process has to say of a call that it made.
    func note(_ id: String, at moment: Date = Date()) -> CallNote {
        var caller = hub.admin
        caller.requestId = id
        var said: [CallNote] = []
        _ = RunningCalls().enter(Self.query, input: .value(1), caller: caller, level: .all, at: moment)
            .finish(.answered(Array("1".utf8)), at: moment) { said.append($0) }
        return said[0]
    }

    func record(_ id: String, by caller: Caller? = nil) async throws -> CallRecord {
        try await hub.ask(GetCall(requestId: id), by: caller)
    }

    /// How many nodes there are, once what was said is written.
    func nodes(where condition: String = "true") async throws -> Int64 {
        await recorder.caughtUp()
        return try await hub.count("SELECT count(*) FROM nave.call_graph_nodes WHERE \(condition)")
    }
}
