import HubCore
public import HubDomains
import Hummingbird
import HummingbirdCore
import HummingbirdTLS
public import Logging
import NIOCore
public import Postgres
public import Protocol
public import ServiceLifecycle
import Transport

/// Puts a hub's doors, links and runners together over a database that is migrated.
public struct HubAssembly: Sendable {
    public let drain = DrainSwitch()
    private let settings: ServerSettings
    private let domains: Domains
    private let database: Database
    private let identity: HubIdentity
    private let logger: Logger

    /// - Parameters:
    ///   - identity: This process among the hubs of the database.
    ///   - seal: The keys with which clients' secrets are kept.
    public init(
        _ settings: ServerSettings,
        database: Database,
        identity: HubIdentity,
        seal: SecretSeal = .none,
        logger: Logger
    ) {
        self.settings = settings
        self.database = database
        self.identity = identity
        self.logger = logger
        self.domains = Domains(database: database, hub: identity.id, seal: seal, logger: logger)
    }

    /// Makes the hub's own operations known in the database; calls are recorded under them.
    public func publish() async throws(Fault) {
        try await domains.operations.publish(domains.table.specs, by: identity.id)
    }

    /// Everything that runs, in the order in which it starts; it stops in reverse.
    ///
    /// - Parameter listening: Told the port once connections are accepted.
    /// - Fails with `validation` if the TLS files are not usable.
    public func services(listening: @escaping @Sendable (Int) async -> Void) throws(Fault) -> [any Service] {
        let metrics = HubMetrics()
        let timekeeper = SystemTimekeeper()
        let limiter = RateLimiter(calls: settings.callRate, refusals: settings.refusalRate, timekeeper: timekeeper)
        let runners = HubRunners(
            domains: domains,
            database: database,
            identity: identity,
            url: settings.url,
            metrics: metrics,
            limiter: limiter,
            reader: ClientReader(
                services: domains.services,
                check: RegistrationCheck(served: domains.table.specs.map(\.namespace)),
                outbound: settings.outbound,
                logger: logger
            ),
            callRate: CallRate(perSecond: settings.callRate.perSecond, burst: settings.callRate.burst),
            logger: logger
        )
        let desk = desk(metrics, limiter, runners.registry)
        let hall = LinkHall(
            registry: runners.registry,
            memory: runners.memory,
            ingest: runners.ingest,
            heartbeats: runners.heartbeats,
            acknowledgements: runners.acknowledgements,
            partings: runners.partings,
            registrations: registrations,
            desk: desk,
            metrics: metrics,
            drain: drain,
            timekeeper: timekeeper,
            logger: logger
        )
        let doors = DoorKeeper(authenticator: domains.authenticator, limiter: limiter)
        let departures = Departures()
        let guarding = LoopbackGuard(host: settings.host, advertised: settings.advertise)
        let responder = responder(desk, doors, guarding, departures, timekeeper)
        let application = try application(responder, hall, doors, guarding, departures) { port in
            await runners.listening(on: port)
            await listening(port)
        }
        return runners.services
            + [application, DrainRunner(drain: drain, registry: runners.registry, logger: logger)]
    }

    private func responder(
        _ desk: CallDesk,
        _ doors: DoorKeeper,
        _ guarding: LoopbackGuard,
        _ departures: Departures,
        _ timekeeper: SystemTimekeeper
    ) -> HubResponder {
        let events = EventStream(drain: drain, keepalive: settings.eventKeepalive)
        let mcpSessions = MCPSessions(timekeeper: timekeeper)
        return HubResponder(
            guarding: guarding,
            doors: doors,
            calls: CallRoutes(desk: desk, departures: departures),
            subscriptions: SubscribeRoutes(desk: desk, events: events),
            mcp: MCPRoutes(desk: desk, sessions: mcpSessions, events: events),
            document: DocumentRoutes(
                specs: { [domains] (caller) async throws(Fault) in
                    domains.catalogue.specs
                        + (try await domains.services.specs(for: caller, besides: domains.providers.specs))
                },
                url: settings.advertise
            ),
            health: HealthRoutes(
                metrics: MetricsPage(
                    metrics: desk.metrics,
                    recorder: desk.recorder.counts,
                    pool: database.gauges,
                    mcpSessions: mcpSessions,
                    detections: domains.coordination.detections.counts
                ),
                drain: drain,
                ready: { [database] () async throws(Fault) in try await database.ping() }
            ),
            join: JoinRoutes(spokes: domains.coordination.spokes, limiter: desk.limiter, drain: drain),
            dashboard: DashboardRoutes(),
            metrics: desk.metrics,
            logger: logger
        )
    }

    private func desk(_ metrics: HubMetrics, _ limiter: RateLimiter, _ registry: LinkRegistry) -> CallDesk {
        let shaper = AnswerShaper(metrics: metrics, logger: logger)
        let desk = CallDesk(
            operations: domains.table,
            recorder: domains.calls.recorder,
            router: CallRouter(
                board: domains.providers,
                registry: registry,
                whereabouts: Whereabouts(registrations: domains.registrations),
                reach: { [table = domains.table] (input, caller) async throws(Fault) in
                    try await table.checkReach(input, for: caller)
                },
                shaper: shaper,
                recorder: domains.calls.recorder
            ),
            clients: ClientRouter(
                services: domains.services,
                outbound: settings.outbound,
                shaper: shaper,
                recorder: domains.calls.recorder
            ),
            metrics: metrics,
            limiter: limiter,
            drain: drain,
            provider: CallProvider(type: .hub, id: identity.id.rawValue),
            logger: logger
        )
        domains.composed.lead { (operation, input, caller, wait) async throws(Fault) in
            try await desk.call(operation, input, by: caller, deadline: wait)
        }
        return desk
    }

    private var registrations: RegistrationDesk {
        RegistrationDesk(
            check: RegistrationCheck(served: domains.table.specs.map(\.namespace)),
            store: domains.registrations,
            spokes: domains.coordination.spokes,
            board: domains.providers,
            logger: logger
        )
    }

    private func application(
        _ responder: HubResponder,
        _ hall: LinkHall,
        _ doors: DoorKeeper,
        _ guarding: LoopbackGuard,
        _ departures: Departures,
        listening: @escaping @Sendable (Int) async -> Void
    ) throws(Fault) -> some Service {
        let (isSecure, headMax) = (settings.tls != nil, settings.requestHeadMax)
        let plain = HTTPServerBuilder { responder in
            WebSocketUpgrade(
                responder: responder,
                isSecure: isSecure,
                requestHeadMax: headMax,
                departures: departures
            ) { head, channel in
                let address = channel.peerAddress
                return await hall.decide(head, doors: doors, guarding: guarding, from: address)
            }
        }
        return Application(
            responder: responder,
            server: try settings.tls.map { (files) throws(Fault) in try secured(plain, files) } ?? plain,
            configuration: .init(
                address: .hostname(settings.host, port: settings.port),
                backlog: Limits.listenBacklog
            ),
            onServerRunning: { channel in await listening(channel.localAddress?.port ?? settings.port) },
            logger: logger
        )
    }

    private func secured(_ plain: HTTPServerBuilder, _ files: TLSFiles) throws(Fault) -> HTTPServerBuilder {
        let configuration = try files.configuration()
        do {
            return try .tls(plain, tlsConfiguration: configuration)
        } catch {
            throw Fault(.validation, "TLS cannot be set up with \(files.certificate) and \(files.key).")
        }
    }
}
