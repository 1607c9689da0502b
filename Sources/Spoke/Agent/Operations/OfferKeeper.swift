import Foundation
import Logging
import Protocol
import SpokeCore
import UnixSignals

/// Keeps what is offered what the owner wants: reads `spoke.yaml` and the policy again when they change or at SIGHUP,
/// runs the tool servers, and has the hub told. Agents are what is offered to sessions: they are kept the same way.
actor OfferKeeper {
    private let offers: SpokeOffers
    private let file: String?
    private let policyFile: String
    private let logger: Logger
    /// Has the hub told what is offered now.
    private let changed: @Sendable () async -> Void
    /// Has what these operations' secrets are be hidden from here on.
    private let protect: @Sendable (OwnOperations) async throws(Fault) -> Void

    private var own: OwnOperations
    private var tools: [String: [SpokeOperations.Entry]] = [:]
    private var providers: [String: (wanted: Provider, task: Task<Void, Never>)] = [:]
    private var seen: [String: FileStamp]
    private var offeredHash = ""
    /// Whether the hub was told of what changed last.
    private var isTold = true

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
        protect: @escaping @Sendable (OwnOperations) async throws(Fault) -> Void,
        changed: @escaping @Sendable () async -> Void
    ) {
        self.offers = offers
        self.policyFile = policyFile
        self.logger = logger
        self.changed = changed
        self.protect = protect
        file = configuration.file
        own = configuration.own
        seen = Self.stamps([configuration.file, policyFile].compactMap(\.self) + configuration.own.secretFiles)
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
            let before = watched
            let now = Self.stamps(before)
            guard now != seen else { continue }
            await read()
            // What is wanted may name other secrets by now.
            let after = Set(watched)
            seen = now.filter { after.contains($0.key) }
            seen.merge(Self.stamps(after.subtracting(before))) { $1 }
        }
    }

    private var watched: [String] { [file, policyFile].compactMap(\.self) + own.secretFiles }

    private static func stamps(_ files: some Sequence<String>) -> [String: FileStamp] {
        files.reduce(into: [:]) { $0[$1] = FileStamp(of: $1) }
    }

    /// Reads the owner's wishes again. What cannot be understood changes nothing and is said in the log.
    private func read() async {
        if let file {
            do throws(Fault) {
                let configuration = try SpokeConfiguration.read(file)
                let wanted = configuration.own
                try wanted.checkPlaces()
                // Secrets that are new are hidden before anything can be told of them.
                try await protect(wanted)
                if wanted != own {
                    _ = try offers.table(of: wanted, tools: [])
                    own = wanted
                    startProviders()
                }
                if offers.agents.replace(configuration.agents) {
                    logger.info("agents changed", metadata: ["count": "\(configuration.agents.count)"])
                    isTold = false
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
            // What was read was checked: it has an address if it has no command.
            if let address = server.url.flatMap({ try? WebAddress($0, field: "url") }) {
                let client = RemoteToolClient(
                    name: name,
                    server: server,
                    address: address,
                    policy: offers.desk.policy,
                    logger: logger,
                    found: found
                )
                return Task { await client.run() }
            }
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
            let client = WebServiceClient(
                name: name,
                settings: settings,
                policy: offers.desk.policy,
                logger: logger
            )
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
        if hash != offeredHash {
            offeredHash = hash
            logger.info("operations changed", metadata: ["count": "\(offers.desk.operations.entries.count)"])
            isTold = false
        }
        guard !isTold else { return }
        isTold = true
        await changed()
    }
}
