import Logging
import Protocol
import ServiceLifecycle

/// Does one thing again and again: at least once per interval, and at once when its bell rings. What fails is tried
/// again at the next turn; it never ends the hub.
struct RepeatingRunner: Service {
    let name: String
    let interval: Duration
    var bell = WakeBell()
    /// Whether there is a last turn on the way down, for what must not be left in memory.
    var flushesAtEnd = false
    /// What else is to be done at the very end.
    var farewell: (@Sendable () async throws(Fault) -> Void)?
    let logger: Logger
    let work: @Sendable () async throws(Fault) -> Void

    func run() async throws {
        await withGracefulShutdownHandler {
            await withTaskGroup(of: Void.self) { group in
                group.addTask {
                    repeat {
                        bell.ring()
                        // Cancelled sleep: the runner is over.
                    } while (try? await Task.sleep(for: interval)) != nil
                }
                var hasFailed = false
                for await _ in bell.rings { hasFailed = await turn(hadFailed: hasFailed) }
                group.cancelAll()
                if flushesAtEnd { _ = await turn(hadFailed: hasFailed) }
                // The hub goes either way; what is not said is found out by others.
                if let farewell { try? await farewell() }
            }
        } onGracefulShutdown: {
            bell.finish()
        }
    }

    /// One turn; a row of failures is told of once.
    private func turn(hadFailed: Bool) async -> Bool {
        do throws(Fault) {
            try await work()
            if hadFailed { logger.notice("A runner works again.", metadata: ["runner": "\(name)"]) }
            return false
        } catch {
            if !hadFailed {
                logger.warning(
                    "A runner could not do its work; it tries again.",
                    metadata: ["runner": "\(name)", "code": "\(error.code.rawValue)", "message": "\(error.message)"]
                )
            }
            return true
        }
    }
}
