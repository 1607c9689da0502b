import Foundation
import HubCore
import HubDomains
import Logging
import Postgres
public import Protocol
import ServiceLifecycle
import Synchronization

/// Which hub of the database this process is.
public struct HubIdentity: Sendable {
    public let id: HubID
    public let version: String

    public init(id: HubID, version: String) {
        self.id = id
        self.version = version
    }
}

/// Everything of a hub that runs by itself, and what the links hand over to it.
struct HubRunners: Sendable {
    let registry = LinkRegistry()
    let memory: LinkMemory
    let ingest: JournalIngest
    let heartbeats = HeartbeatBook()
    let acknowledgements: AcknowledgementBook
    let partings: PartingBook
    private let domains: Domains
    private let database: Database
    private let presence: PresenceRunner
    private let placementBell = WakeBell()
    /// Rings when a session may have ended.
    private let sessionEndBell = WakeBell()
    private let transcriptBell: WakeBell
    private let acknowledgementBell: WakeBell
    private let partingBell: WakeBell
    private let credentials: LinkCredentials
    private let rates: RateSettings
    private let reader: ClientReader
    private let readerBell = WakeBell()
    private let logger: Logger

    init(
        domains: Domains,
        database: Database,
        identity: HubIdentity,
        url: @escaping @Sendable (Int) -> String,
        metrics: HubMetrics,
        limiter: RateLimiter,
        reader: ClientReader,
        callRate: CallRate,
        logger: Logger
    ) {
        self.domains = domains
        self.reader = reader
        credentials = LinkCredentials(registry: registry, keys: domains.keys, logger: logger)
        rates = RateSettings(settings: domains.settings, limiter: limiter, usual: callRate, logger: logger)
        self.database = database
        self.logger = logger
        domains.providers.belongs(to: identity.id)
        memory = LinkMemory(
            spokes: domains.coordination.spokes,
            commands: domains.coordination.commands,
            sessions: SessionAuthority(database: database),
            terms: LinkTerms(hubId: identity.id)
        )
        let (acknowledgementBell, partingBell, placementBell) = (WakeBell(), WakeBell(), placementBell)
        let transcriptBell = WakeBell()
        self.transcriptBell = transcriptBell
        self.acknowledgementBell = acknowledgementBell
        self.partingBell = partingBell
        acknowledgements = AcknowledgementBook { acknowledgementBell.ring() }
        partings = PartingBook { partingBell.ring() }
        presence = PresenceRunner(
            hubs: domains.coordination.hubs,
            spokes: domains.coordination.spokes,
            publish: { () async throws(Fault) in
                try await domains.operations.publish(domains.table.specs, by: identity.id)
            },
            identity: identity,
            url: url,
            logger: logger
        )
        let journal = domains.coordination.journals
        ingest = JournalIngest(
            metrics: metrics,
            logger: logger,
            apply: { (batches) async throws(Fault) in try await journal.apply(batches) },
            applied: {
                placementBell.ring()
                transcriptBell.ring()
            }
        )
    }

    /// Connections are accepted on this port: the other hubs may know.
    func listening(on port: Int) async { await presence.listening(on: port) }

    /// All of them, in the order in which they start.
    var services: [any Service] {
        [
            IngestService(ingest: ingest),
            CallRecorderService(recorder: domains.calls.recorder),
            RepeatingRunner(
                name: "long calls",
                interval: Limits.callUnwritten,
                logger: logger,
                work: { [domains] () async throws(Fault) in domains.calls.recorder.tellOfLongOnes() }
            ),
            RepeatingRunner(
                name: "calls",
                interval: Limits.flushInterval,
                logger: logger,
                work: { [domains] () async throws(Fault) in try await domains.calls.recorder.tidy() }
            ),
            RepeatingRunner(
                name: "presence",
                interval: Limits.flushInterval,
                farewell: { [presence] () async throws(Fault) in try await presence.retire() },
                logger: logger,
                work: { [presence] () async throws(Fault) in try await presence.turn() }
            ),
            RepeatingRunner(
                name: "heartbeats",
                interval: Limits.flushInterval,
                flushesAtEnd: true,
                logger: logger,
                work: { () async throws(Fault) in try await flushHeartbeats() }
            ),
            RepeatingRunner(
                name: "key uses",
                interval: Limits.flushInterval,
                flushesAtEnd: true,
                logger: logger,
                work: { [domains] () async throws(Fault) in try await domains.authenticator.flushUses() }
            ),
            RepeatingRunner(
                name: "acknowledgements",
                interval: Limits.flushInterval,
                bell: acknowledgementBell,
                flushesAtEnd: true,
                logger: logger,
                work: { () async throws(Fault) in try await flushAcknowledgements() }
            ),
            RepeatingRunner(
                name: "partings",
                interval: Limits.databaseRetry,
                bell: partingBell,
                logger: logger,
                work: { () async throws(Fault) in try await flushPartings() }
            ),
            RepeatingRunner(
                name: "link credentials",
                interval: Limits.credentialRound,
                logger: logger,
                work: { [credentials] () async throws(Fault) in await credentials.check(nil) }
            ),
            RepeatingRunner(
                name: "janitor",
                interval: .seconds(600),
                logger: logger,
                work: { [domains] () async throws(Fault) in try await Janitor(domains: domains).sweep() }
            ),
            NewsRunner(
                database: database,
                domains: domains,
                registry: registry,
                placement: placementBell,
                sessionEnds: sessionEndBell,
                credentials: credentials,
                rates: rates,
                services: readerBell,
                logger: logger
            ),
            RepeatingRunner(
                name: "web services",
                interval: Limits.clientRound,
                bell: readerBell,
                logger: logger,
                work: { [reader] () async throws(Fault) in try await reader.turn() }
            ),
        ] + sessionServices
    }

    /// What moves sessions on, and what watches them.
    private var sessionServices: [any Service] {
        [
            RepeatingRunner(
                name: "detections",
                interval: Limits.detectionRound,
                logger: logger,
                work: { [domains] () async throws(Fault) in try await domains.coordination.detections.lookAtAll() }
            ),
            RepeatingRunner(
                name: "placement",
                interval: Limits.flushInterval,
                bell: placementBell,
                logger: logger,
                work: { [domains] () async throws(Fault) in _ = try await domains.coordination.placeWaiting() }
            ),
            RepeatingRunner(
                name: "calls of sessions",
                interval: Limits.flushInterval,
                bell: sessionEndBell,
                logger: logger,
                work: { [domains] () async throws(Fault) in try await domains.calls.endOfSessions() }
            ),
            RepeatingRunner(
                name: "keys of calls",
                interval: Limits.keyRound,
                logger: logger,
                work: { [domains] () async throws(Fault) in
                    try await domains.calls.endOfKeys(nil)
                    try await domains.calls.endOfMemberships()
                }
            ),
            RepeatingRunner(
                name: "transcripts",
                interval: Limits.flushInterval,
                bell: transcriptBell,
                logger: logger,
                work: { [domains, transcriptBell] () async throws(Fault) in
                    // A pass reads a page of each: whoever has more is read again.
                    if try await domains.coordination.readTranscripts() > 0 { transcriptBell.ring() }
                }
            ),
            RepeatingRunner(
                name: "losses",
                interval: Limits.flushInterval,
                logger: logger,
                work: { [domains, placementBell] () async throws(Fault) in
                    if try await domains.coordination.replaceOverdue() > 0 { placementBell.ring() }
                }
            ),
        ]
    }

    private func flushHeartbeats() async throws(Fault) {
        let taken = heartbeats.takeAll()
        do throws(Fault) {
            try await domains.coordination.spokes.heard(taken)
        } catch {
            heartbeats.putBack(taken)
            throw error
        }
    }

    private func flushAcknowledgements() async throws(Fault) {
        var taken = acknowledgements.takeAll()
        do throws(Fault) {
            for (spoke, position) in taken {
                try await domains.coordination.commands.acknowledge(spoke, position)
                taken[spoke] = nil
            }
        } catch {
            acknowledgements.putBack(taken)
            throw error
        }
    }

    private func flushPartings() async throws(Fault) {
        let spokes = partings.spokes
        guard !spokes.isEmpty else { return }
        for spoke in spokes {
            try await partings.write(spoke) { (entry) async throws(Fault) in
                try await presence.parted(spoke, entry)
            }
        }
        placementBell.ring()
    }
}

/// Writes the call graph; on the way down what was handed over is still written.
private struct CallRecorderService: Service {
    let recorder: CallRecorder

    func run() async throws {
        await withGracefulShutdownHandler {
            await recorder.run()
        } onGracefulShutdown: {
            recorder.finish()
        }
    }
}

/// Runs the journals' group commit; on the way down what was handed over is still committed.
private struct IngestService: Service {
    let ingest: JournalIngest

    func run() async throws {
        await withGracefulShutdownHandler {
            await ingest.run()
        } onGracefulShutdown: {
            ingest.finish()
        }
    }
}
