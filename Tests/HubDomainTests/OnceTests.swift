import Foundation
import HubCore
import Postgres
import Protocol
import Synchronization
import Testing

@testable import HubDomains

/// Under one idempotency key a mutation that somebody else carries out is begun once, whatever becomes of it.
struct OnceTests {
    /// A hub, and how often the other one was asked.
    private final class Stage: Sendable {
        let hub: TestHub
        let asked = Mutex(0)

        init(_ hub: TestHub) { self.hub = hub }

        /// What a call under a key is told: its answer, or its fault.
        func told(
            _ key: String,
            at address: (target: CallTarget?, version: String?) = (nil, nil),
            isHandedOver: Bool = true,
            _ outcome: Result<String, Fault>
        ) async -> Result<String, Fault> {
            var caller = hub.admin
            caller.idempotencyKey = key
            caller.requestId = Ids.random()
            let subject = CallSubject(Elsewhere.spec)
            let call = RunningCalls().enter(subject, input: nil, caller: caller, level: .all, at: Date())
            do throws(Fault) {
                let answer = try await hub.domains.table.recorded(
                    Elsewhere.spec,
                    input: ["n": 1],
                    by: caller,
                    for: address.target,
                    version: address.version,
                    of: call
                ) { () async throws(Fault) in
                    self.asked.withLock { $0 += 1 }
                    if isHandedOver { call.handOver() }
                    return Elsewhere.answer(try outcome.get())
                }
                return .success(String(decoding: answer.data, as: UTF8.self).filter { $0 != " " })
            } catch {
                return .failure(error)
            }
        }

        /// How often the other one was asked since this was asked last.
        func times() -> Int {
            asked.withLock { asked in
                defer { asked = 0 }
                return asked
            }
        }
    }

    private func with(_ body: (Stage) async throws -> Void) async throws {
        let hub = try await TestHub.make()
        try await body(Stage(hub))
        await hub.close()
    }

    @Test func whatWasNotBegunLeavesItsKeyFree() async throws {
        try await with { stage in
            let (table, input): (OperationTable, JSONValue) = (
                stage.hub.domains.table, ["name": "p", "repoUrl": "/srv/p.git"]
            )
            var caller = stage.hub.admin
            caller.idempotencyKey = "once"
            for code in [Fault.Code.aborted, .timeout, .unavailable] {
                let fault = Fault(code, "It was over before it was begun.")
                caller.requestId = Ids.random()
                do throws(Fault) {
                    _ = try await table.call("project.create", input: input, by: caller) { () async throws(Fault) in
                        throw fault
                    }
                    Issue.record("What could not begin was answered.")
                } catch {
                    #expect(error == fault)
                }
            }
            caller.requestId = Ids.random()
            let answer = try await table.call("project.create", input: input, by: caller)
            #expect(!answer.data.isEmpty)
        }
    }

    @Test func theTargetAndTheVersionBelongToTheKey() async throws {
        try await with { stage in
            let one = (CallTarget(spokeName: "one"), String?.none)
            #expect(await stage.told("a", at: one, .success(#"{"from":"one"}"#)) == .success(#"{"from":"one"}"#))
            #expect(await stage.told("a", at: one, .success("2")) == .success(#"{"from":"one"}"#))
            for other in [
                (CallTarget(spokeName: "two"), nil), (nil, nil), (CallTarget(spokeName: "one"), "2"),
                (CallTarget(labels: ["gpu": "yes"]), nil),
            ] as [(CallTarget?, String?)] {
                guard case .failure(let fault) = await stage.told("a", at: other, .success("2")) else {
                    Issue.record("\(other) was answered")
                    continue
                }
                #expect(fault.code == .conflict)
            }
            #expect(stage.times() == 1)
            // A target that leaves everything to the hub is none.
            _ = await stage.told("b", .success("1"))
            #expect(await stage.told("b", at: (CallTarget(), nil), .success("2")) == .success("1"))
        }
    }

    @Test func aFaultAfterSomebodyWasAskedIsTheOutcome() async throws {
        try await with { stage in
            for code in [Fault.Code.timeout, .aborted, .spokeDisconnected, .unknown, .unavailable] {
                let key = code.rawValue
                let first = await stage.told(key, .failure(Fault(code, "It broke.")))
                guard case .failure(let fault) = first else {
                    Issue.record("\(code) was no fault")
                    continue
                }
                #expect(fault.code == code && fault.message.hasPrefix("It broke. It may have been done"))
                #expect(await stage.told(key, .success("2")) == first)
                #expect(stage.times() == 1, "\(code)")
            }
        }
    }

    @Test func aKeyIsFreeAgainIfNobodyWasAsked() async throws {
        try await with { stage in
            for code in [Fault.Code.timeout, .aborted, .unavailable, .rateLimited] {
                let fault = Fault(code, "Nobody was there.")
                let first = await stage.told(code.rawValue, isHandedOver: false, .failure(fault))
                #expect(first == .failure(fault))
                #expect(await stage.told(code.rawValue, .success("2")) == .success("2"))
            }
            // Who was too busy to look at it has not done it.
            _ = await stage.told("busy", .failure(Fault(.rateLimited, "Too many.")))
            #expect(await stage.told("busy", .success("3")) == .success("3"))
            // What was refused stays refused.
            let wrong = Fault(.validation, "n: must be 2.")
            #expect(await stage.told("wrong", isHandedOver: false, .failure(wrong)) == .failure(wrong))
            #expect(await stage.told("wrong", .success("4")) == .failure(wrong))
        }
    }

    @Test func anAnswerThatCannotBeKeptIsNotAskedForAgain() async throws {
        try await with { stage in
            // One that the hub sees, and one that only the database does.
            for (key, answer) in [("nul", #"{"x":"\u0000"}"#), ("half", #"{"x":"\ud800"}"#)] {
                guard case .success = await stage.told(key, .success(answer)) else {
                    Issue.record("the first caller was not answered")
                    continue
                }
                guard case .failure(let fault) = await stage.told(key, .success("2")) else {
                    Issue.record("it was done again")
                    continue
                }
                #expect(fault.code == .conflict && fault.message.contains("could not be kept"))
                #expect(fault.details?["operationId"] == "demo.write" && fault.details?["requestId"] != nil)
                #expect(stage.times() == 1)
            }
            let failed = await stage.told("said", .failure(Fault(.notFound, "a\u{0}b")))
            #expect(failed == .failure(Fault(.notFound, "a\u{0}b")))
            guard case .failure(let fault) = await stage.told("said", .success("2")) else {
                Issue.record("it was done again")
                return
            }
            #expect(fault.code == .notFound)
            let lines = try await stage.hub.ask(ListAudit(action: "demo.write")).entries
            #expect(lines.map(\.outcome).filter { $0 == .succeeded }.count == 2 && lines.count == 6)
        }
    }

    @Test func aKeyIsHeldForAsLongAsItsCallerWaits() async throws {
        try await with { stage in
            var caller = stage.hub.admin
            _ = try await stage.hub.domains.mutations.reserve("short", digest: "d", caller: caller)
            caller.deadline = Date(timeIntervalSinceNow: 3_600)
            _ = try await stage.hub.domains.mutations.reserve("long", digest: "d", caller: caller)
            let held = try await stage.hub.database.query(
                Statement<String>(
                    """
                    SELECT key FROM nave.idempotency_keys
                     WHERE expires_at > now() + CASE key WHEN 'short' THEN 500 ELSE 3600 END * interval '1 second'
                     ORDER BY key
                    """
                )
            )
            #expect(held == ["long", "short"])
        }
    }

    /// The hub's own mutations say so when it is not known what the database did.
    @Test func anOwnMutationThatMayHaveHappenedIsNotRunAgain() async throws {
        let hub = try await TestHub.make()
        let total = OperationTableTests.Total()
        let table = OperationTableTests.table(hub, total)
        var caller = hub.caller("test:write")
        for code in ["TIMEOUT", "UNKNOWN_ERROR", "SPOKE_DISCONNECTED"] {
            caller.idempotencyKey = code
            for _ in 0..<2 {
                let fault = await #expect(throws: Fault.self) {
                    try await table.call("test.bump", input: ["by": 1, "fails": .string(code)], by: caller)
                }
                #expect(fault?.code.rawValue == code)
            }
        }
        #expect(total.value.withLock { $0 } == 3)
        // What could not be begun was not.
        caller.idempotencyKey = "late"
        let late = await #expect(throws: Fault.self) {
            try await table.call("test.bump", input: ["by": 1], by: caller) { () async throws(Fault) in
                throw Fault(.timeout, "It was not begun.")
            }
        }
        #expect(late == Fault(.timeout, "It was not begun."))
        _ = try await table.call("test.bump", input: ["by": 1], by: caller)
        #expect(total.value.withLock { $0 } == 4)
        await hub.close()
    }
}
