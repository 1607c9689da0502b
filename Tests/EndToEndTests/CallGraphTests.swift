import Foundation
import NIOHTTP1
import Protocol
import Testing

/// The call graph from outside: what was called leaves its node, and what runs can be stopped.
@Suite(.serialized)
struct CallGraphTests {
    @Test func everyCallLeavesANodeThatCanBeAskedFor() async throws {
        let hub = try await HubUnderTest.start()
        let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        _ = try await hub.call("project.list", headers: [("x-request-id", "ask-1"), ("traceparent", trace)])
        let asked = try await hub.call("call.get", #"{"requestId":"ask-1"}"#)
        #expect(asked.data?["operationId"] == "project.list" && asked.data?["status"] == "completed", "\(asked.body)")
        #expect(asked.data?["output"]?["projects"] == .array([]) && asked.data?["traceparent"] == .string(trace))
        #expect(asked.data?["providerType"] == "hub" && asked.data?["startedAt"] != nil)

        let below = [("x-request-id", "ask-2"), ("x-parent-request-id", "ask-1")]
        let made = try await hub.call("project.create", #"{"name":"app","repoUrl":"/srv/app.git"}"#, headers: below)
        #expect(made.status == 200)
        let again = [("x-request-id", "ask-3"), ("x-parent-request-id", "ask-2")]
        let refused = try await hub.call("project.create", #"{"name":"app","repoUrl":"/srv/b.git"}"#, headers: again)
        #expect(refused.status == 409)
        let tree = try await hub.call("call.tree", #"{"requestId":"ask-1"}"#)
        let calls = tree.data?["calls"]?.arrayValue ?? []
        #expect(calls.compactMap { $0["call"]?["requestId"]?.stringValue } == ["ask-1", "ask-2", "ask-3"])
        #expect(calls.last?["call"]?["error"]?["code"] == "CONFLICT" && calls.last?["depth"] == 2, "\(tree.body)")

        let key = try await hub.call(
            "key.create",
            #"{"name":"k","scopes":["call:read"]}"#,
            headers: [("x-request-id", "k")]
        )
        #expect(key.status == 200)
        let hidden = try await hub.call("call.get", #"{"requestId":"k"}"#)
        #expect(hidden.data?["secret"] == true && hidden.data?["output"] == nil, "\(hidden.body)")
        #expect(try await hub.call("no.such", headers: [("x-request-id", "none")]).status == 404)
        #expect(try await hub.call("call.get", #"{"requestId":"none"}"#).code == "NOT_FOUND")
        let latency = try await hub.call("call.latency")
        let rows = latency.data?["operations"]?.arrayValue ?? []
        #expect(rows.contains { $0["operationId"] == "project.create" && $0["failures"] == 1 }, "\(latency.body)")
        #expect(await hub.stop() == 0)
    }

    @Test func aRunningCallIsShownAndAbortedByAnotherCaller() async throws {
        let hub = try await HubUnderTest.start()
        _ = try await hub.call("project.create", #"{"name":"app","repoUrl":"/srv/app.git"}"#)
        // No spoke is there to take it, so whoever waits for it waits.
        let spawned = try await hub.call("coord.spawn", #"{"project":"app","run":{"command":["true"]}}"#)
        let session = try #require(spawned.data?["sessionId"]?.stringValue, "\(spawned.body)")
        try await withThrowingTaskGroup(of: HubUnderTest.Reply.self) { group in
            group.addTask {
                try await hub.call(
                    "coord.wait",
                    #"{"sessionIds":["\#(session)"],"deadlineSeconds":600}"#,
                    headers: [("x-request-id", "waiting")]
                )
            }
            let running = try await eventually("the call is shown") { () -> JSONValue? in
                let found = try await hub.call("call.list", #"{"operation":"coord.wait","status":"running"}"#)
                return found.data?["calls"]?.arrayValue?.first
            }
            #expect(running["requestId"] == "waiting")
            let preview = try await hub.call("call.preview", #"{"requestId":"waiting"}"#)
            #expect(preview.data?["calls"]?.arrayValue?.count == 1, "\(preview.body)")
            let kept = try await hub.call("call.abort", #"{"requestId":"waiting","policy":"continueRunning"}"#)
            #expect(kept.data?["aborted"] == .array([]), "\(kept.body)")
            let aborted = try await hub.call("call.abort", #"{"requestId":"waiting"}"#)
            #expect(aborted.data?["aborted"] == ["waiting"], "\(aborted.body)")
            let told = try #require(try await group.next())
            #expect(told.status == 409 && told.code == "ABORTED", "\(told.body)")
        }
        let record = try await hub.call("call.get", #"{"requestId":"waiting"}"#)
        #expect(record.data?["status"] == "aborted" && record.data?["completedAt"] != nil, "\(record.body)")
        #expect(try await hub.call("call.abort", #"{"requestId":"waiting"}"#).data?["aborted"] == .array([]))
        #expect(await hub.stop() == 0)
    }

    @Test func callsOfSpokesNestAndAreAbortedAtTheirSource() async throws {
        let hub = try await HubUnderTest.start()
        let offer = ["echo", "nest", "never"].map { CallRoutingTests.spec($0) }
        let spoke = try await FakeProvider.join(hub, name: "one", offering: offer) { message, provider in
            switch message {
            case .requested(let call) where call.operationId == "demo.echo":
                provider.answer(call.requestId, call.input)
            case .requested(let call) where call.operationId == "demo.nest":
                let nested = CallRequested(
                    requestId: "nested",
                    operationId: "operation.list",
                    input: ["namespace": "demo"],
                    parentRequestId: call.requestId,
                    timestamp: Date().milliseconds
                )
                provider.say(.requested(nested))
            case .responded(let answer) where answer.requestId == "nested": provider.answer("outer", "done")
            case .aborted(let end) where end.requestId == "silent" && end.wantsProof == true:
                let proof: JSONValue = [
                    "outcome": "stopped", "processes": [], "remaining": [], "waitedMilliseconds": 5,
                ]
                provider.fail("silent", Fault(.aborted, "Stopped.", details: proof))
            case .aborted(let end) where end.requestId == "cut": provider.hangUp()
            default: break
            }
        }
        let nest = try await hub.call("demo.nest", headers: [("x-request-id", "outer")])
        #expect(nest.data == "done", "\(nest.body)")
        let tree = try await hub.call("call.tree", #"{"requestId":"outer"}"#)
        let calls = (tree.data?["calls"]?.arrayValue ?? []).compactMap { $0["call"] }
        #expect(calls.compactMap { $0["requestId"]?.stringValue } == ["outer", "nested"], "\(tree.body)")
        #expect(
            calls.first?["providerType"] == "spoke" && calls.first?["providerId"] == .string(spoke.spoke.id.rawValue)
        )
        #expect(
            calls.last?["providerType"] == "hub" && calls.last?["identity"]?["id"] == .string(spoke.spoke.id.rawValue)
        )
        let outer = try await hub.call("call.get", #"{"requestId":"outer"}"#)
        #expect(outer.data?["operationId"] == "demo.nest" && outer.data?["output"] == "done", "\(outer.body)")

        try await withThrowingTaskGroup(of: HubUnderTest.Reply.self) { group in
            group.addTask { try await hub.call("demo.never", headers: [("x-request-id", "silent")]) }
            _ = try await spoke.request(of: "demo.never")
            let aborted = try await hub.call("call.abort", #"{"requestId":"silent"}"#)
            #expect(aborted.data?["aborted"] == ["silent"], "\(aborted.body)")
            let stop = aborted.data?["calls"]?.arrayValue?.first
            #expect(stop?["outcome"] == "aborted" && stop?["waitedMilliseconds"] == 5, "\(aborted.body)")
            #expect(stop?["providerId"] == .string(spoke.spoke.id.rawValue))
            try await spoke.abort(of: "silent")
            #expect(try await group.next()?.code == "ABORTED")
        }
        let silent = try await hub.call("call.get", #"{"requestId":"silent"}"#)
        #expect(silent.data?["status"] == "aborted", "\(silent.body)")
        #expect(silent.data?["error"]?["details"]?["outcome"] == "aborted", "\(silent.body)")
        try await withThrowingTaskGroup(of: HubUnderTest.Reply.self) { group in
            group.addTask { try await hub.call("demo.never", headers: [("x-request-id", "cut")]) }
            _ = try await spoke.wait {
                if case .requested(let call) = $0, call.requestId == "cut" { true } else { Bool?.none }
            }
            let aborted = try await hub.call("call.abort", #"{"requestId":"cut"}"#)
            #expect(aborted.data?["calls"]?.arrayValue?.first?["outcome"] == "unreachable", "\(aborted.body)")
            #expect(try await group.next()?.code == "ABORTED")
        }
        #expect(await hub.stop() == 0)
    }

    @Test func theCommandsShowWhatWasCalled() async throws {
        try await withFleet { fleet in
            try await fleet.startHub()
            try await fleet.ask("call", "project.list")
            let listed = try await fleet.hub("calls", "--operation", "project.list")
            #expect(listed.exitCode == 0 && listed.text.contains("completed"), "\(listed.errors)")
            let calls = try await fleet.ask("calls", "list", "--operation", "project.list", "--within", "1h")
            let call = try #require(calls["calls"]?.arrayValue?.first?["requestId"]?.stringValue)
            #expect(try await fleet.hub("calls", "get", call).text.contains("operationId: project.list"))
            #expect(try await fleet.hub("calls", "tree", call).text.contains(call))
            #expect(try await fleet.hub("calls", "latency").text.contains("project.list"))
            #expect(try await fleet.hub("calls", "abort", call).text == "Nothing to abort.\n")
            #expect(try await fleet.ask("calls", "abort", call, "--preview")["calls"] == .array([]))
            let unknown = try await fleet.hub("calls", "get", "nobody")
            #expect(unknown.exitCode == 1 && unknown.errors.contains("NOT_FOUND"))
        }
    }
}
