public import Protocol

/// A session's process as its spoke sees it: started once, watched, fed and stopped through its supervisor, and found
/// again after a crash of the spoke. Dropping the object lets go of the process and changes nothing about it.
public final class SupervisedProcess: Sendable {
    /// Where everything about it is kept.
    public let folder: SessionFolder
    /// The leader of the session's process tree.
    public let pid: Int32
    let link: SupervisorLink

    private init(link: SupervisorLink, pid: Int32) {
        self.link = link
        self.folder = link.folder
        self.pid = pid
    }

    /// How long a supervisor may take to start its command, or to answer. Milliseconds are usual.
    static let patience = Duration.seconds(30)

    /// Starts the command of `spec`. When this returns, it runs; that it was started is durable before it does.
    ///
    /// - Fails with `CONFLICT` if it was started before: adopt it then.
    /// - Fails with `EXECUTION_ERROR`, naming the command, if it cannot be executed or its directory not be entered.
    public static func start(
        _ spec: ProcessSpec,
        in folder: SessionFolder,
        supervisor executable: String
    ) async throws(Fault) -> SupervisedProcess {
        guard folder.history().leader == nil else { throw .startedBefore }
        try folder.write(spec)
        let (own, theirs) = try ControlSocket.pair()
        let link = SupervisorLink(folder: folder, program: spec.command.first ?? "", descriptor: own)
        do {
            try await SupervisorLaunch.launch(executable, in: folder, socket: theirs)
            ControlSocket.close(theirs)
        } catch {
            ControlSocket.close(theirs)
            throw error
        }
        return try await greet(link)
    }

    /// Finds a session's process again.
    public static func adopt(_ folder: SessionFolder) async throws(Fault) -> Adoption {
        let clock = ContinuousClock()
        let deadline = clock.now + patience
        while clock.now < deadline {
            let supervised = folder.isSupervised
            if let end = folder.history().end(of: folder.program) { return .finished(end) }
            guard supervised else {
                return folder.history().leader == nil ? .absent : .lost(LostSession(folder: folder).end())
            }
            if let descriptor = ControlSocket.connect(in: folder) {
                let link = SupervisorLink(folder: folder, program: folder.program, descriptor: descriptor)
                // A supervisor that goes in this moment leaves its end in the files: look there again.
                if let process = try? await greet(link) { return .running(process) }
            }
            // It is about to listen, or about to be gone; neither can be waited for.
            do { try await clock.sleep(for: .milliseconds(2)) } catch { throw .interrupted }
        }
        throw Fault(.timeout, "The supervisor of session \(folder.id) does not answer; look at \(folder.path).")
    }

    /// Waits for a supervisor's first word.
    private static func greet(_ link: SupervisorLink) async throws(Fault) -> SupervisedProcess {
        enum Greeting: Sendable { case running(Int32), failed(ProcessEnd), refused(Fault), gone }
        let greeting = try await link.first(within: patience) { state -> Greeting? in
            if let (refusal, error) = state.refusal { return .refused(.refused(refusal, error)) }
            if let pid = state.pid, pid != 0 { return .running(pid) }
            if let end = state.end { return .failed(end) }
            return state.disconnected ? .gone : nil
        }
        switch greeting {
        case .running(let pid): return SupervisedProcess(link: link, pid: pid)
        case .refused(let fault): throw fault
        case .failed(let end):
            link.send(.release)
            throw end.failure ?? Fault(.execution, "The session ended before it was seen; adopt it to read how.")
        case .gone:
            throw Fault(.unavailable, "The supervisor ended before it started anything; see the system's log.")
        }
    }

    /// Bytes of a stream from `offset` on, at most `max`; none if there are not more yet.
    public func read(_ stream: OutputStream, from offset: Int64, max: Int) throws(Fault) -> [UInt8] {
        try folder.read(stream, from: offset, max: max)
    }

    /// Bytes of each stream that are known to be there.
    public var sizes: [OutputStream: Int64] { link.look { $0.sizes } }

    /// Says that a stream's bytes before `offset` are kept elsewhere. Their place on the disk is given back, and a
    /// process that had to wait for it goes on.
    public func consumed(_ stream: OutputStream, upTo offset: Int64) {
        link.send(.consumed(stream, offset))
        // A supervisor that has written the end does not wait for a slow reader, and a dead one hears nothing.
        let hears = link.look { $0.end == nil && !$0.disconnected }
        if !hears { folder.giveBack(stream, upTo: offset) }
    }

    /// Says that the end was read; the supervisor goes. Without it, it goes by itself a few seconds later.
    public func release() { link.send(.release) }

    /// Lets go of the process, which goes on: what a crash of the spoke does, on purpose.
    public func abandon() { link.disconnect() }

    /// What happens, for one reader: growing output, coalesced, and at last the end. A process whose supervisor was
    /// killed ends as ``ExitReason/lost``. The stream ends early if another agent takes the process over.
    public var events: AsyncStream<ProcessEvent> {
        AsyncStream { [self] in await nextEvent() }
    }

    private func nextEvent() async -> ProcessEvent? {
        enum Found: Sendable { case event(ProcessEvent), disconnected, over }
        let found = await link.first { state -> Found? in
            for stream in [OutputStream.stdout, .stderr] {
                let size = state.sizes[stream] ?? 0
                guard size > state.told[stream] ?? 0 else { continue }
                state.told[stream] = size
                return .event(.output(stream, size))
            }
            if state.toldEnd { return .over }
            guard let end = state.end else { return state.disconnected ? .disconnected : nil }
            state.toldEnd = true
            return .event(.finished(end))
        }
        switch found {
        case .event(let event): return event
        case .over, nil: return nil
        case .disconnected:
            guard let end = await endAfterDisconnect() else { return nil }
            link.update { state in
                state.end = state.end ?? end
                for (stream, size) in end.sizes { state.sizes[stream] = max(size, state.sizes[stream] ?? 0) }
            }
            return await nextEvent()
        }
    }

    /// How it ended, once the supervisor is gone; `nil` if it lives and talks to somebody else.
    func endAfterDisconnect() async -> ProcessEnd? {
        // The lock falls a moment after the socket when a process dies.
        for _ in 0..<100 where folder.isSupervised {
            do { try await ContinuousClock().sleep(for: .milliseconds(2)) } catch { return nil }
        }
        if let end = folder.history().end(of: link.program) { return end }
        return folder.isSupervised ? nil : LostSession(folder: folder).end()
    }
}

extension Fault {
    static let startedBefore = Fault(.conflict, "The session was started before; adopt it instead of starting it.")

    static let interrupted = Fault(.aborted, "The task that waited for the session's process was cancelled.")

    /// A supervisor that would not start anything.
    static func refused(_ refusal: ControlBell.Refusal, _ error: Int32) -> Fault {
        switch refusal {
        case .running, .started: .startedBefore
        case .folder: .system("prepare the session's folder", error: error)
        }
    }
}
