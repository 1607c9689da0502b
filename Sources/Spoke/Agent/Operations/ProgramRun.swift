import Foundation
import Logging
import Protocol
import SpokeCore
import Synchronization

/// A program that a call runs.
struct Program: Sendable {
    /// Program and arguments; no shell reads them.
    var command: [String]
    /// All variables that it sees.
    var environment: [String: String]
    /// An absolute path.
    var directory: String
    /// What it reads on its standard input.
    var input: [UInt8]?
    /// It is ended after this; never by itself if absent.
    var timeoutSeconds: Int?
}

/// What a program that runs for a call has to tell.
enum ProgramNews: Sendable {
    case started(pid: Int32)
    case output(Protocol.OutputStream, [UInt8])
}

/// Runs programs for calls, each under a supervisor of its own as a session's: its whole tree is ended with proof, and
/// one whose agent dies is found and ended by the next run of the agent.
struct ProgramRunner: Sendable {
    /// Where the supervisors keep what they know, apart from the sessions.
    let root: String
    let supervisor: String
    let cgroups: Cgroups?
    let logger: Logger
    private let slots: ProgramSlots
    /// What was there before anything could begin.
    private let leftovers: [String]

    /// - Parameter most: how many may run at a time.
    init(
        root: String,
        supervisor: String,
        cgroups: Cgroups?,
        logger: Logger,
        most: Int = Limits.programsRunning
    ) {
        slots = ProgramSlots(most: most)
        self.root = root
        self.supervisor = supervisor
        self.cgroups = cgroups
        self.logger = logger
        leftovers = Folder.names(in: root)
    }

    /// Between interrupt, terminate and kill for what nobody waits for any more.
    static let grace = Duration.seconds(2)
    /// Output that may wait on the disk for a consumer that is slow; then the program waits.
    static let backlogBytes: Int64 = 4 << 20

    /// Runs a program to its end, or until the task is cancelled or `tell` throws: then its tree is ended first.
    ///
    /// - Parameter talk: what is written to its standard input as it comes, besides the program's own input.
    /// - Throws: `RATE_LIMITED` when too many run; `EXECUTION_ERROR` for what cannot be started; whatever `tell` throws
    ///   and `ABORTED`, with an ``AbortOutcome`` as `details`.
    func run(
        _ program: Program,
        talk: AsyncStream<[UInt8]>? = nil,
        tell: @Sendable (ProgramNews) async throws(Fault) -> Void
    ) async throws(Fault) -> ProcessEnd {
        try slots.take()
        defer { slots.giveBack() }
        let id = SessionID("call-\(UUID().uuidString.lowercased())")
        let folder = SessionFolder(root: root, id: id)
        var spec = ProcessSpec(
            sessionId: id,
            command: program.command,
            environment: program.environment,
            directory: program.directory,
            timeoutSeconds: program.timeoutSeconds,
            stdin: program.input == nil && talk == nil ? .null : .open,
            cgroup: cgroups?.make(for: id)
        )
        spec.backlogBytes = Self.backlogBytes
        defer { clear(folder) }
        let process = try await start(spec, in: folder)
        do throws(Fault) {
            // Ends with the program, at the latest: then it takes no more.
            async let _ = Self.feed(program.input, talk, to: process)
            let end = try await follow(process, tell)
            process.release()
            return end
        } catch {
            let proof = await stop(process)
            process.release()
            throw Fault(error.code, error.message, details: proof ?? error.details)
        }
    }

    /// Starts the program, whether or not the caller leaves meanwhile: only what was seen to start can be stopped.
    private func start(_ spec: ProcessSpec, in folder: SessionFolder) async throws(Fault) -> SupervisedProcess {
        let starting = Task { () -> Result<SupervisedProcess, Fault> in
            do throws(Fault) {
                return .success(try await SupervisedProcess.start(spec, in: folder, supervisor: self.supervisor))
            } catch {
                await self.stopWhatRuns(in: folder)
                return .failure(error)
            }
        }
        return try await starting.value.get()
    }

    private static func feed(_ input: [UInt8]?, _ talk: AsyncStream<[UInt8]>?, to process: SupervisedProcess) async {
        // A program that wants no more input has had what it wanted.
        if let input { try? await process.send(input) }
        if let talk {
            for await bytes in talk { try? await process.send(bytes) }
        }
        if input != nil || talk != nil { process.closeInput() }
    }

    private func follow(
        _ process: SupervisedProcess,
        _ tell: @Sendable (ProgramNews) async throws(Fault) -> Void
    ) async throws(Fault) -> ProcessEnd {
        try await tell(.started(pid: process.pid))
        var read: [Protocol.OutputStream: Int64] = [:]
        for await event in process.events {
            switch event {
            case .output(let stream, let size):
                try await pump(stream, upTo: size, of: process, &read, tell)
            case .finished(let end):
                for stream in [Protocol.OutputStream.stdout, .stderr] {
                    try await pump(stream, upTo: end.sizes[stream] ?? 0, of: process, &read, tell)
                }
                return end
            }
        }
        throw Fault(.aborted, "The program was stopped because its caller left.")
    }

    private func pump(
        _ stream: Protocol.OutputStream,
        upTo size: Int64,
        of process: SupervisedProcess,
        _ read: inout [Protocol.OutputStream: Int64],
        _ tell: @Sendable (ProgramNews) async throws(Fault) -> Void
    ) async throws(Fault) {
        var position = read[stream] ?? 0
        while position < size {
            let bytes = try process.read(
                stream,
                from: position,
                max: Int(min(size - position, Int64(Limits.outputChunkBytes)))
            )
            guard !bytes.isEmpty else { break }
            position += Int64(bytes.count)
            read[stream] = position
            try await tell(.output(stream, bytes))
            process.consumed(stream, upTo: position)
        }
    }

    /// Ends the tree, whether or not the caller's task is cancelled; answers with the proof.
    private func stop(_ process: SupervisedProcess) async -> JSONValue? {
        let stopping = Task { () -> JSONValue? in
            do throws(Fault) {
                return JSONValue(encoding: try await process.stop(grace: Self.grace))
            } catch {
                self.logger.warning("program not stopped", metadata: ["error": "\(error)", "pid": "\(process.pid)"])
                let left = ProcessRecord(pid: process.pid, command: process.folder.program)
                return JSONValue(encoding: AbortOutcome(outcome: .incomplete, remaining: [left], waitedMilliseconds: 0))
            }
        }
        return await stopping.value
    }

    private func clear(_ folder: SessionFolder) {
        if let group = cgroups?.directory(of: folder.id) { Cgroups.remove(group) }
        do throws(Fault) { try folder.remove() } catch {
            // The next start of the agent clears it up.
            logger.notice("a program's folder stays behind", metadata: ["error": "\(error)"])
        }
    }

    /// Ends and clears up what an earlier run of the agent left behind: its callers are gone.
    func sweep() async {
        for name in leftovers {
            let folder = SessionFolder(root: root, id: SessionID(name))
            await stopWhatRuns(in: folder)
            clear(folder)
        }
    }

    private func stopWhatRuns(in folder: SessionFolder) async {
        do throws(Fault) {
            guard case .running(let process) = try await SupervisedProcess.adopt(folder) else { return }
            _ = await stop(process)
            process.release()
        } catch {
            logger.warning("a program was not found again", metadata: ["error": "\(error)"])
        }
    }
}

/// How many programs may run for calls at a time.
private final class ProgramSlots: Sendable {
    private let running = Mutex(0)
    private let most: Int

    init(most: Int) { self.most = most }

    func take() throws(Fault) {
        let taken = running.withLock { running in
            guard running < most else { return false }
            running += 1
            return true
        }
        guard taken else {
            throw Fault(
                .rateLimited,
                "\(most) programs run for calls on this spoke; wait until one has ended.",
                details: ["retryAfterMilliseconds": 1_000]
            )
        }
    }

    func giveBack() { running.withLock { $0 -= 1 } }
}
