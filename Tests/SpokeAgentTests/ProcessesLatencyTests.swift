import Foundation
import Protocol
import SpokeAgent
import Testing

/// What a supervisor costs at the start of a session. The figures are printed; the bound only catches a blunder.
@Suite(.serialized) struct ProcessesLatencyTests {
    let stage: ProcessesStage

    init() throws { stage = try ProcessesStage() }

    private func median(_ durations: [Duration]) -> Duration { durations.sorted()[durations.count / 2] }

    @Test func aStartCostsAFewMilliseconds() async throws {
        let clock = ContinuousClock()
        var starts: [Duration] = []
        var firsts: [Duration] = []
        var plain: [Duration] = []
        for round in 0..<30 {
            let begun = clock.now
            let process = try await stage.start(stage.spec(["/bin/echo", "x"], id: SessionID("r\(round)")))
            starts.append(clock.now - begun)
            for await event in process.events {
                if case .output = event { firsts.append(clock.now - begun) }
            }
            process.release()
            plain.append(try clock.measure { try byHand() })
        }
        print(
            "start returns: \(median(starts)), first byte: \(median(firsts)), fork and exec by hand: \(median(plain))"
        )
        #expect(median(firsts) < .milliseconds(200))
    }

    /// The least that running a program can cost: spawn, read its first byte, wait for it.
    private func byHand() throws {
        var ends: [Int32] = [-1, -1]
        #expect(pipe(&ends) == 0)
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
        defer { posix_spawn_file_actions_destroy(&actions) }
        let arguments = [strdup("/bin/echo"), strdup("x"), nil]
        defer { for argument in arguments { free(argument) } }
        var pid: pid_t = 0
        #expect(posix_spawn(&pid, "/bin/echo", &actions, nil, arguments, [nil]) == 0)
        close(ends[1])
        var byte: UInt8 = 0
        #expect(read(ends[0], &byte, 1) == 1)
        close(ends[0])
        waitpid(pid, nil, 0)
    }
}
