import Synchronization

/// Work under way that somebody else may call off by its name: another request, or the end of a session.
public final class AbortBook<Name: Hashable & Sendable>: Sendable {
    private struct Entry {
        let ticket: Int
        let end: AsyncStream<Void>.Continuation
    }

    private struct State {
        var entries: [Name: Entry] = [:]
        var tickets = 0
        var isClosed = false
    }

    private let state = Mutex(State())

    public init() {}

    /// Runs the work and answers with its value; `nil` if it was called off first, or the book is closed. Work that
    /// is called off is cancelled, and this returns when it has heard so.
    public func run<Value: Sendable>(
        _ name: Name,
        _ work: @escaping @Sendable () async -> Value
    ) async -> Value? {
        let (ends, end) = AsyncStream<Void>.makeStream()
        let ticket = state.withLock { state -> Int? in
            guard !state.isClosed else { return nil }
            state.tickets += 1
            state.entries[name] = Entry(ticket: state.tickets, end: end)
            return state.tickets
        }
        guard let ticket else { return nil }
        defer {
            state.withLock { state in
                if state.entries[name]?.ticket == ticket { state.entries[name] = nil }
            }
        }
        return await withTaskGroup(of: Value?.self) { group in
            group.addTask { await work() }
            group.addTask {
                for await _ in ends {}
                return nil
            }
            defer { group.cancelAll() }
            return await group.next() ?? nil
        }
    }

    /// Whether work of this name is under way.
    public func holds(_ name: Name) -> Bool { state.withLock { $0.entries[name] != nil } }

    /// Calls one off; nothing happens if there is none of that name.
    public func abort(_ name: Name) { state.withLock { $0.entries[name] }?.end.finish() }

    /// Calls everything off, and whatever comes later at once.
    public func close() {
        let entries = state.withLock { state in
            state.isClosed = true
            return Array(state.entries.values)
        }
        for entry in entries { entry.end.finish() }
    }
}
