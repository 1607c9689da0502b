import Logging
import ServiceLifecycle

/// The last service to start and so the first to stop: turns new work away and sends the spokes elsewhere, before
/// the server below it lets go of its connections.
struct DrainRunner: Service {
    let drain: DrainSwitch
    let registry: LinkRegistry
    let logger: Logger

    func run() async throws {
        try? await gracefulShutdown()  // Cancelled instead of asked: it goes down all the same.
        logger.notice("Draining.", metadata: ["links": "\(registry.openCount)"])
        drain.drain()
        registry.leave(LinkHall.drainGoodbye)
    }
}
