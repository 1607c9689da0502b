import Crypto
import Foundation
import Protocol
import SpokeAgent
import Subprocess
import SystemPackage
import TestSupport
import Testing

@Suite struct ProcessesOutputTests {
    let stage: ProcessesStage

    init() throws { stage = try ProcessesStage() }

    @Test func bothStreamsAndTheExitCodeArriveWhole() async throws {
        let end = try await stage.run(shell: "printf out; printf err >&2; exit 3")
        #expect(end.exitCode == 3)
        #expect(end.exitSignal == nil)
        #expect(end.reason == .exited)
        #expect(end.sizes == [.stdout: 3, .stderr: 3])
        #expect(try stage.text(.stdout) == "out")
        #expect(try stage.text(.stderr) == "err")
        #expect(end.swept.isEmpty && end.remaining.isEmpty)
    }

    @Test func exitCodesAreWhatTheProcessReturned() async throws {
        for code in [Int32(0), 1, 2, 42, 126, 127, 128, 130, 254, 255] {
            let process = try await stage.start(stage.spec(["sh", "-c", "exit \(code)"], id: SessionID("c\(code)")))
            #expect(try await stage.end(of: process).exitCode == code)
        }
    }

    @Test func aSignalIsNotAnExitCode() async throws {
        let end = try await stage.run(shell: "kill -SEGV $$")
        #expect(end.exitSignal == SIGSEGV)
        #expect(end.exitCode == nil)
    }

    @Test func aProcessThatWritesNothingEndsWithNothing() async throws {
        let end = try await stage.run(shell: "exit 0")
        #expect(end.sizes == [.stdout: 0, .stderr: 0])
    }

    @Test func everyByteValueSurvives() async throws {
        let end = try await stage.run(shell: #"perl -e 'binmode STDOUT; print map { chr } 0..255'"#)
        #expect(end.exitCode == 0)
        #expect(try stage.folder().read(.stdout, from: 0, max: 4_096) == Array(0...255))
    }

    @Test func aProcessThatClosesItsOutputRunsOn() async throws {
        let end = try await stage.run(shell: "echo early; exec >&- 2>&-; sleep 0.2; exit 9")
        #expect(end.exitCode == 9)
        #expect(try stage.text(.stdout) == "early\n")
    }

    @Test func aFloodArrivesByteForByte() async throws {
        let mebibytes = 150
        let script = "head -c \(mebibytes)M /dev/zero | openssl enc -aes-128-ctr -K 00 -iv 00 | tee \(stage.root)/copy"
        let process = try await stage.start(shell: "\(script) 2>/dev/null")
        var hash = SHA256()
        var offset: Int64 = 0
        var end: ProcessEnd?
        for await event in process.events {
            while case let bytes = try process.read(.stdout, from: offset, max: 1 << 20), !bytes.isEmpty {
                hash.update(data: bytes)
                offset += Int64(bytes.count)
                process.consumed(.stdout, upTo: offset)
            }
            if case .finished(let known) = event { end = known }
        }
        #expect(end?.sizes[.stdout] == offset)
        #expect(offset == Int64(mebibytes) << 20)
        let copy = try Data(contentsOf: URL(filePath: "\(stage.root)/copy"), options: .alwaysMapped)
        #expect(hash.finalize() == SHA256.hash(data: copy))
        try await stage.eventually("what was consumed is given back to the disk") {
            try stage.place(of: .stdout) < 32 << 20
        }
    }

    @Test func whatIsReadAfterItsSupervisorHasGoneIsGivenBackToo() async throws {
        let process = try await stage.start(shell: "head -c 8M /dev/zero")
        let end = try await stage.end(of: process)
        process.release()
        try await stage.eventually("the supervisor is gone") { stage.isLeft() }
        #expect(try stage.place(of: .stdout) >= 8 << 20)
        var offset: Int64 = 0
        while case let bytes = try process.read(.stdout, from: offset, max: 1 << 20), !bytes.isEmpty {
            #expect(bytes.allSatisfy { $0 == 0 })
            offset += Int64(bytes.count)
            process.consumed(.stdout, upTo: offset)
        }
        #expect(end.sizes[.stdout] == offset)
        #expect(try stage.place(of: .stdout) < 1 << 20)
    }

    @Test func aProcessWaitsForAnAgentThatDoesNotRead() async throws {
        var spec = stage.spec(["sh", "-c", "head -c 3000000 /dev/zero; echo; echo whole >&2"])
        spec.backlogBytes = 300_000
        let process = try await stage.start(spec)
        try await stage.eventually("the backlog is full") { process.sizes[.stdout] == 300_000 }
        #expect(try stage.text(.stderr) == "")
        var offset: Int64 = 0
        for await _ in process.events {
            while case let bytes = try process.read(.stdout, from: offset, max: 100_000), !bytes.isEmpty {
                offset += Int64(bytes.count)
                process.consumed(.stdout, upTo: offset)
            }
        }
        #expect(offset == 3_000_001)
        #expect(try stage.text(.stderr) == "whole\n")
    }

    @Test func outputHeldOpenByAnOutsiderDelaysTheEndOnlyALittle() async throws {
        // The outsider is a child of this test: it gets the pipe through /proc, so no sweep of the session finds it.
        let process = try await stage.start(shell: "echo ready; read line; exit 0", stdin: .open)
        try await stage.wait(for: "ready", from: process)
        let (pid, stage) = (process.pid, stage)
        _ = try await Subprocess.run(
            .path("/bin/sh"),
            arguments: ["-c", "exec 5>/proc/\(pid)/fd/1; echo held >&5; exec sleep 60"],
            input: .none,
            output: .discarded,
            error: .discarded
        ) { outsider in
            let holder = outsider.processIdentifier.value
            defer { kill(holder, SIGKILL) }
            try await stage.wait(for: "held", from: process)
            try await process.send(Array("go\n".utf8))
            let end = try await stage.end(of: process)
            #expect(end.exitCode == 0)
            #expect(end.swept.isEmpty)
            // One that has ended has no command line any more.
            #expect(FileManager.default.contents(atPath: "/proc/\(holder)/cmdline")?.isEmpty == false)
        }
    }
}

/// A disk that refuses makes the process wait; it loses nothing and ends nobody.
@Suite struct ProcessesFullDiskTests {
    let stage: ProcessesStage

    init() throws { stage = try ProcessesStage() }

    /// Reads and consumes until the end; answers how much there was.
    private func drain(_ process: SupervisedProcess) async throws -> (Int64, ProcessEnd?) {
        var offset: Int64 = 0
        var end: ProcessEnd?
        for await event in process.events {
            while case let bytes = try process.read(.stdout, from: offset, max: 64 << 10), !bytes.isEmpty {
                offset += Int64(bytes.count)
                process.consumed(.stdout, upTo: offset)
            }
            if case .finished(let known) = event { end = known }
        }
        return (offset, end)
    }

    @Test func aFileThatMayNotGrowMakesTheProcessWait() async throws {
        let process = try await stage.start(
            shell: "echo ready; read line; head -c 2000000 /dev/zero; exit 4",
            stdin: .open
        )
        try await stage.wait(for: "ready", from: process)
        let supervisor = try stage.status("PPid", of: process.pid)
        try await prlimit(supervisor, "--fsize=500000:unlimited")
        try await process.send(Array("go\n".utf8))
        try await stage.eventually("the spool is as large as it may be") { process.sizes[.stdout] == 500_000 }
        try await prlimit(supervisor, "--fsize=unlimited")
        let (size, end) = try await drain(process)
        #expect(size == 2_000_006)
        #expect(end?.exitCode == 4)
    }

    @Test(.enabled(if: SmallDisk.canBeMade, "Nothing may be mounted; the limit on a file's size above shows the same."))
    func aFullFileSystemMakesTheProcessWait() async throws {
        try FileManager.default.createDirectory(atPath: "\(stage.root)/sessions", withIntermediateDirectories: true)
        #expect(mount("tmpfs", "\(stage.root)/sessions", "tmpfs", 0, "size=400k") == 0)
        defer { umount2("\(stage.root)/sessions", Int32(MNT_DETACH)) }
        let process = try await stage.start(shell: "head -c 3000000 /dev/zero; exit 5")
        try await stage.eventually("the file system is full") { (process.sizes[.stdout] ?? 0) > 300_000 }
        let (size, end) = try await drain(process)
        #expect(size == 3_000_000)
        #expect(end?.exitCode == 5)
    }

    @Test(.enabled(if: SmallDisk.canBeMade, "Nothing may be mounted; the limit on a file's size above shows the same."))
    func whatWasReadBeforeTheDiskWasFullMakesRoomThen() async throws {
        let folder = "\(stage.root)/sessions"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        #expect(mount("tmpfs", folder, "tmpfs", 0, "size=400k") == 0)
        defer { umount2(folder, Int32(MNT_DETACH)) }
        let process = try await stage.start(
            shell: "head -c 100000 /dev/zero; read line; head -c 200000 /dev/zero; exit 5",
            stdin: .open
        )
        try await stage.eventually("the first part is there") { process.sizes[.stdout] == 100_000 }
        process.consumed(.stdout, upTo: 100_000)
        let others = open("\(folder)/others", O_CREAT | O_WRONLY, 0o600)
        let page = [UInt8](repeating: 1, count: 4_096)
        while write(others, page, page.count) > 0 {}
        close(others)
        try await process.send(Array("go\n".utf8))
        let (size, end) = try await drain(process)
        #expect(size == 300_000)
        #expect(end?.exitCode == 5)
    }

    private func prlimit(_ pid: Int, _ limit: String) async throws {
        let result = try await Subprocess.run(
            .path("/usr/bin/prlimit"),
            arguments: ["--pid", "\(pid)", limit],
            output: .discarded,
            error: .discarded
        )
        #expect(result.terminationStatus.isSuccess)
    }
}
