import Foundation
import HubCore
import Logging
import Postgres
import Protocol
import Synchronization
import TestSupport
import Testing

@testable import HubDomains

/// What the database itself keeps true of the call graph, what a hub that died leaves behind, and what is forgotten.
@Suite(.timeLimit(.minutes(5))) struct CallKeepingTests {
    @Test func theDatabaseRefusesLoopsCirclesSecondParentsAndImpossibleStates() async throws {
        try await CallStage.with { stage in
            for id in ["a", "b", "c"] { try await stage.made(id) }
            _ = try await stage.nodes()
            func edge(_ source: String, _ target: String, _ type: String) -> String {
                """
                INSERT INTO nave.call_graph_edges SELECT s.id, t.id, '\(type)'
                  FROM nave.call_graph_nodes s, nave.call_graph_nodes t
                 WHERE s.request_id = '\(source)' AND t.request_id = '\(target)'
                """
            }
            try await stage.hub.database.execute(Statement<Void>(edge("a", "c", "triggered")))
            for sql in [
                edge("a", "a", "triggered"), edge("c", "a", "triggered"), edge("c", "a", "depends_on"),
                edge("b", "c", "triggered"), edge("a", "b", "else"), edge("a", "c", "triggered"),
                "UPDATE nave.call_graph_nodes SET parent_request_id = request_id",
                "UPDATE nave.call_graph_nodes SET status = 'running'",
                "UPDATE nave.call_graph_nodes SET completed_at = NULL",
                "UPDATE nave.call_graph_nodes SET status = 'failed'",
                "UPDATE nave.call_graph_nodes SET status = 'done'",
                "UPDATE nave.call_graph_nodes SET started_at = NULL",
                "UPDATE nave.call_graph_nodes SET request_id = 'a'",
            ] {
                await #expect(throws: Fault.self, "\(sql)") {
                    try await stage.hub.database.execute(Statement<Void>(sql))
                }
            }
            try await stage.hub.database.execute(Statement<Void>(edge("a", "c", "depends_on")))
        }
    }

    @Test func callsOutliveTheirOperation() async throws {
        try await CallStage.with { stage in
            try await stage.made("old", CallSubject(operationId: "project.get", kind: .query))
            _ = try await stage.nodes()
            try await stage.hub.database.execute(
                Statement<Void>("DELETE FROM nave.operations WHERE id = 'project.get'")
            )
            #expect(try await stage.record("old").operationId == "project.get")
            #expect(try await stage.nodes(where: "operation_id = '__removed__'") == 1)
            await #expect(throws: Fault.self) {
                try await stage.hub.database.execute(
                    Statement<Void>("DELETE FROM nave.operations WHERE id = '__removed__'")
                )
            }
            try await stage.hub.database.execute(Statement<Void>("UPDATE nave.accounts SET display_name = 'x'"))
        }
    }

    @Test func whatADeadHubLeftIsEndedAndWhatRunsIsLeftAlone() async throws {
        try await CallStage.with { stage in
            try await stage.hub.domains.coordination.hubs.register("hub-alive", url: "http://x", version: "1")
            try await stage.hub.database.execute(
                Statement<Void>(
                    """
                    INSERT INTO nave.call_graph_nodes
                        (id, request_id, operation_id, status, created_at, started_at, hub_id, identity)
                    SELECT hub || state || age, hub || '-' || state || '-' || age, 'project.create', state,
                           now() - age * interval '1 second',
                           CASE state WHEN 'running' THEN now() - age * interval '1 second' END, hub,
                           '{"id": "x", "scopes": []}'
                      FROM unnest(ARRAY['hub-dead', 'hub-alive']) AS hub, unnest(ARRAY['pending', 'running']) AS state,
                           unnest(ARRAY[1, 600]) AS age
                    """
                )
            )
            let mine = try await stage.open("mine", CallStage.mutation)
            try await stage.hub.database.execute(
                Statement<Void>(
                    "UPDATE nave.call_graph_nodes SET created_at = now() - interval '1 hour' WHERE id = $1"
                ),
                [mine.id]
            )
            await stage.recorder.caughtUp()
            try await stage.recorder.tidy()
            let aborted = try await stage.record("hub-dead-pending-600")
            #expect(aborted.status == .aborted && aborted.error?.code == .aborted && aborted.startedAt == nil)
            let failed = try await stage.record("hub-dead-running-600")
            #expect(failed.status == .failed && failed.error?.code == .unavailable && failed.completedAt != nil)
            #expect(try await stage.record("mine").status == .running)
            #expect(try await stage.nodes(where: "completed_at IS NULL") == 7)
            // Its own call that it has no memory of is over, too.
            stage.recorder.running.leave(mine)
            try await stage.recorder.tidy()
            #expect(try await stage.record("mine").status == .failed)
        }
    }

    /// Under load something always waits to be written: that says nothing about a hub that is gone.
    @Test func whatADeadHubLeftIsEndedWhileOwnRecordsWait() async throws {
        let hub = try await TestHub.make()
        try await hub.domains.operations.publish(hub.domains.table.specs, by: "hub-1")
        let recorder = hub.domains.calls.recorder
        try await hub.database.execute(
            Statement<Void>(
                """
                INSERT INTO nave.call_graph_nodes
                    (id, request_id, operation_id, status, created_at, started_at, hub_id, identity)
                VALUES ('dead', 'dead', 'project.create', 'running', now() - interval '1 hour',
                        now() - interval '1 hour', 'hub-dead', '{"id": "x", "scopes": []}')
                """
            )
        )
        // Nobody runs the recorder: what is said waits.
        recorder.close(try await recorder.open(CallStage.query, input: nil, by: hub.admin), .answered([49]))
        #expect(recorder.counts.waiting.load(ordering: .relaxed) == 1)
        try await recorder.tidy()
        #expect(try await hub.count("SELECT count(*) FROM nave.call_graph_nodes WHERE status = 'failed'") == 1)
        await hub.close()
    }

    @Test func oldCallsAreForgottenWithTheirEdges() async throws {
        try await CallStage.with { stage in
            let parent = try await stage.open("parent", CallStage.mutation)
            try await stage.made("child", below: "parent")
            stage.recorder.close(parent, .answered([49]))
            try await stage.made("young")
            let running = try await stage.open("running", CallStage.mutation)
            _ = try await stage.nodes()
            try await stage.hub.database.execute(
                Statement<Void>(
                    """
                    UPDATE nave.call_graph_nodes SET created_at = now() - interval '40 days' WHERE request_id <> 'young'
                    """
                )
            )
            _ = try await stage.hub.ask(SetSetting(key: "retention.callDays", value: 60))
            #expect(try await stage.hub.domains.calls.prune(olderThanDays: 60) == 0)
            #expect(try await stage.hub.domains.calls.prune(olderThanDays: RetentionSetting.call.usual) == 2)
            #expect(try await stage.nodes() == 2)
            #expect(try await stage.hub.count("SELECT count(*) FROM nave.call_graph_edges") == 0)
            stage.recorder.close(running, .answered([49]))
        }
    }

    @Test func aMutationsAuditEntryAndItsNodeHaveTheSameRequestId() async throws {
        try await CallStage.with { stage in
            var caller = stage.hub.admin
            caller.requestId = "both"
            let call = try await stage.recorder.open(CallStage.mutation, input: .value(1), by: caller)
            _ = try await stage.hub.ask(CreateProject(name: "both", repoUrl: "/srv/both.git"), by: caller)
            stage.recorder.close(call, .answered([49]))
            _ = try await stage.nodes()
            let pairs = try await stage.hub.count(
                "SELECT count(*) FROM nave.audit_logs JOIN nave.call_graph_nodes USING (request_id)"
            )
            #expect(pairs == 1)
        }
    }
}
