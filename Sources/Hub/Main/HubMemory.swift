import Foundation
import HubCore
import HubSchema
import Logging
import Postgres
import Protocol
import ServiceLifecycle
import Synchronization

/// The hub's Postgres: its own cluster in the data directory, or someone's.
struct HubMemory: Sendable {
    private let configuration: HubConfiguration
    private let cluster: PrivateCluster?
    private let logger: Logger
    private let pool = OpenPool()

    init(_ configuration: HubConfiguration, directory: DataDirectory, logger: Logger) {
        self.configuration = configuration
        self.logger = logger
        cluster =
            configuration.memory == .ownCluster
            ? PrivateCluster(directory: directory.clusterDirectory, logger: Logger(label: "hub.postgres")) : nil
    }

    /// Starts the cluster if it is ours, and opens the pool.
    func open() async throws(Fault) -> Database {
        var settings: DatabaseConfiguration
        switch configuration.memory {
        case .ownCluster:
            guard let cluster else { preconditionFailure("An own cluster is made where the memory is.") }
            settings = try await cluster.start()
        case .database(let connectionString): settings = DatabaseConfiguration(connectionString)
        }
        settings.connections = configuration.databaseConnections
        settings.applicationName = "nave-hub"
        let database = Database(settings, logger: Logger(label: "hub.database"))
        pool.hold(database)
        return database
    }

    /// Brings the schema to this version; waits a minute for a database that is still starting.
    ///
    /// - Throws: `UNAVAILABLE` when that is over; a ``ConfigurationProblem`` at once where waiting cannot help.
    func migrate(_ database: Database) async throws {
        let end = ContinuousClock.now + Limits.databaseStart
        while true {
            do throws(Fault) {
                let applied = try await Migrator.ofHub(database, logger).apply()
                if !applied.isEmpty { logger.notice("Migrated the database.", metadata: ["steps": "\(applied)"]) }
                return
            } catch {
                if error.details?["cause"] == "configuration" { throw ConfigurationProblem(error.message) }
                guard error.code == .unavailable, ContinuousClock.now < end, !Task.isCancelled else { throw error }
                logger.warning("The database is not ready; trying again.", metadata: ["reason": "\(error.message)"])
                // Cancelled: the next attempt fails by itself.
                try? await Task.sleep(for: .seconds(1))
            }
        }
    }

    /// What must run besides, so that the memory stays.
    var services: [any Service] { cluster.map { [ClusterWatch(cluster: $0)] } ?? [] }

    /// Lets go of the database and stops the cluster if it is ours, however far they came. Twice is as good as once.
    func close() async {
        await pool.release()?.close()
        await cluster?.stop()
    }

    /// The process ends this moment: tells a cluster of ours to end, and does not wait for it.
    func abandon() { cluster?.abandon() }
}

/// The pool that is open, if one is.
private final class OpenPool: Sendable {
    private let database = Mutex<Database?>(nil)

    func hold(_ opened: Database) { database.withLock { $0 = opened } }

    func release() -> Database? {
        database.withLock { database in
            defer { database = nil }
            return database
        }
    }
}

/// Keeps the hub's own Postgres running.
private struct ClusterWatch: Service {
    let cluster: PrivateCluster

    func run() async throws {
        await cancelWhenGracefulShutdown { await cluster.run() }
    }
}

extension Migrator {
    /// The hub's history over this database.
    static func ofHub(_ database: Database, _ logger: Logger) -> Migrator {
        Migrator(
            database,
            schema: Schema.name,
            migrations: Schema.steps.map { Migration(number: $0.number, name: $0.name, sql: $0.sql) },
            logger: logger
        )
    }
}

/// `hub migrate`: the same steps as at a hub's start, without a hub.
struct HubMigration {
    private let configuration: HubConfiguration

    init(_ configuration: HubConfiguration) { self.configuration = configuration }

    /// Applies what is missing if `changing`; tells on stdout, as JSON, what is applied and what is missing then.
    func run(changing: Bool) async throws {
        let logger = Logger(label: "hub")
        let directory = try DataDirectory(configuration.dataDirectory)
        let memory = HubMemory(configuration, directory: directory, logger: logger)
        do {
            let database = try await memory.open()
            if changing { try await memory.migrate(database) }
            let status = try await Migrator.ofHub(database, logger).status()
            let line: JSONValue = [
                "applied": .array(status.applied.map { .integer(Int64($0)) }),
                "pending": .array(status.pending.map { .integer(Int64($0)) }),
            ]
            FileHandle.standardOutput.write(Data(WireCoder.bytes(of: line) + [UInt8(ascii: "\n")]))
        } catch {
            await memory.close()
            throw error
        }
        await memory.close()
        withExtendedLifetime(directory) {}
    }
}
