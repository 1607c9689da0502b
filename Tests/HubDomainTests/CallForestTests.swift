import Foundation
import HubCore
import Protocol
import TestSupport
import Testing

@testable import HubDomains

/// What decides about calls, without a database.
struct CallForestTests {
    @Test func aCallGoesFromPendingThroughRunningToOneEnd() {
        let allowed: [(CallStatus, CallStatus)] = [
            (.pending, .running), (.pending, .aborted), (.running, .completed), (.running, .failed),
            (.running, .aborted),
        ]
        for from in CallStatus.allCases {
            for next in CallStatus.allCases {
                let isAllowed = allowed.contains { $0 == (from, next) }
                #expect(CallLifecycle.mayBecome(next, from: from) == isAllowed, "\(from) to \(next)")
            }
            #expect(from.isOver == CallStatus.allCases.allSatisfy { !CallLifecycle.mayBecome($0, from: from) })
        }
        #expect(CallLifecycle.status(after: Fault(.aborted, "")) == .aborted)
        #expect(CallLifecycle.status(after: Fault(.timeout, "")) == .failed)
    }

    @Test func levelsSayWhatIsKept() {
        let levels = RecordingLevels(setting: ["*": "mutations", "fs": "failures", "git": "nonsense", "host": "all"])
        #expect(levels.level(of: "fs.read") == .failures && levels.level(of: "host.info") == .all)
        #expect(levels.level(of: "git.log") == .mutations && levels.level(of: "other.thing") == .mutations)
        #expect(RecordingLevels().level(of: "fs.read") == .all)
        #expect(RecordingLevels(setting: 7).level(of: "fs.read") == .all)
        #expect(RecordingLevel.failures.keeps(.query, .failed) && !RecordingLevel.failures.keeps(.mutation, .completed))
        #expect(
            RecordingLevel.mutations.keeps(.mutation, .completed) && !RecordingLevel.mutations.keeps(.query, .failed)
        )
        #expect(RecordingLevel.all.writesAhead(.mutation) && !RecordingLevel.all.writesAhead(.subscription))
        #expect(!RecordingLevel.failures.writesAhead(.mutation))
    }

    /// A random forest: each call's parent is an earlier one or none.
    static func forest(_ count: Int, using random: inout SplitMix64) -> [CallForest.Entry] {
        (0..<count).map { number in
            let hasParent = number > 0 && Int.random(in: 0..<5, using: &random) > 0
            let parent = hasParent ? CallID(String(format: "%05d", Int.random(in: 0..<number, using: &random))) : nil
            let status = CallStatus.allCases.randomElement(using: &random) ?? .running
            return CallForest.Entry(id: CallID(String(format: "%05d", number)), parent: parent, status: status)
        }
    }

    /// The same question answered in the dumbest way.
    static func isBelow(_ id: CallID, _ root: CallID, _ entries: [CallID: CallForest.Entry]) -> Int? {
        var (depth, next): (Int, CallID?) = (0, id)
        while let one = next {
            if one == root { return depth }
            depth += 1
            next = entries[one]?.parent
        }
        return nil
    }

    @Test func anAbortReachesExactlyWhatIsBelowDeepestFirst() {
        for seed in UInt64(1)...300 {
            var random = SplitMix64(seed: seed)
            let entries = Self.forest(Int.random(in: 1...40, using: &random), using: &random)
            let known = Dictionary(uniqueKeysWithValues: entries.map { ($0.id, $0) })
            let forest = CallForest(entries.shuffled(using: &random))
            let root = entries[Int.random(in: 0..<entries.count, using: &random)].id
            let order = forest.preorder(from: root)
            let below = entries.compactMap { entry in
                Self.isBelow(entry.id, root, known).map { CallForest.Place(id: entry.id, depth: $0) }
            }
            #expect(Set(order) == Set(below) && order.count == below.count && order.first?.id == root, "seed \(seed)")
            for (index, place) in order.enumerated().dropFirst() {
                let parent = known[place.id]?.parent
                #expect(order[..<index].contains { $0.id == parent && $0.depth == place.depth - 1 }, "seed \(seed)")
            }
            for policy in AbortPolicy.allCases {
                let reached = forest.reached(from: root, by: policy)
                let expected = below.filter { place in
                    guard let status = known[place.id]?.status else { return false }
                    return policy == .continueRunning ? status == .pending : !status.isOver
                }
                #expect(Set(reached) == Set(expected) && reached.count == expected.count, "seed \(seed)")
                #expect(reached.map(\.depth) == reached.map(\.depth).sorted(by: >), "seed \(seed)")
            }
            #expect(forest.preorder(from: "unknown").isEmpty)
        }
    }

    @Test func onlyAnEscapeOfU0000CountsAsOne() {
        for (text, holds) in [
            (#""a\u0000b""#, true), (#""\\u0000""#, false), (#""\\\u0000""#, true), (#""\u00001""#, true),
            (#""\u0001""#, false), (#""\"\\""#, false), (#""\u000"#, false), ("", false), (#"{"a":"\n\u0000"}"#, true),
        ] {
            #expect(JSONBytes.holdsNUL(Array(text.utf8)) == holds, "\(text)")
        }
    }

    @Test func largePayloadsAreLetGoOfBeforeTheyWait() {
        let long = String(repeating: "x", count: Limits.callPayloadBytes)
        for payload in [
            CallPayload.value(.string(long)), .value([.array(Array(repeating: 1, count: 20_000))]),
            .value(.object(["a": .object(["b": .string(long)])])), .json(Array("\"\(long)\"".utf8)),
        ] {
            guard case .digest(let digest, let bytes) = payload.slender else {
                Issue.record("\(payload) is kept")
                continue
            }
            #expect(digest.count == 64 && bytes > Limits.callPayloadBytes)
        }
        guard case .json(let kept) = CallPayload.value(["a": "b"]).stored else {
            Issue.record("a small one is not kept")
            return
        }
        #expect(String(decoding: kept, as: UTF8.self) == #"{"a":"b"}"#)
    }

    @Test func idsSortBehindTheirParentsWhateverTheClockDid() {
        let running = RunningCalls()
        let subject = CallSubject(operationId: "test.thing", kind: .query)
        let principal = Principal(identity: Identity(id: "a", scopes: []), accountId: "a")
        var (parent, moment): (OpenCall?, Date) = (nil, Date())
        for _ in 0..<200 {
            let caller = Caller(principal, parentRequestId: parent?.requestId)
            let call = running.enter(subject, input: nil, caller: caller, level: .all, at: moment)
            if let parent { #expect(parent.id < call.id && call.parent === parent) }
            (parent, moment) = (call, moment.addingTimeInterval(-0.25))
        }
    }

    @Test func aRequestIdThatIsTakenGivesWayToTheNodes() {
        let running = RunningCalls()
        let subject = CallSubject(operationId: "test.thing", kind: .query)
        let principal = Principal(identity: Identity(id: "a", scopes: []), accountId: "a")
        func enter(_ id: String, parent: String? = nil) -> OpenCall {
            running.enter(
                subject,
                input: nil,
                caller: Caller(principal, requestId: id, parentRequestId: parent),
                level: .all,
                at: Date()
            )
        }
        let (first, second) = (enter("same"), enter("same"))
        #expect(first.requestId == "same" && second.requestId == second.id.rawValue && running.count == 2)
        running.leave(second)
        #expect(running.call("same") === first)
        #expect(enter("bad\0id").requestId.count == 36)
        #expect(enter("self", parent: "self").caller.parentRequestId == nil)
        #expect(enter("orphan", parent: "bad\u{7}").caller.parentRequestId == nil)
        #expect(enter("child", parent: "same").parent === first)
        #expect(Set(running.below("same").map(\.requestId)) == ["same", "child"])
    }
}
