import Foundation
import Protocol
import SpokeAgent
import Testing

@Suite struct ProcessesStartTests {
    let stage: ProcessesStage

    init() throws { stage = try ProcessesStage() }

    @Test func aCommandThatDoesNotExistIsAFaultThatNamesIt() async throws {
        let fault = await #expect(throws: Fault.self) { try await stage.start(stage.spec(["no-such-program"])) }
        #expect(fault?.code == .execution)
        #expect(fault?.message.contains("no-such-program") == true)
        guard case .finished(let end) = try await SupervisedProcess.adopt(stage.folder()) else {
            Issue.record("A session that could not be started has an end.")
            return
        }
        #expect(end.reason == .failed)
        #expect(end.failure == fault)
    }

    @Test func aFileThatIsNotExecutableIsAFault() async throws {
        try Data("text".utf8).write(to: URL(filePath: "\(stage.root)/text"))
        let fault = await #expect(throws: Fault.self) { try await stage.start(stage.spec(["\(stage.root)/text"])) }
        #expect(fault?.code == .execution)
        #expect(fault?.message.contains("permissions") == true)
    }

    @Test func aDirectoryThatDoesNotExistIsAFault() async throws {
        var spec = stage.spec(["true"])
        spec.directory = "\(stage.root)/nowhere"
        let fault = await #expect(throws: Fault.self) { try await stage.start(spec) }
        #expect(fault?.code == .execution)
        #expect(fault?.message.contains("directory") == true)
    }

    @Test func theProgramIsLookedForInTheSessionsOwnPath() async throws {
        try FileManager.default.createDirectory(atPath: "\(stage.root)/bin", withIntermediateDirectories: true)
        try Data("#!/bin/sh\necho mine\n".utf8).write(to: URL(filePath: "\(stage.root)/bin/its-own"))
        chmod("\(stage.root)/bin/its-own", 0o755)
        var spec = stage.spec(["its-own"])
        spec.environment["PATH"] = "\(stage.root)/bin:/usr/bin:/bin"
        _ = try await stage.end(of: try await stage.start(spec))
        #expect(try stage.text(.stdout) == "mine\n")
    }

    @Test func theProcessInheritsNothingButItsSpec() async throws {
        let script =
            "env | sort | cut -d= -f1 | tr '\\n' ' '; ls /proc/self/fd | wc -l; pwd; umask; "
            + "cat /proc/self/oom_score_adj"
        _ = try await stage.run(shell: script)
        let lines = try stage.text(.stdout).split(separator: "\n").map(String.init)
        // 0, 1, 2 and the descriptor with which ls reads the directory.
        #expect(lines[0].hasPrefix("MARK PATH PWD"))
        #expect(lines[0].hasSuffix("4"))
        #expect(lines[1] == stage.root)
        #expect(lines[2] != "0077")
        #expect(lines[3] != "-900")
    }

    @Test func aSecondStartIsRefusedAndRunsNothing() async throws {
        let spec = stage.spec(["sh", "-c", "echo run >> \(stage.root)/runs; read line"], stdin: .open)
        let process = try await stage.start(spec)
        let meanwhile = await #expect(throws: Fault.self) { try await stage.start(spec) }
        #expect(meanwhile?.code == .conflict)
        process.closeInput()
        _ = try await stage.end(of: process)
        process.release()
        let afterwards = await #expect(throws: Fault.self) { try await stage.start(spec) }
        #expect(afterwards?.code == .conflict)
        #expect(try String(contentsOfFile: "\(stage.root)/runs", encoding: .utf8) == "run\n")
    }

    @Test func manyStartsAtOnceRunOnce() async throws {
        let spec = stage.spec(["sh", "-c", "echo run >> \(stage.root)/runs"])
        let started = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<8 { group.addTask { (try? await stage.start(spec)) != nil } }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(started == 1)
        try await stage.eventually("it has ended") { stage.folder().events().contains { $0.isFinished } }
        #expect(try String(contentsOfFile: "\(stage.root)/runs", encoding: .utf8) == "run\n")
    }

    @Test func theSupervisorIsSmallAndNobodysChild() async throws {
        let process = try await stage.start(shell: "head -c 20000000 /dev/zero; echo ready; read line", stdin: .open)
        for await event in process.events {
            if case .output(.stdout, let size) = event, size >= 20_000_006 { break }
        }
        let supervisor = Int32(try stage.status("PPid", of: process.pid))
        #expect(try stage.status("PPid", of: supervisor) != Int(getpid()))
        #expect(getsid(supervisor) == supervisor)
        let resident = try stage.status("VmRSS", of: supervisor)
        print("supervisor VmRSS: \(resident) kB")
        #expect(resident <= 4_096)
        process.closeInput()
        _ = try await stage.end(of: process)
    }

    @Test func aFolderWithALongPathIsNoObstacle() async throws {
        let id = SessionID(String(repeating: "long/", count: 30))
        let process = try await stage.start(stage.spec(["sh", "-c", "read line; exit 7"], id: id, stdin: .open))
        process.abandon()
        guard case .running(let again) = try await SupervisedProcess.adopt(stage.folder(id)) else {
            Issue.record("The process runs on.")
            return
        }
        again.closeInput()
        #expect(try await stage.end(of: again).exitCode == 7)
    }
}

extension SupervisorEvent {
    var isFinished: Bool {
        if case .finished = self { true } else { false }
    }
}
