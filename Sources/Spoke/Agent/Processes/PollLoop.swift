import Foundation
import Protocol
import Synchronization

/// Something that wants to know when its descriptor can be read or written.
protocol Watched: AnyObject, Sendable {
    /// Called on the loop's thread: must not block.
    func ready()
}

/// One thread that waits for the descriptors of all sessions, so that none of them costs a thread and no task of the
/// concurrency pool ever blocks in a system call.
final class PollLoop: Sendable {
    /// The loop of this process. Its thread starts with the first session and stays.
    static let shared = PollLoop()

    private struct Entry {
        var descriptor: Int32
        var wantsWrite: Bool
        weak var watched: (any Watched)?
    }

    private struct Registry {
        var entries: [UInt64: Entry] = [:]
        var nextId: UInt64 = 1
        var running = false
    }

    private let registry = Mutex(Registry())
    /// A byte into the second wakes the thread, which waits for the first as for any other.
    private let bell: (Int32, Int32)

    private init() {
        var ends: [Int32] = [-1, -1]
        let made = socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0, &ends)
        precondition(made == 0, "A process that cannot have two descriptors cannot supervise sessions.")
        for end in ends { _ = fcntl(end, F_SETFL, O_NONBLOCK) }
        bell = (ends[0], ends[1])
    }

    /// Watches a descriptor from here on; answers the number under which it is known. `watched` is not kept alive.
    func watch(_ descriptor: Int32, for watched: any Watched) -> UInt64 {
        let (id, first) = registry.withLock { registry in
            let id = registry.nextId
            registry.nextId += 1
            registry.entries[id] = Entry(descriptor: descriptor, wantsWrite: false, watched: watched)
            defer { registry.running = true }
            return (id, !registry.running)
        }
        if first {
            let thread = Thread { [self] in run() }
            thread.name = "nave-sessions"
            thread.start()
        }
        wake()
        return id
    }

    /// Whether the descriptor is also to be reported when it can be written.
    func setWantsWrite(_ wanted: Bool, for id: UInt64) {
        let changed = registry.withLock { registry in
            guard registry.entries[id] != nil, registry.entries[id]?.wantsWrite != wanted else { return false }
            registry.entries[id]?.wantsWrite = wanted
            return true
        }
        if changed { wake() }
    }

    /// Forgets a descriptor; to be called before it is closed.
    func forget(_ id: UInt64) {
        registry.withLock { $0.entries[id] = nil }
        wake()
    }

    private func wake() {
        // A full bell rings already.
        _ = Foundation.write(bell.1, [1], 1)
    }

    private func run() {
        var drained: [UInt8] = Array(repeating: 0, count: 256)
        while true {
            var ids: [UInt64] = [0]
            var polled = [pollfd(fd: bell.0, events: Int16(POLLIN), revents: 0)]
            registry.withLock { registry in
                for (id, entry) in registry.entries {
                    let events = Int16(POLLIN) | (entry.wantsWrite ? Int16(POLLOUT) : 0)
                    ids.append(id)
                    polled.append(pollfd(fd: entry.descriptor, events: events, revents: 0))
                }
            }
            guard poll(&polled, nfds_t(polled.count), -1) > 0 else { continue }
            if polled[0].revents != 0 { while Foundation.read(bell.0, &drained, drained.count) > 0 {} }
            for (id, entry) in zip(ids, polled).dropFirst() where entry.revents != 0 {
                // Looked up again: it may have been forgotten while this thread slept.
                registry.withLock { $0.entries[id]?.watched }?.ready()
            }
        }
    }
}
