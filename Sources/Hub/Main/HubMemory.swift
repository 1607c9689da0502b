import Foundation
import HubSchema
import Logging
import Postgres
import Protocol
import ServiceLifecycle

/// The hub's Postgres: its own cluster in the data directory, or someone's.
struct HubMemory: Sendable {
    private let configuration: HubConfiguration
    private let cluster: PrivateCluster?
    private let logger: Logger

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
        return Database(settings, logger: Logger(label: "hub.database"))
    }

    /// Brings the schema to this version; waits for a database that is still starting.
    func migrate(_ database: Database) async throws(Fault) {
        var attempts = 0
        while true {
            do throws(Fault) {
                let applied = try await Migrator.ofHub(database, logger).apply()
                if !applied.isEmpty { logger.notice("Migrated the database.", metadata: ["steps": "\(applied)"]) }
                return
            } catch {
                attempts += 1
                guard error.code == .unavailable, attempts < 30 else { throw error }
                // Cancelled: the next attempt fails by itself.
                try? await Task.sleep(for: .seconds(1))
            }
        }
    }

    /// What must run besides, so that the memory stays.
    var services: [any Service] { cluster.map { [ClusterWatch(cluster: $0)] } ?? [] }

    /// Lets go of the database and stops the cluster if it is ours.
    func close(_ database: Database) async {
        await database.close()
        await cluster?.stop()
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
        let database = try await memory.open()
        do {
            if changing { try await memory.migrate(database) }
            let status = try await Migrator.ofHub(database, logger).status()
            let line: JSONValue = [
                "applied": .array(status.applied.map { .integer(Int64($0)) }),
                "pending": .array(status.pending.map { .integer(Int64($0)) }),
            ]
            FileHandle.standardOutput.write(Data(WireCoder.bytes(of: line) + [UInt8(ascii: "\n")]))
        } catch {
            await memory.close(database)
            throw error
        }
        await memory.close(database)
        withExtendedLifetime(directory) {}
    }
}
