import Foundation
import Protocol
import SpokeAgent
import Testing

/// The agent goes and comes back; the process does not notice.
@Suite struct ProcessesAdoptionTests {
    let stage: ProcessesStage

    init() throws { stage = try ProcessesStage() }

    private func adopted() async throws -> SupervisedProcess {
        guard case .running(let process) = try await SupervisedProcess.adopt(stage.folder()) else {
            throw Fault(.unknown, "The process does not run.")
        }
        return process
    }

    @Test func anAdoptedProcessIsTheSameAndNoByteIsMissing() async throws {
        let script = "i=0; while [ $i -lt 2000 ]; do echo line $i; i=$((i+1)); done; echo ready; read line; echo last"
        var pid: Int32 = 0
        do {
            let process = try await stage.start(shell: script, stdin: .open)
            pid = process.pid
        }
        for _ in 0..<20 {
            let process = try await adopted()
            #expect(process.pid == pid)
            process.abandon()
        }
        let process = try await adopted()
        try await stage.wait(for: "ready", from: process)
        try await process.send(Array("go\n".utf8))
        #expect(try await stage.end(of: process).exitCode == 0)
        let expected = (0..<2_000).map { "line \($0)\n" }.joined() + "ready\nlast\n"
        #expect(try stage.text(.stdout) == expected)
    }

    @Test func aProcessThatEndedMeanwhileIsReadFromItsFiles() async throws {
        let process = try await stage.start(shell: "echo alone; exit 11")
        process.abandon()
        try await stage.eventually("it has ended") { stage.folder().events().contains { $0.isFinished } }
        guard case .finished(let end) = try await SupervisedProcess.adopt(stage.folder()) else {
            Issue.record("It has ended.")
            return
        }
        #expect(end.exitCode == 11)
        #expect(try stage.text(.stdout) == "alone\n")
    }

    @Test func theNewestAgentWins() async throws {
        let first = try await stage.start(shell: "read line; exit 1", stdin: .open)
        let second = try await adopted()
        for await _ in first.events {}
        second.closeInput()
        #expect(try await stage.end(of: second).exitCode == 1)
    }

    @Test func aSessionWhoseSupervisorWasKilledIsLostAndLeavesNothing() async throws {
        let process = try await stage.start(shell: "sleep 60 & sleep 60 & echo ready; wait")
        try await stage.wait(for: "ready", from: process)
        kill(Int32(try stage.status("PPid", of: process.pid)), SIGKILL)
        let end = try await stage.end(of: process)
        #expect(end.reason == .lost)
        #expect(end.sizes[.stdout] == 6)
        try await stage.eventually("nothing of it lives") { try stage.survivors().isEmpty }
        guard case .lost = try await SupervisedProcess.adopt(stage.folder()) else {
            Issue.record("It stays lost.")
            return
        }
    }

    @Test func afterARebootASessionIsLostAndNobodyIsKilled() async throws {
        let folder = stage.folder()
        try FileManager.default.createDirectory(atPath: folder.path, withIntermediateDirectories: true)
        let events = "started \(getpid()) 1 another-boot 1700000000000\nexited code 0 17000"
        try Data(events.utf8).write(to: URL(filePath: "\(folder.path)/events"))
        #expect(folder.events().count == 1)
        guard case .lost(let end) = try await SupervisedProcess.adopt(folder) else {
            Issue.record("Neither supervisor nor end are there.")
            return
        }
        #expect(end.reason == .lost)
        #expect(end.exitCode == nil)
    }

    @Test func whatWasNeverStartedIsAbsentAndMayBeStarted() async throws {
        guard case .absent = try await SupervisedProcess.adopt(stage.folder()) else {
            Issue.record("Nothing is there.")
            return
        }
        #expect(try await stage.run(shell: "exit 2").exitCode == 2)
    }

    @Test func aFolderIsRemovedWithAllThatIsInIt() async throws {
        let process = try await stage.start(shell: "echo x")
        _ = try await stage.end(of: process)
        process.release()
        try stage.folder().remove()
        #expect(!stage.folder().exists)
    }

    @Test func inputIsEchoedWholeAcrossAnAgentsCrash() async throws {
        let half = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let process = try await stage.start(stage.spec(["cat"], stdin: .open))
        try await process.send(half)
        process.abandon()
        let again = try await adopted()
        #expect(again.inputAccepted == Int64(half.count))
        try await again.send(half)
        again.closeInput()
        #expect(try await stage.end(of: again).exitCode == 0)
        #expect(try stage.folder().read(.stdout, from: 0, max: 1 << 20) == half + half)
    }

    @Test func aProcessThatDoesNotReadStaysStoppable() async throws {
        let process = try await stage.start(shell: "echo ready; exec sleep 60", stdin: .open)
        try await stage.wait(for: "ready", from: process)
        async let sent: Fault? = {
            do throws(Fault) { try await process.send([UInt8](repeating: 1, count: 1_000_000)) } catch { return error }
            return nil
        }()
        let outcome = try await process.stop(grace: .seconds(1))
        #expect(outcome.outcome == .stopped)
        #expect(await sent?.code == .invalidTransition)
    }

    @Test func aProcessThatClosedItsInputSaysSo() async throws {
        let process = try await stage.start(shell: "exec <&-; echo ready; sleep 60", stdin: .open)
        try await stage.wait(for: "ready", from: process)
        let fault = await #expect(throws: Fault.self) { try await process.send(Array("lost\n".utf8)) }
        #expect(fault?.code == .invalidTransition)
        _ = try await process.stop(grace: .seconds(1))
    }
}
