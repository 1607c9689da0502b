import Foundation
import Testing

/// Both ends with their real machines, over everything that can go wrong. `SIM_SEED=n` replays one story,
/// `SIM_SEEDS=n` tells more of them.
@Suite struct LinkSimulationTests {
    @Test func whateverHappensEveryRecordIsAppliedOnceInOrderAndNoneAcknowledgedIsLost() async {
        let environment = ProcessInfo.processInfo.environment
        if let seed = environment["SIM_SEED"].flatMap(UInt64.init) {
            let failure = Story.failure(seed: seed)
            #expect(failure == nil, "\(failure ?? "")")
            return
        }
        let count = environment["SIM_SEEDS"].flatMap(UInt64.init) ?? 2_000
        // One test walks all seeds, because a parameterised test prints two lines for each of them.
        let failures = await withTaskGroup(of: [String].self) { group in
            let lanes: UInt64 = 4
            for lane in 0..<lanes {
                group.addTask { stride(from: lane, to: count, by: Int(lanes)).compactMap(Story.failure) }
            }
            return await group.reduce(into: []) { $0 += $1 }
        }
        let (failed, first) = (failures.count, failures.first ?? "")
        #expect(failed == 0, "The first of them:\n\(first)")
    }
}
