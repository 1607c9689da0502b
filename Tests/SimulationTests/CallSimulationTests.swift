import Foundation
import Testing

/// Both ends of a link with their real call machines. `SIM_SEED=n` replays one story, `SIM_SEEDS=n` tells more.
@Suite struct CallSimulationTests {
    @Test func whateverHappensEveryCallEndsExactlyOnceAndCreditIsNeverExceeded() {
        let environment = ProcessInfo.processInfo.environment
        if let seed = environment["SIM_SEED"].flatMap(UInt64.init) {
            let failure = CallStory.failure(seed: seed)
            #expect(failure == nil, "\(failure ?? "")")
            return
        }
        let count = environment["SIM_SEEDS"].flatMap(UInt64.init) ?? 2_000
        let failures = (0..<count).compactMap(CallStory.failure)
        let (failed, first) = (failures.count, failures.first ?? "")
        #expect(failed == 0, "The first of them:\n\(first)")
    }
}
