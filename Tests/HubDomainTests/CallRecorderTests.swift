import Foundation
import HubCore
import Logging
import Postgres
import Protocol
import Synchronization
import TestSupport
import Testing

@testable import HubDomains

/// From a call to its node: before the deed for mutations, behind the answer for the rest, never in anyone's way.
@Suite(.timeLimit(.minutes(5))) struct CallRecorderTests {
    @Test func theValuesOfEnvironmentsAreNotKept() async throws {
        try await CallStage.with { stage in
            let input: JSONValue = [
                "orders": [["run": ["env": ["TOKEN": "s3cret"], "command": ["env"]]]],
                "environment": ["A": "s3cret"], "env": "no variables",
            ]
            try await stage.made("spawn", CallStage.mutation, input: .value(input))
            let kept = try await stage.record("spawn").input
            #expect(
                kept == [
                    "orders": [["run": ["env": ["TOKEN": "…"], "command": ["env"]]]],
                    "environment": ["A": "…"], "env": "no variables",
                ]
            )
        }
    }

    /// What `client.create` refuses would otherwise be in every dump for a month.
    @Test func whatLooksLikeASecretIsNotKept() async throws {
        try await CallStage.with { stage in
            let request = CreateClient(
                name: "forge",
                type: .custom,
                config: [
                    "apiKey": "s3cret", "API_KEY-": "s3cret", "headers": [["X-Auth-Token": "s3cret"]],
                    "baseUrl": "https://bot:s3cret@forge.example/x", "maxTokens": 3, "token": ["a": "named"],
                ]
            )
            #expect(try await stage.hub.refusal(request)?.code == .validation)
            try await stage.made("create", CallStage.mutation, input: .value(JSONValue(encoding: request)))
            let kept = try await stage.record("create").input
            #expect(
                kept == [
                    "name": "forge", "type": "custom",
                    "config": [
                        "apiKey": "…", "API_KEY-": "…", "headers": [["X-Auth-Token": "…"]],
                        "baseUrl": "https://…@forge.example/x", "maxTokens": 3, "token": ["a": "named"],
                    ],
                ]
            )
            try await stage.made("url", CallStage.mutation, input: .value(["repoUrl": "ssh://me:s3cret@h/p a@b"]))
            #expect(try await stage.record("url").input == ["repoUrl": "ssh://…@h/p a@b"])
            #expect(
                try await stage.nodes(where: "input::text LIKE '%s3cret%' OR error::text LIKE '%s3cret%'") == 0
            )
        }
    }

    /// A program that a subscription runs is as much a change as a mutation.
    @Test func aSubscriptionThatTakesMoreThanReadingIsWrittenBeforeItBegins() async throws {
        try await CallStage.with { stage in
            func subject(_ scopes: String...) -> CallSubject {
                var spec = Elsewhere.spec
                spec.type = .subscription
                spec.accessControl = AccessControl(requiredScopes: scopes)
                return CallSubject(spec)
            }
            _ = try await stage.hub.ask(SetSetting(key: "calls.recording", value: ["*": "mutations"]))
            try await stage.recorder.tidy()
            let run = try await stage.open("run", subject("demo:write"))
            #expect(try await stage.hub.count("SELECT count(*) FROM nave.call_graph_nodes") == 1)
            stage.recorder.close(run, .ended)
            stage.recorder.close(try await stage.open("look", subject("demo:read")), .ended)
            #expect(try await stage.nodes(where: "status = 'completed'") == 1)
        }
    }

    /// The answer names the node that holds it, whether the calls overlap or follow each other.
    @Test func aQueryUnderAUsedIdGoesByItsOwn() async throws {
        try await CallStage.with { stage in
            try await stage.made("twice")
            let second = try await stage.open("twice")
            #expect(second.requestId == second.id.rawValue)
            stage.recorder.close(second, .answered(Array("2".utf8)))
            #expect(try await stage.record("twice").output == true)
            #expect(try await stage.record(second.requestId).output == 2)
        }
    }

    @Test func usedIdsAreForgottenInTheOrderOfTheirUse() {
        var ids = UsedIds()
        func areNew(_ names: [String]) -> Int { names.count { ids.add($0) } }
        let some = (1...Limits.callIdsRemembered).map { "some-\($0)" }
        #expect(areNew(["first", "first"]) == 1)
        #expect(areNew(some) == some.count)
        #expect(areNew(["first", "some-1"]) == 0)
        #expect(areNew((1...2 * Limits.callIdsRemembered).map { "later-\($0)" }) == 2 * Limits.callIdsRemembered)
        #expect(areNew(["first"]) == 1)
    }

    @Test func aMutationsNodeIsThereBeforeItIsDispatched() async throws {
        try await CallStage.with { stage in
            let call = try await stage.open("m-1", CallStage.mutation)
            // Read past the recorder: it is committed already.
            #expect(
                try await stage.hub.count("SELECT count(*) FROM nave.call_graph_nodes WHERE status = 'running'") == 1
            )
            stage.recorder.close(call, .answered(Array(#"{"id":"p"}"#.utf8)))
            let record = try await stage.record("m-1")
            #expect(record.status == .completed && record.output == ["id": "p"] && record.input == ["a": 1])
            #expect(record.id == call.id && record.operationId == "project.create" && record.error == nil)
            #expect(record.callerAccountId == stage.hub.admin.accountId && record.identity == stage.hub.admin.identity)
            let (started, completed) = (try #require(record.startedAt), try #require(record.completedAt))
            #expect(record.createdAt <= started && started <= completed)
        }
    }

    @Test func aMutationThatWaitsIsPendingUntilItIsDispatched() async throws {
        try await CallStage.with { stage in
            let call = try await stage.open("w-1", CallStage.mutation, waits: true)
            #expect(try await stage.record("w-1").status == .pending)
            try await stage.recorder.dispatch(call)
            #expect(
                try await stage.hub.count("SELECT count(*) FROM nave.call_graph_nodes WHERE status = 'running'") == 1
            )
            stage.recorder.close(call, .failed(Fault(.conflict, "There is one.", details: ["id": "x"])))
            let record = try await stage.record("w-1")
            #expect(record.status == .failed && record.error?.code == .conflict && record.error?.details == ["id": "x"])
            // Who was told that a query waits is told that it does not, before anybody asks again.
            let query = try await stage.open("w-3", waits: true)
            #expect(try await stage.record("w-3").status == .pending)
            try await stage.recorder.dispatch(query)
            #expect(try await stage.nodes(where: "request_id = 'w-3' AND status = 'running'") == 1)
            let other = try await stage.open("w-2", CallStage.mutation, waits: true)
            #expect(try await stage.hub.ask(AbortCalls(requestId: "w-2", policy: .continueRunning)).aborted == ["w-2"])
            await #expect(throws: Fault.self) { try await stage.recorder.dispatch(other) }
            stage.recorder.close(other, .failed(Fault(.aborted, "Late.")))
            #expect(try await stage.record("w-2").status == .aborted)
        }
    }

    @Test func queriesAreWrittenBehindTheAnswerInOrderAndInBatches() async throws {
        try await CallStage.with { stage in
            for number in 0..<3_000 {
                try await stage.made("q-\(number)", input: .json(Array("{\"n\":\(number)}".utf8)))
            }
            #expect(try await stage.nodes() == 3_000)
            #expect(stage.recorder.counts.written.load(ordering: .relaxed) == 3_000)
            #expect(stage.recorder.counts.dropped.load(ordering: .relaxed) == 0)
            // In order: ids grow as the calls are made.
            let places = try await stage.hub.database.query(
                Statement<Int64>("SELECT (input->>'n')::int8 FROM nave.call_graph_nodes ORDER BY id")
            )
            #expect(places == Array(0..<3_000))
            #expect(stage.recorder.running.count == 0)
        }
    }

    @Test func whatTakesLongIsShownWhileItRuns() async throws {
        try await CallStage.with { stage in
            let call = try await stage.open("s-1", CallStage.subscription)
            call.provided(by: CallProvider(type: .spoke, id: "spoke-1"))
            let record = try await stage.record("s-1")
            #expect(record.status == .running && record.providerType == .spoke && record.providerId == "spoke-1")
            for _ in 0..<3 { call.delivered() }
            stage.recorder.tellOfLongOnes()
            stage.recorder.close(call, .ended)
            let ended = try await stage.record("s-1")
            #expect(ended.status == .completed && ended.values == 3 && ended.output == nil)
            #expect(try await stage.nodes() == 1)
        }
    }

    @Test func theFirstWordOnACallCounts() async throws {
        try await CallStage.with { stage in
            let call = try await stage.open("o-1")
            stage.recorder.close(call, .failed(Fault(.timeout, "Too late.")))
            stage.recorder.close(call, .answered(Array("1".utf8)))
            #expect(try await stage.record("o-1").error?.code == .timeout)
        }
    }

    @Test func edgesTieCallsWhicheverIsWrittenFirst() async throws {
        try await CallStage.with { stage in
            let parent = try await stage.open("p")
            let child = try await stage.open("c", CallStage.mutation, below: "p")
            try await stage.made("g", below: "c")
            stage.recorder.close(child, .answered(Array("1".utf8)))
            try await stage.made("c2", below: "p")
            stage.recorder.close(parent, .answered(Array("1".utf8)))
            // The parent is on another hub, which writes it later.
            let later = stage.note("late-parent", at: Date(timeIntervalSinceNow: -5))
            try await stage.made("late-child", below: "late-parent")
            await stage.recorder.caughtUp()
            try await CallStore(database: stage.hub.database).write(CallBatch([later], keepsTexts: true), by: "hub-2")
            let tree = try await stage.hub.ask(GetCallTree(requestId: "p")).calls
            #expect(tree.map(\.call.requestId) == ["p", "c", "g", "c2"] && tree.map(\.depth) == [0, 1, 2, 1])
            let late = try await stage.hub.ask(GetCallTree(requestId: "late-parent")).calls
            #expect(late.map(\.call.requestId) == ["late-parent", "late-child"])
        }
    }

    @Test func writingABatchAgainChangesNothing() async throws {
        try await CallStage.with { stage in
            let said = (0..<5).map { stage.note("again-\($0)") }
            let store = CallStore(database: stage.hub.database)
            for _ in 0..<2 { try await store.write(CallBatch(said, keepsTexts: true), by: "hub-1") }
            #expect(try await stage.nodes() == 5)
            #expect(try await stage.nodes(where: "request_id LIKE 'again-%'") == 5)
        }
    }

    @Test func aBatchIsWrittenWholeThoughSomeIdsAreTaken() async throws {
        try await CallStage.with { stage in
            let store = CallStore(database: stage.hub.database)
            let (there, taken) = (stage.note("there"), stage.note("taken"))
            try await store.write(CallBatch([there, taken], keepsTexts: true), by: "hub-1")
            let others = [stage.note("taken"), stage.note("twice"), stage.note("twice"), stage.note("free")]
            // Twice: failing first, and looking first.
            for _ in 0..<2 { try await store.write(CallBatch([there] + others, keepsTexts: true), by: "hub-2") }
            #expect(try await stage.nodes() == 6)
            #expect(try await stage.nodes(where: "request_id IN ('there', 'taken', 'twice', 'free')") == 4)
            let given = "metadata->>'givenRequestId' IN ('taken', 'twice') AND request_id = id AND hub_id = 'hub-2'"
            #expect(try await stage.nodes(where: given) == 2)
        }
    }

    @Test func twoHubsThatAreGivenTheSameIdsLoseNoCall() async throws {
        try await CallStage.with { stage in
            let stores = [CallStore(database: stage.hub.database), CallStore(database: stage.hub.database)]
            try await withThrowingTaskGroup(of: Void.self) { group in
                for (hub, store) in stores.enumerated() {
                    let batches = (0..<10).map { round in (0..<20).map { stage.note("n-\(round)-\($0)") } }
                    group.addTask {
                        for batch in batches {
                            try await store.write(CallBatch(batch, keepsTexts: true), by: HubID("hub-\(hub)"))
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await stage.nodes() == 400)
            #expect(try await stage.nodes(where: "metadata ? 'givenRequestId'") == 200)
        }
    }

    @Test func aReusedRequestIdLosesNoCall() async throws {
        try await CallStage.with { stage in
            for round in 0..<3 {
                try await stage.made("same", input: .value(.integer(Int64(round))))
                await stage.recorder.caughtUp()
            }
            try await stage.made("same", CallStage.mutation)
            #expect(try await stage.nodes() == 4)
            #expect(try await stage.record("same").input == 0)
            #expect(try await stage.nodes(where: "metadata->>'givenRequestId' = 'same' AND request_id = id") == 3)
            #expect(try await stage.nodes(where: "completed_at IS NULL") == 0)
        }
    }

    @Test func levelsFollowTheSetting() async throws {
        try await CallStage.with { stage in
            _ = try await stage.hub.ask(
                SetSetting(key: "calls.recording", value: ["project": "mutations", "session": "failures"])
            )
            try await stage.recorder.tidy()
            let failure = CallOutcome.failed(Fault(.notFound, "None."))
            try await stage.made("project-query")
            try await stage.made("project-query-failed", outcome: failure)
            try await stage.made("project-mutation", CallStage.mutation)
            let get = CallSubject(operationId: "session.get", kind: .query)
            let abort = CallSubject(operationId: "session.abort", kind: .mutation)
            try await stage.made("session-query", get)
            try await stage.made("session-query-failed", get, outcome: failure)
            let mutation = try await stage.open("session-mutation", abort)
            #expect(try await stage.nodes(where: "request_id = 'session-mutation'") == 0)
            // Not kept, and aborted all the same.
            #expect(try await stage.hub.ask(AbortCalls(requestId: "session-mutation")).aborted == ["session-mutation"])
            stage.recorder.close(mutation, .answered([49]))
            try await stage.made("other", CallSubject(operationId: "spoke.list", kind: .query))
            await stage.recorder.caughtUp()
            let kept = try await stage.hub.database.query(
                Statement<String>("SELECT request_id FROM nave.call_graph_nodes ORDER BY request_id")
            )
            #expect(kept == ["other", "project-mutation", "session-mutation", "session-query-failed"])
        }
    }

    @Test func secretsLargePayloadsAndWhatPostgresCannotHoldStayOut() async throws {
        try await CallStage.with { stage in
            let secret = CallSubject(operationId: "key.create", kind: .mutation, answersSecret: true)
            try await stage.made(
                "secret",
                secret,
                input: .value(["name": "canary-in"]),
                outcome: .answered(Array(#"{"key":"canary-out"}"#.utf8))
            )
            let hidden = try await stage.record("secret")
            #expect(hidden.secret == true && hidden.input == nil && hidden.output == nil && hidden.outputDigest == nil)
            #expect(try await stage.nodes(where: "call_graph_nodes::text LIKE '%canary%'") == 0)
            let long = Array("\"\(String(repeating: "y", count: Limits.callPayloadBytes))\"".utf8)
            try await stage.made("large", input: .json(long), outcome: .answered(long))
            let large = try await stage.record("large")
            #expect(large.input == nil && large.inputBytes == long.count && large.outputBytes == long.count)
            #expect(large.inputDigest == large.outputDigest && large.inputDigest?.hasPrefix("sha256:") == true)
            try await stage.made("nul", input: .value("a\0b"), outcome: .failed(Fault(.execution, "No\0thing.")))
            let nul = try await stage.record("nul")
            #expect(nul.status == .failed && nul.input == nil && nul.inputBytes == 10 && nul.error?.code == .execution)
            // One that is no JSON at all, amid others of its batch.
            for number in 0..<20 {
                try await stage.made(
                    "b-\(number)",
                    outcome: number == 7 ? .answered(Array("{nonsense".utf8)) : .answered([49])
                )
            }
            #expect(try await stage.nodes(where: "request_id LIKE 'b-%' AND status = 'completed'") == 20)
            #expect(try await stage.record("b-7").outputBytes == 9)
            #expect(stage.recorder.counts.dropped.load(ordering: .relaxed) == 0)
        }
    }

    @Test func aStrangeCallerCostsNoOtherItsNode() async throws {
        try await CallStage.with { stage in
            var gone = Caller(Principal(identity: Identity(id: "x", scopes: []), accountId: "x", sessionId: "y"))
            gone.idempotencyKey = "k\0"
            gone.traceparent = "t"
            try await stage.made("known")
            try await stage.made("gone", CallSubject(operationId: "no.such", kind: .query), by: gone)
            let record = try await stage.record("gone")
            #expect(record.callerAccountId == nil && record.sessionId == nil && record.operationId == "no.such")
            #expect(record.idempotencyKey == nil && record.traceparent == "t" && record.identity.id == "x")
            #expect(try await stage.nodes(where: "operation_id = '__removed__'") == 1)
        }
    }
}
