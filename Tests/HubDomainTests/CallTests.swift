import Foundation
import HubCore
import Logging
import Postgres
import Protocol
import Synchronization
import TestSupport
import Testing

@testable import HubDomains

/// The call graph as callers ask for it.
@Suite(.timeLimit(.minutes(5))) struct CallTests {
    @Test func treesLineagesAndAbortsOfRandomForestsAreWhatAModelSays() async throws {
        for seed in UInt64(1)...6 {
            try await CallStage.with { stage in
                var random = SplitMix64(seed: seed)
                let model = try await Self.grow(60, on: stage, using: &random)
                for _ in 0..<6 {
                    let root = model[Int.random(in: 0..<model.count, using: &random)].id
                    let tree = try await stage.hub.ask(GetCallTree(requestId: root)).calls
                    #expect(Set(tree.map(\.call.requestId)) == Set(Self.below(root, model)), "seed \(seed)")
                    for branch in tree {
                        #expect(
                            branch.depth == Self.path(branch.call.requestId, model).count - Self.path(root, model).count
                        )
                    }
                    let lineage = try await stage.hub.ask(GetCallLineage(requestId: root)).calls
                    #expect(lineage.map(\.requestId) == Self.path(root, model), "seed \(seed)")
                }
                try await Self.abort(model, on: stage, using: &random, seed)
            }
        }
    }

    private struct Modelled {
        let id: String
        let parent: String?
        /// `nil` if it is over.
        let open: OpenCall?
        let isPending: Bool
    }

    private static func grow(
        _ count: Int,
        on stage: CallStage,
        using random: inout SplitMix64
    ) async throws -> [Modelled] {
        var model: [Modelled] = []
        for number in 0..<count {
            let (id, kind) = ("call-\(number)", Bool.random(using: &random) ? CallStage.query : CallStage.mutation)
            let parent = model.filter { _ in Int.random(in: 0..<4, using: &random) == 0 }.last?.id
            let isPending = Int.random(in: 0..<4, using: &random) == 0
            let call = try await stage.open(id, kind, below: parent, waits: isPending)
            let isOver = !isPending && Int.random(in: 0..<3, using: &random) == 0
            if isOver { stage.recorder.close(call, .answered(Array("1".utf8))) }
            model.append(Modelled(id: id, parent: parent, open: isOver ? nil : call, isPending: isPending))
        }
        return model
    }

    private static func path(_ id: String, _ model: [Modelled]) -> [String] {
        guard let call = model.first(where: { $0.id == id }) else { return [] }
        return (call.parent.map { path($0, model) } ?? []) + [id]
    }

    private static func below(_ root: String, _ model: [Modelled]) -> [String] {
        model.map(\.id).filter { path($0, model).contains(root) }
    }

    private static func abort(
        _ model: [Modelled],
        on stage: CallStage,
        using random: inout SplitMix64,
        _ seed: UInt64
    ) async throws {
        var open = Dictionary(uniqueKeysWithValues: model.filter { $0.open != nil }.map { ($0.id, $0) })
        for _ in 0..<8 {
            let root = model[Int.random(in: 0..<model.count, using: &random)].id
            let policy = Bool.random(using: &random) ? AbortPolicy.abortDependents : .continueRunning
            let expected = below(root, model).filter { id in
                open[id].map { policy == .abortDependents || $0.isPending } ?? false
            }.sorted()
            let preview = try await stage.hub.ask(PreviewAbort(requestId: root, policy: policy)).calls
            #expect(preview.map(\.requestId).sorted() == expected, "seed \(seed)")
            #expect(preview.map(\.depth) == preview.map(\.depth).sorted(by: >))
            let aborted = try await stage.hub.ask(AbortCalls(requestId: root, policy: policy)).aborted
            #expect(aborted == expected, "seed \(seed)")
            for id in expected {
                #expect(open[id]?.open?.abortion?.code == .aborted)
                open[id] = nil
            }
        }
        let aborted = model.filter { $0.open?.abortion != nil }
        // What comes of them afterwards changes nothing.
        for call in aborted { if let open = call.open { stage.recorder.close(open, .answered(Array("2".utf8))) } }
        #expect(try await stage.nodes(where: "status = 'aborted'") == Int64(aborted.count), "seed \(seed)")
        for id in open.keys { #expect(try await !stage.record(id).status.isOver, "seed \(seed)") }
    }

    @Test func anAbortCancelsWhatRunsDeepestFirstAndAnUnknownCallIsNoCall() async throws {
        try await CallStage.with { stage in
            let order = CallOrder()
            for (id, parent) in [("root", nil), ("left", "root"), ("leaf", "left"), ("right", "root")]
                as [(String, String?)]
            {
                let call = try await stage.open(id, below: parent)
                call.whenAborted {
                    order.note(id)
                    stage.recorder.close(call, .failed(Fault(.aborted, "It was told to.")))
                }
            }
            #expect(try await stage.hub.ask(AbortCalls(requestId: "nobody")).aborted == [])
            #expect(try await stage.hub.ask(AbortCalls(requestId: "root", policy: .continueRunning)).aborted == [])
            let aborted = try await stage.hub.ask(AbortCalls(requestId: "root"))
            #expect(aborted.aborted == ["leaf", "left", "right", "root"])
            #expect(order.ids == ["leaf", "right", "left", "root"])
            #expect(aborted.calls.map(\.outcome) == [.aborted, .aborted, .aborted, .aborted])
            #expect(aborted.calls.map(\.requestId) == aborted.aborted)
            let node = try await stage.record("leaf")
            #expect(node.status == .aborted && node.error?.details?["outcome"] == "aborted", "\(node)")
            #expect(try await stage.hub.ask(AbortCalls(requestId: "root")).aborted == [])
            let late = try await stage.open("late")
            #expect(try await stage.hub.ask(AbortCalls(requestId: "late")).calls.map(\.outcome) == [.aborted])
            late.whenAborted { order.note("late") }
            #expect(order.ids.last == "late")
        }
    }

    @Test func anAbortTellsWhatBecameOfEachCall() async throws {
        try await CallStage.with { stage in
            let killed = AbortOutcome(
                outcome: .stopped,
                processes: [ProcessRecord(pid: 7, command: "sleep")],
                exitSignal: 9,
                waitedMilliseconds: 12
            )
            var left = killed
            (left.outcome, left.remaining) = (.incomplete, [ProcessRecord(pid: 8, command: "stuck")])
            let words: [(String, CallResult?, CallStopOutcome)] = [
                ("a-killed", .failed(CallError(Fault(.aborted, "", details: JSONValue(encoding: killed)))), .aborted),
                ("b-left", .failed(CallError(Fault(.aborted, "", details: JSONValue(encoding: left)))), .incomplete),
                ("c-done", .answered(["data": 1]), .finishedFirst), ("d-silent", nil, .unreachable),
                ("e-gone", .failed(CallError(Fault(.notFound, "", details: ["gone": true]))), .gone),
                ("f-broken", .failed(CallError(Fault(.conflict, ""))), .finishedFirst),
            ]
            let root = try await stage.open("root")
            root.whenAborted { stage.recorder.close(root, .failed(Fault(.aborted, ""))) }
            for (id, word, _) in words {
                let call = try await stage.open(id, CallStage.mutation, below: "root")
                call.provided(by: CallProvider(type: .spoke, id: "spoke-1"))
                call.whenAborted { [unowned call] in
                    // As a link does it: the call is over here before its provider has said a word.
                    call.proof?.take()
                    stage.recorder.close(call, .failed(Fault(.aborted, "")))
                    call.proof?.settle(StopFinding(of: word))
                }
            }
            // A mutation of the hub's own goes on.
            let own = try await stage.open("g-own", CallStage.mutation, below: "root", waits: true)
            try await stage.recorder.dispatch(own, isDetached: true)
            let stops = try await stage.hub.ask(AbortCalls(requestId: "root")).calls
            #expect(stops.map(\.requestId) == words.map(\.0) + ["g-own", "root"])
            #expect(stops.map(\.outcome) == words.map(\.2) + [.finishedFirst, .aborted])
            #expect(stops[0].processes == killed.processes && stops[0].exitSignal == 9)
            #expect(stops[0].waitedMilliseconds == 12 && stops[0].providerId == "spoke-1")
            #expect(stops[1].remaining == left.remaining)
            for (id, _, outcome) in words {
                let details = try await stage.record(id).error?.details
                #expect(details?["outcome"] == .string(outcome.rawValue), "\(id): \(String(describing: details))")
            }
            #expect(try await stage.record("a-killed").error?.details?["processes"]?.arrayValue?.count == 1)
        }
    }

    @Test func theCallsOfASessionEndWithIt() async throws {
        try await CallStage.with { stage in
            let hub = stage.hub
            _ = try await hub.project()
            let spawned = try await hub.spawn()
            var session = hub.admin
            session.act(as: spawned.sessionId)
            let mine = try await stage.open("mine", by: session)
            mine.whenAborted { stage.recorder.close(mine, .failed(Fault(.aborted, ""))) }
            let below = try await stage.open("below", below: "mine")
            let others = try await stage.open("others")
            try await hub.domains.calls.endOfSessions()
            #expect(mine.abortion == nil)
            _ = try await hub.ask(AbortSessionTree(sessionId: spawned.sessionId.rawValue))
            try await hub.domains.calls.endOfSessions()
            #expect(mine.abortion?.code == .aborted && below.abortion != nil && others.abortion == nil)
            #expect(try await stage.record("mine").error?.message.contains("session that made it is over") == true)
        }
    }

    @Test func callsOfAnotherHubAreAbortedInTheGraphAndItIsRung() async throws {
        try await CallStage.with { stage in
            let domain = CallDomain(database: stage.hub.database, hub: "hub-2", logger: .quiet)
            let other = domain.recorder
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await other.run() }
                defer { other.finish() }
                var caller = stage.hub.admin
                caller.requestId = "far"
                let far = try await other.open(CallStage.mutation, input: nil, by: caller)
                let news = stage.hub.database.listen([CallStore.channel])
                var rung: CallID?
                var abort: Task<[CallStop], any Error>?
                for await one in news {
                    if case .reconnected = one {
                        abort = Task { try await stage.hub.ask(AbortCalls(requestId: "far")).calls }
                    }
                    if case .notified(_, let id) = one {
                        rung = CallID(id)
                        break
                    }
                }
                #expect(rung == far.id)
                far.whenAborted { other.close(far, .answered([49])) }
                if let rung { await domain.aborted(rung) }
                #expect(far.status == .aborted)
                // Whoever asked hears what the other hub found out.
                let stops = try await abort?.value
                #expect(stops?.map(\.requestId) == ["far"] && stops?.first?.outcome == .finishedFirst)
            }
            #expect(try await stage.record("far").status == .aborted)
        }
    }

    @Test func whatIsFollowedEndsWithTheKeyThatItWasAskedWith() async throws {
        try await CallStage.with { stage in
            let hub = stage.hub
            var open: [String: OpenCall] = [:]
            for (name, subject) in [
                ("revoked", CallStage.subscription), ("expired", CallStage.query), ("locked", CallStage.subscription),
                ("good", CallStage.subscription), ("mutation", CallStage.mutation),
            ] {
                let account = try await hub.stranger("session:read").accountId
                let key = try await hub.ask(CreateKey(name: name, scopes: ["session:read"]))
                try await hub.database.execute(
                    Statement<Void>("UPDATE nave.api_keys SET owner_id = $2 WHERE id = $1"),
                    [key.record.id, account]
                )
                var caller = hub.admin
                caller.principal = Principal(identity: caller.identity, accountId: account, keyId: key.record.id)
                let call = try await stage.open(name, subject, by: caller)
                call.whenAborted { stage.recorder.close(call, .failed(Fault(.aborted, ""))) }
                open[name] = call
            }
            try await hub.domains.calls.endOfKeys(nil)
            #expect(open.values.allSatisfy { $0.abortion == nil })
            func key(_ name: String) throws -> KeyID { try #require(open[name]?.caller.keyId) }
            for name in ["revoked", "mutation"] {
                _ = try await hub.ask(RevokeKey(id: try key(name)))
                try await hub.domains.calls.endOfKeys(.key(try key(name)))
            }
            #expect(open["revoked"]?.abortion?.code == .unauthenticated && open["expired"]?.abortion == nil)
            try await hub.database.execute(
                Statement<Void>("UPDATE nave.api_keys SET expires_at = now() WHERE id = $1"),
                [try key("expired")]
            )
            try await hub.database.execute(
                Statement<Void>("UPDATE nave.accounts SET status = 'suspended' WHERE id = $1"),
                [try #require(open["locked"]?.caller.accountId)]
            )
            try await hub.domains.calls.endOfKeys(nil)
            let ended = open.filter { $0.value.abortion != nil }.keys.sorted()
            // A mutation that has begun goes on.
            #expect(ended == ["expired", "locked", "revoked"])
        }
    }

    @Test func listsPageFromNewToOldAndFilter() async throws {
        try await CallStage.with { stage in
            let start = Date(timeIntervalSinceNow: -1)
            for number in 0..<25 {
                let isEven = number.isMultiple(of: 2)
                try await stage.made(
                    String(format: "l-%02d", number),
                    isEven ? CallStage.query : CallStage.mutation,
                    outcome: isEven ? .answered([49]) : .failed(Fault(.conflict, "There."))
                )
            }
            var (found, cursor): ([String], String?) = ([], nil)
            repeat {
                let page = try await stage.hub.ask(ListCalls(limit: 7, cursor: cursor))
                found += page.calls.map(\.requestId)
                cursor = page.nextCursor
                #expect(page.calls.allSatisfy { $0.input == nil && $0.output == nil })
            } while cursor != nil
            #expect(found == (0..<25).reversed().map { String(format: "l-%02d", $0) })
            #expect(try await stage.hub.ask(ListCalls(operation: "project.create")).calls.count == 12)
            #expect(try await stage.hub.ask(ListCalls(status: .completed)).calls.count == 13)
            #expect(try await stage.hub.ask(ListCalls(accountId: "nobody")).calls.isEmpty)
            #expect(try await stage.hub.ask(ListCalls(since: start)).calls.count == 25)
            #expect(try await stage.hub.ask(ListCalls(until: start)).calls.isEmpty)
            #expect(try await stage.hub.refusal(ListCalls(limit: 0))?.code == .validation)
            #expect(try await stage.hub.refusal(ListCalls(cursor: "x"))?.code == .validation)
        }
    }

    @Test func everyoneSeesTheirOwnCallsAndHoldersOfTheRightAll() async throws {
        try await CallStage.with { stage in
            let stranger = try await stage.hub.stranger("call:read", "call:write")
            let overseer = try await stage.hub.stranger("call:read", "call:admin")
            var session = stranger
            session.act(as: "no-session")
            try await stage.made("mine")
            let open = try await stage.open("theirs", by: stranger)
            try await stage.made("below", below: "theirs")
            #expect(try await stage.hub.ask(ListCalls(), by: stranger).calls.map(\.requestId) == ["theirs"])
            #expect(try await stage.hub.ask(ListCalls(), by: session).calls.isEmpty)
            #expect(try await stage.hub.ask(ListCalls(), by: overseer).calls.count == 3)
            #expect(try await stage.hub.refusal(GetCall(requestId: "mine"), by: stranger)?.code == .notFound)
            #expect(try await stage.hub.refusal(GetCallTree(requestId: "mine"), by: stranger)?.code == .notFound)
            #expect(try await stage.hub.ask(GetCallTree(requestId: "theirs"), by: stranger).calls.count == 2)
            #expect(try await stage.hub.ask(AbortCalls(requestId: "theirs"), by: session).aborted == [])
            let reader = try await stage.hub.stranger("call:read")
            #expect(try await stage.hub.refusal(AbortCalls(requestId: "theirs"), by: reader)?.code == .accessDenied)
            #expect(try await stage.hub.ask(AbortCalls(requestId: "theirs"), by: stranger).aborted == ["theirs"])
            #expect(open.status == .aborted)
        }
    }

    @Test func latenciesArePercentilesByOperation() async throws {
        try await CallStage.with { stage in
            try await stage.hub.database.execute(
                Statement<Void>(
                    """
                    INSERT INTO nave.call_graph_nodes
                        (id, request_id, operation_id, caller_account_id, status, started_at, completed_at, error)
                    SELECT 'n' || i, 'r' || i, 'project.list', $1, CASE WHEN i = 100 THEN 'failed' ELSE 'completed' END,
                           now() - interval '1 minute', now() - interval '1 minute' + i * interval '1 millisecond',
                           CASE WHEN i = 100 THEN '{"code": "TIMEOUT", "message": ""}'::jsonb END
                      FROM generate_series(1, 100) AS i
                    """
                ),
                [stage.hub.admin.accountId]
            )
            try await stage.made("sub", CallStage.subscription, outcome: .ended)
            let found = try await stage.hub.ask(GetCallLatency(windowSeconds: 600)).operations
            let row = try #require(found.first)
            #expect(found.count == 1 && row.operationId == "project.list" && row.calls == 100 && row.failures == 1)
            #expect(abs(row.p50Milliseconds - 50.5) < 0.01 && abs(row.p90Milliseconds - 90.1) < 0.01)
            #expect(abs(row.p99Milliseconds - 99.01) < 0.01 && row.longestMilliseconds == 100)
            #expect(try await stage.hub.ask(GetCallLatency(operation: "spoke.list")).operations.isEmpty)
            #expect(try await stage.hub.ask(GetCallLatency(windowSeconds: 30)).operations.isEmpty)
            #expect(try await stage.hub.refusal(GetCallLatency(windowSeconds: 0))?.code == .validation)
        }
    }

    @Test func dependenciesPointBackInTimeOnly() async throws {
        try await CallStage.with { stage in
            for id in ["first", "second", "third"] { try await stage.made(id) }
            _ = try await stage.hub.ask(DependCall(requestId: "third", dependsOn: ["first", "second", "first"]))
            _ = try await stage.hub.ask(DependCall(requestId: "third", dependsOn: ["second"]))
            let lineage = try await stage.hub.ask(GetCallLineage(requestId: "third"))
            #expect(lineage.dependsOn.map(\.requestId) == ["first", "second"] && lineage.calls.count == 1)
            for (id, others, code) in [
                ("first", ["third"], Fault.Code.validation), ("first", ["first"], .validation),
                ("first", [], .validation),
                ("third", ["nobody"], .notFound), ("nobody", ["first"], .notFound),
            ] {
                #expect(try await stage.hub.refusal(DependCall(requestId: id, dependsOn: others))?.code == code)
            }
            #expect(try await stage.hub.count("SELECT count(*) FROM nave.call_graph_edges") == 2)
        }
    }
}

/// Who was aborted, in order.
final class CallOrder: Sendable {
    private let noted = Mutex<[String]>([])

    var ids: [String] { noted.withLock { $0 } }
    func note(_ id: String) { noted.withLock { $0.append(id) } }
}
