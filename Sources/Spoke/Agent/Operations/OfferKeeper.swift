import Foundation
import Logging
import Protocol
import SpokeCore
import UnixSignals

/// Keeps what is offered what the owner wants: reads `spoke.yaml` and the policy again when they change or at SIGHUP,
/// runs the tool servers, and has the hub told.
actor OfferKeeper {
    private let offers: SpokeOffers
    private let file: String?
    private let policyFile: String
    private let logger: Logger
    /// Has the hub hear a new hello.
    private let changed: @Sendable () async -> Void

    private var own: OwnOperations
    private var tools: [String: [SpokeOperations.Entry]] = [:]
    private var providers: [String: (wanted: Provider, task: Task<Void, Never>)] = [:]
    private var seen: (file: FileStamp?, policy: FileStamp?)
    private var offeredHash = ""

    /// Somebody else whose offers are passed on.
    private enum Provider: Hashable, Sendable {
        case server(ToolServer)
        case service(WebServiceSettings)
    }

    /// How often the files are looked at: a person who saves one sees it at work before trying it.
    private static let interval = Duration.seconds(1)

    init(
        _ offers: SpokeOffers,
        configuration: SpokeConfiguration,
        policyFile: String,
        logger: Logger,
        changed: @escaping @Sendable () async -> Void
    ) {
        self.offers = offers
        self.policyFile = policyFile
        self.logger = logger
        self.changed = changed
        file = configuration.file
        own = configuration.own
        seen = (configuration.file.flatMap { FileStamp(of: $0) }, FileStamp(of: policyFile))
    }

    /// Works until cancelled.
    func run() async {
        offeredHash = await offers.desk.summary(whole: false).hash
        startProviders()
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.watch() }
            group.addTask {
                for await _ in await UnixSignalsSequence(trapping: .sighup) { await self.read() }
            }
        }
        for (_, task) in providers.values { task.cancel() }
        for (_, task) in providers.values { await task.value }
    }

    private func watch() async {
        // Cancelled means shutdown.
        while (try? await Task.sleep(for: Self.interval)) != nil {
            let now = (file: file.flatMap { FileStamp(of: $0) }, policy: FileStamp(of: policyFile))
            guard now.file != seen.file || now.policy != seen.policy else { continue }
            seen = now
            await read()
        }
    }

    /// Reads the owner's wishes again. What cannot be understood changes nothing and is said in the log.
    private func read() async {
        if let file {
            do throws(Fault) {
                let wanted = try SpokeConfiguration.read(file).own
                if wanted != own {
                    _ = try offers.table(of: wanted, tools: [])
                    own = wanted
                    startProviders()
                }
            } catch {
                logger.error("spoke.yaml not taken over", metadata: ["error": "\(error)", "file": "\(file)"])
            }
        }
        await offer()
    }

    /// Servers and services that are wanted and not there begin, those that are not wanted any more end.
    private func startProviders() {
        var wanted = own.servers.mapValues { Provider.server($0) }
        wanted.merge(own.services.mapValues { Provider.service($0) }) { first, _ in first }
        for (name, running) in providers where wanted[name] != running.wanted {
            running.task.cancel()
            providers[name] = nil
            tools[name] = nil
        }
        for (name, provider) in wanted where providers[name] == nil {
            providers[name] = (provider, start(provider, name))
        }
    }

    private func start(_ provider: Provider, _ name: String) -> Task<Void, Never> {
        let found: @Sendable ([SpokeOperations.Entry]) async -> Void = { entries in
            await self.take(entries, of: name, provider)
        }
        switch provider {
        case .server(let server):
            let client = ToolClient(
                name: name,
                server: server,
                programs: offers.programs,
                surroundings: offers.surroundings,
                logger: logger,
                found: found
            )
            return Task { await client.run() }
        case .service(let settings):
            let client = WebServiceClient(name: name, settings: settings, logger: logger)
            return Task { await client.run(found: found) }
        }
    }

    private func take(_ entries: [SpokeOperations.Entry], of name: String, _ provider: Provider) async {
        guard providers[name]?.wanted == provider else { return }
        tools[name] = entries
        await offer()
    }

    /// Puts on the desk what is wanted now, and tells the hub if that is something else than before.
    private func offer() async {
        do throws(Fault) {
            let entries = tools.sorted { $0.key < $1.key }.flatMap(\.value)
            offers.desk.replace(try offers.table(of: own, tools: entries))
        } catch {
            logger.error("operations not taken over", metadata: ["error": "\(error)"])
            return
        }
        let hash = await offers.desk.summary(whole: false).hash
        guard hash != offeredHash else { return }
        offeredHash = hash
        logger.info("operations changed", metadata: ["count": "\(offers.desk.operations.entries.count)"])
        await changed()
    }
}
