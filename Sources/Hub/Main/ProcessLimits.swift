@preconcurrency import Dispatch
import Foundation
import Logging

/// How many files and sockets the process may have open.
enum DescriptorLimit {
    /// Raises the soft limit to the hard one: each link is a descriptor.
    static func raise(logger: Logger) {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        guard limit.rlim_cur < limit.rlim_max else { return }
        limit.rlim_cur = limit.rlim_max
        if setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) != 0 {
            logger.warning("The limit of open files could not be raised.", metadata: ["limit": "\(limit.rlim_max)"])
        }
    }
}

/// Waits for the signals that end the process: the first drains, the second ends at once.
final class SignalWatch: Sendable {
    private let sources: [any DispatchSourceSignal]

    /// - Parameter drain: Called once, at the first SIGTERM or SIGINT.
    init(drain: @escaping @Sendable () -> Void) {
        let queue = DispatchQueue(label: "hub.signals")
        let count = SignalCount()
        signal(SIGPIPE, SIG_IGN)
        sources = [SIGTERM, SIGINT].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
            source.setEventHandler {
                // A private Postgres is left running then; the next hub in this directory adopts it.
                if count.next() > 1 { _exit(128 + number) }
                drain()
            }
            source.resume()
            return source
        }
    }

    deinit { for source in sources { source.cancel() } }
}

/// Counts signals. Only ever touched on the watch's serial queue.
///
/// Unchecked because the proof is that queue: `next` is called from its event handlers alone.
private final class SignalCount: @unchecked Sendable {
    private var count = 0

    func next() -> Int {
        count += 1
        return count
    }
}
