import Foundation
import Logging
import Postgres
import Protocol
import Synchronization
import TestSupport
import Testing

@testable import HubDomains

/// From a name and some JSON to an answer: known, allowed, understood, done once, recorded.
struct OperationTableTests {
    /// A mutation that counts how often it ran.
    struct Bump: RemoteOperation {
        static let name = "test.bump"
        static let kind = OperationKind.mutation
        static let summary = "Counts."
        static let access = AccessControl.scopes("test:write")
        static let fields = ["by": "How much.", "fails": "The code to fail with."]
        static let examples = [Bump(by: 1, fails: nil)]
        struct Output: Codable, Described {
            static let fields = ["total": "So far."]
            var total: Int
        }
        var by: Int
        var fails: String?
    }

    struct Tick: RemoteOperation {
        static let name = "test.tick"
        static let kind = OperationKind.subscription
        static let summary = "Ticks."
        static let access = AccessControl.scopes("test:read")
        static let fields = ["to": "The last number."]
        static let examples = [Tick(to: 1)]
        typealias Output = Bump.Output
        var to: Int
    }

    final class Total: Sendable {
        let value = Mutex(0)
        func add(_ more: Int) -> Int {
            value.withLock {
                $0 += more
                return $0
            }
        }
    }

    static func table(_ hub: TestHub, _ total: Total) -> OperationTable {
        var table = OperationTable(recording: hub.domains.mutations, logger: .quiet)
        table.answer(Bump.self) { (request, _) async throws(Fault) in
            let sum = total.add(request.by)
            await Task.yield()
            if let code = request.fails { throw Fault(Fault.Code(rawValue: code), "As asked.") }
            return Bump.Output(total: sum)
        }
        table.stream(Tick.self) { (request, _, writer) async throws(Fault) in
            let start = (writer.lastEventId.flatMap(Int.init) ?? 0) + 1
            for number in start..<(max(start, request.to + 1)) {
                try await writer.send(Bump.Output(total: number), id: String(number))
            }
        }
        return table
    }

    func code(_ table: OperationTable, _ name: String, _ input: JSONValue, _ caller: Caller) async -> Fault? {
        do {
            _ = try await table.call(name, input: input, by: caller)
            return nil
        } catch { return error }
    }

    @Test func everyOperationSaysRightlyWhatItIs() async throws {
        let hub = try await TestHub.make()
        #expect(hub.domains.table.flaws == [])
        #expect(hub.domains.table.specs.count >= 18)
        await hub.close()
    }

    @Test func aCallGoesThroughNameAccessAndInputInThatOrder() async throws {
        let hub = try await TestHub.make()
        let (total, writer, nobody) = (Total(), hub.caller("test:write"), hub.caller())
        let table = Self.table(hub, total)
        #expect(await code(table, "test.none", [:], nobody)?.code == .operationNotFound)
        #expect(await code(table, "test.bump", ["by": "x"], nobody)?.code == .accessDenied)
        let wrong = await code(table, "test.bump", ["by": "x", "extra": 1], writer)
        #expect(wrong?.code == .validation)
        #expect(wrong?.message == "by: must be a whole number. extra: is not a known field; known here: by, fails.")
        #expect(await code(table, "test.bump", [], writer)?.message == "must be an object.")
        #expect(await code(table, "test.tick", ["to": 1], hub.caller("test:read"))?.code == .validation)
        #expect(total.value.withLock { $0 } == 0)
        await hub.close()
    }

    @Test func anAnswerTravelsInItsEnvelope() async throws {
        let hub = try await TestHub.make()
        let answer = try await Self.table(hub, Total()).call(
            "test.bump",
            input: ["by": 2],
            by: hub.caller("test:write")
        )
        let envelope: JSONValue = try WireCoder.value(from: answer.envelope)
        #expect(envelope["data"] == ["total": 2])
        #expect(envelope["meta"]?["source"] == "local")
        #expect(envelope["meta"]?["operationId"] == "test.bump")
        #expect(envelope["meta"]?["requestId"] == .string(answer.requestId))
        #expect(envelope["meta"]?["timestamp"]?.stringValue.flatMap(Date.init(wireText:)) != nil)
        await hub.close()
    }

    @Test func everyMutationLeavesATrailAndNothingElseDoes() async throws {
        let hub = try await TestHub.make()
        let table = Self.table(hub, Total())
        _ = await code(table, "test.bump", ["by": 1], hub.caller("test:write"))
        _ = await code(table, "test.bump", ["by": 1, "fails": "CONFLICT"], hub.caller("test:write"))
        _ = await code(table, "test.bump", ["by": 1], hub.caller("test:read"))
        _ = await code(table, "test.bump", [:], hub.caller("test:write"))
        _ = try await hub.ask(ListProjects())
        let trail = try await hub.database.query(
            Statement<String>(
                """
                SELECT action || ' ' || outcome || ' ' || coalesce(details->>'code', '-') FROM nave.audit_logs
                 WHERE details->>'inputDigest' ~ '^sha256:[0-9a-f]{64}$' AND request_id <> '' ORDER BY id
                """
            )
        )
        #expect(
            trail == [
                "test.bump succeeded -", "test.bump failed CONFLICT", "test.bump denied ACCESS_DENIED",
                "test.bump failed VALIDATION_ERROR",
            ]
        )
        await hub.close()
    }

    @Test func aSubscriptionSendsItsValuesAndGoesOnBehindTheLastOne() async throws {
        let hub = try await TestHub.make()
        let table = Self.table(hub, Total())
        let seen = Mutex<[String]>([])
        try await table.subscribe("test.tick", input: ["to": 5], lastEventId: "2", by: hub.caller("test:read")) {
            (value) async throws(Fault) in
            seen.withLock { $0.append("\(value.id ?? "") \(String(decoding: value.answer.data, as: UTF8.self))") }
        }
        #expect(seen.withLock { $0 } == [#"3 {"total":3}"#, #"4 {"total":4}"#, #"5 {"total":5}"#])
        let left = await #expect(throws: Fault.self) {
            try await table.subscribe("test.tick", input: ["to": 5], by: hub.caller("test:read")) {
                (value) async throws(Fault) in
                if value.id == "2" { throw Fault(.aborted, "The consumer left.") }
            }
        }
        #expect(left?.code == .aborted)
        await hub.close()
    }
}

/// The same key and input give the first outcome; anything else is a conflict.
struct IdempotencyTests {
    private func keyed(_ caller: Caller, _ key: String) -> Caller {
        var caller = caller
        caller.idempotencyKey = key
        caller.requestId = Ids.random()
        return caller
    }

    private func outcome(
        _ table: OperationTable,
        _ input: JSONValue,
        _ caller: Caller,
        _ name: String = "test.bump"
    ) async -> String {
        do {
            return String(decoding: try await table.call(name, input: input, by: caller).data, as: UTF8.self)
        } catch {
            return error.code.rawValue
        }
    }

    @Test func aRepeatedCallGetsTheFirstOutcome() async throws {
        let hub = try await TestHub.make()
        let (total, caller) = (OperationTableTests.Total(), hub.caller("test:write"))
        let table = OperationTableTests.table(hub, total)
        #expect(await outcome(table, ["by": 1], keyed(caller, "a")) == #"{"total":1}"#)
        #expect(
            try await WireCoder.value(JSONValue.self, from: outcome(table, ["by": 1], keyed(caller, "a")).utf8) == [
                "total": 1
            ]
        )
        #expect(await outcome(table, ["by": 2], keyed(caller, "a")) == "CONFLICT")
        #expect(await outcome(table, ["by": 5, "fails": "NOT_FOUND"], keyed(caller, "b")) == "NOT_FOUND")
        #expect(await outcome(table, ["by": 5, "fails": "NOT_FOUND"], keyed(caller, "b")) == "NOT_FOUND")
        #expect(total.value.withLock { $0 } == 6)
        // What passes by itself is tried again.
        #expect(await outcome(table, ["by": 1, "fails": "UNAVAILABLE"], keyed(caller, "c")) == "UNAVAILABLE")
        #expect(await outcome(table, ["by": 1, "fails": "UNAVAILABLE"], keyed(caller, "c")) == "UNAVAILABLE")
        #expect(total.value.withLock { $0 } == 8)
        #expect(await outcome(table, ["by": 1], keyed(caller, "-x")) == "VALIDATION_ERROR")
        let stranger = try await hub.stranger("test:write")
        #expect(await outcome(table, ["by": 2], keyed(stranger, "a")) == #"{"total":10}"#)
        await hub.close()
    }

    @Test func ofManyAtOnceOneRunsAndAllGetItsOutcome() async throws {
        let hub = try await TestHub.make()
        let (total, caller) = (OperationTableTests.Total(), hub.caller("test:write"))
        let table = OperationTableTests.table(hub, total)
        let answers = await withTaskGroup(of: String.self) { group in
            for _ in 0..<16 { group.addTask { await outcome(table, ["by": 1], keyed(caller, "race")) } }
            return await group.reduce(into: Set<String>()) { $0.insert($1.filter { $0 != " " }) }
        }
        #expect(answers == [#"{"total":1}"#])
        #expect(total.value.withLock { $0 } == 1)
        #expect(try await hub.count("SELECT count(*) FROM nave.audit_logs WHERE outcome = 'succeeded'") == 1)
        await hub.close()
    }

    @Test func aKeyIsFreeAgainWhenItsOutcomeHasExpired() async throws {
        let hub = try await TestHub.make()
        let (total, caller) = (OperationTableTests.Total(), hub.caller("test:write"))
        let table = OperationTableTests.table(hub, total)
        _ = await outcome(table, ["by": 1], keyed(caller, "a"))
        #expect(
            try await hub.count(
                "SELECT count(*) FROM nave.idempotency_keys WHERE expires_at > now() + interval '23 hours'"
            ) == 1
        )
        try await hub.database.execute(Statement<Void>("UPDATE nave.idempotency_keys SET expires_at = now()"))
        #expect(await outcome(table, ["by": 7], keyed(caller, "a")) == #"{"total":8}"#)
        try await hub.database.execute(
            Statement<Void>("UPDATE nave.idempotency_keys SET expires_at = now() - interval '1 second'")
        )
        #expect(try await hub.domains.mutations.prune() == 1)
        await hub.close()
    }

    @Test func aSecretIsNotRepeated() async throws {
        let hub = try await TestHub.make()
        let caller = keyed(hub.admin, "once")
        #expect(await outcome(hub.domains.table, [:], caller, "token.create").contains("navejoin_"))
        #expect(await outcome(hub.domains.table, [:], caller, "token.create") == "CONFLICT")
        await hub.close()
    }
}
