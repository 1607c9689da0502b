import CLinux
public import Protocol

extension SupervisedProcess {
    /// Ends the whole tree: interrupt, terminate, kill, with `grace` between them, until nothing is left. A second
    /// stop goes on to the next step at once. Answers when nothing more will change.
    ///
    /// - Fails with `TIMEOUT` if the end cannot be written down, as on a full disk; the order stands.
    public func stop(grace: Duration) async throws(Fault) -> AbortOutcome {
        let clock = ContinuousClock()
        let begun = clock.now
        link.send(.stop(graceMilliseconds: grace.milliseconds))
        enum Found: Sendable { case end(ProcessEnd), disconnected }
        let patience = grace * 2 + Self.patience
        let found = try await link.first(within: patience) { state -> Found? in
            if let end = state.end { return .end(end) }
            return state.disconnected ? .disconnected : nil
        }
        var end: ProcessEnd?
        if case .end(let known) = found { end = known } else { end = await endAfterDisconnect() }
        guard let end else {
            throw Fault(.conflict, "Another agent took the session over; ask it to stop the process.")
        }
        return AbortOutcome(
            outcome: end.remaining.isEmpty ? .stopped : .incomplete,
            processes: end.ended,
            remaining: end.remaining,
            exitSignal: end.exitSignal,
            waitedMilliseconds: (clock.now - begun).milliseconds
        )
    }

    /// Input bytes that the supervisor ever accepted. After a restart of the spoke this tells which messages to the
    /// process were handed over and which were not.
    public var inputAccepted: Int64 { link.look { $0.inputSent } }

    /// Input bytes that the process has read, as far as its pipe tells; `nil` where its standard input is none.
    public var inputRead: Int64? {
        // In this order, what is written meanwhile counts as not read: too little is said, never too much.
        let written = link.look { $0.inputWritten }
        let unread = linux_unread_input(pid)
        return unread < 0 ? nil : written - unread
    }

    /// Whether the process ends by itself within this time.
    func ends(within limit: Duration) async -> Bool {
        // Late, cancelled or let go of: it has not ended that anybody knows.
        let ended = try? await link.first(within: limit) { state in state.end != nil || state.disconnected ? true : nil
        }
        return ended ?? false
    }

    /// Writes to the process's standard input and returns when the process's pipe has all of it. Several writers wait
    /// for each other. A cancelled send may have delivered a part (``inputAccepted``).
    ///
    /// - Fails with `INVALID_TRANSITION` if the process has closed its input, ended, or was started without one.
    public func send(_ bytes: [UInt8]) async throws(Fault) {
        let ticket = link.update { state in
            state.nextTicket += 1
            state.inputQueue.append(state.nextTicket)
            return state.nextTicket
        }
        defer { link.update { $0.inputQueue.removeAll { $0 == ticket } } }
        var offset = 0
        while offset < bytes.count {
            try await inputIdle(for: ticket, more: true)
            let chunk = Array(bytes[offset..<min(offset + ControlOrder.inputBytes, bytes.count)])
            link.update { $0.inputSent += Int64(chunk.count) }
            link.send(.input(chunk))
            offset += chunk.count
        }
        try await inputIdle(for: ticket, more: false)
    }

    /// Ends the process's standard input, after what was sent.
    public func closeInput() { link.send(.closeInput) }

    /// Waits until it is this writer's turn and everything sent so far was given to the process, which has to be open
    /// for more if there is more.
    private func inputIdle(for ticket: UInt64, more: Bool) async throws(Fault) {
        enum Turn: Sendable { case open, closed }
        let turn = await link.first { state -> Turn? in
            let closed = state.inputClosed || state.end != nil || state.disconnected
            let first = state.inputQueue.first == ticket
            // A process may well end at once when it has what it waited for: that it got it counts.
            if first && state.inputWritten >= state.inputSent && !(closed && more) { return .open }
            return closed ? .closed : nil
        }
        switch turn {
        case .open: return
        case .closed: throw Fault(.invalidTransition, "The process takes no more input; start another to talk to it.")
        case nil: throw .interrupted
        }
    }
}

extension SupervisorLink {
    /// The same as ``first(_:)``, for a limited time.
    ///
    /// - Fails with `TIMEOUT`, and with `ABORTED` when the task is cancelled.
    func first<Value: Sendable>(
        within limit: Duration,
        _ look: @escaping @Sendable (inout State) -> Value?
    ) async throws(Fault) -> Value {
        let value = await withTaskGroup(of: Value?.self) { group in
            group.addTask { await self.first(look) }
            group.addTask {
                // Cancelled as soon as the other has its answer.
                try? await ContinuousClock().sleep(for: limit)
                return nil
            }
            defer { group.cancelAll() }
            return await group.next() ?? nil
        }
        if let value { return value }
        throw Task.isCancelled
            ? .interrupted : Fault(.timeout, "The session's supervisor did not answer in time; look at \(folder.path).")
    }
}
