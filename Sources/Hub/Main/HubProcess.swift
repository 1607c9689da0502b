import Foundation
import HubDomains
import HubSchema
import HubServer
import Logging
import Postgres
import Protocol
import ServiceLifecycle

/// A hub from its first moment to its last.
struct HubProcess {
    private let configuration: HubConfiguration
    private let logger = Logger(label: "hub")

    init(_ configuration: HubConfiguration) { self.configuration = configuration }

    /// Runs until the process is told to stop. Returns when all is down in order.
    func run() async throws {
        let directory = try DataDirectory(configuration.dataDirectory)
        let memory = HubMemory(configuration, directory: directory, logger: logger)
        let stop = StopSwitch()
        let signals = SignalWatch(drain: { stop.pull() }, leave: { memory.abandon() })
        do {
            // A task of its own, so that a signal can end the start at any point of it.
            let starting = Task { try await start(memory, directory) }
            stop.whenPulled { starting.cancel() }
            try await serve(try await starting.value, memory, directory, until: stop)
        } catch {
            await memory.close()
            guard stop.isPulled else { throw error }
        }
        await memory.close()
        logger.notice("The hub has stopped.")
        withExtendedLifetime((directory, signals)) {}
    }

    /// Everything that must be there before the first caller.
    private func start(_ memory: HubMemory, _ directory: DataDirectory) async throws -> Database {
        let database = try await memory.open()
        try await memory.migrate(database)
        try await FirstStart(directory: directory, logger: logger).prepare(AccountStore(database: database))
        return database
    }

    private func serve(
        _ database: Database,
        _ memory: HubMemory,
        _ directory: DataDirectory,
        until stop: StopSwitch
    ) async throws {
        var settings = ServerSettings(
            host: configuration.listenHost,
            port: configuration.listenPort,
            tls: configuration.tls,
            advertise: configuration.advertise
        )
        settings.callRate = configuration.callRate
        settings.outbound = configuration.outbound
        let identity = HubIdentity(id: .random(), version: Release.version)
        let seal = try SecretKeys(directory: directory, logger: logger).seal()
        let assembly = HubAssembly(settings, database: database, identity: identity, seal: seal, logger: logger)
        try await assembly.publish()
        let services = try assembly.services { [settings, configuration, logger] port in
            let url = settings.url(port: port)
            UserFiles.point(at: url, keyFile: directory.adminKeyFile, logger: logger)
            ReadyLine(url: url, directory: directory, memory: configuration.memory).print()
            logger.notice("The hub listens.", metadata: ["url": "\(url)"])
        }
        var group = ServiceGroupConfiguration(services: memory.services + services, logger: Logger(label: "services"))
        group.maximumGracefulShutdownDuration = Limits.drain
        let serviceGroup = ServiceGroup(configuration: group)
        stop.whenPulled { Task { await serviceGroup.triggerGracefulShutdown() } }
        do {
            try await serviceGroup.run()
        } catch {
            // Whoever did not end in time was ended: that is what the time is for. A hub that nobody told to stop, as
            // one whose port is taken, has failed.
            guard stop.isPulled else { throw settings.told(error) }
        }
    }
}

/// The one line on stdout that tells programs where the hub is.
private struct ReadyLine: Encodable {
    let ready = true
    let url: String
    let adminKeyFile: String
    let joinTokenFile: String
    let database: String
    let version = Release.version

    init(url: String, directory: DataDirectory, memory: HubConfiguration.Memory) {
        self.url = url
        adminKeyFile = directory.adminKeyFile
        joinTokenFile = directory.joinTokenFile
        database = memory == .ownCluster ? "private" : "external"
    }

    func print() {
        FileHandle.standardOutput.write(Data(WireCoder.bytes(of: self) + [UInt8(ascii: "\n")]))
    }
}
