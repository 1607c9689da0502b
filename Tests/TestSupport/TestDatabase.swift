import Foundation
public import Logging
public import Postgres
public import Protocol
import Synchronization

/// A database for one test, on a throw-away server that all tests of the process share.
///
/// With `NAVE_TEST_DATABASE` in the environment the databases are made on that server instead.
public struct TestDatabase: Sendable {
    /// The database, migrated and otherwise empty.
    public let database: Database
    /// How to reach it with a client of one's own.
    public let configuration: DatabaseConfiguration
    private let name: String

    /// A fresh database with these migrations applied. The first test with them pays for a template, the others take
    /// about a tenth of a second.
    public static func make(
        migrations: [Migration] = [],
        schema: String = "nave",
        connections: Int = 4
    ) async throws(Fault) -> TestDatabase {
        let server = try await TestServer.shared.value { () throws(Fault) in try await TestServer.start() }
        let template = try await server.template(migrations, schema)
        let name = server.makeName("test")
        try await server.create(name, from: template)
        var configuration = server.configuration(of: name)
        configuration.connections = connections
        return TestDatabase(
            database: Database(configuration, logger: .quiet),
            configuration: configuration,
            name: name
        )
    }

    /// Closes the connections and removes the database; without it the database goes with its server.
    public func close() async {
        await database.close()
        // Only tidiness: the server is thrown away anyway.
        try? await TestServer.shared.value { () throws(Fault) in try await TestServer.start() }.drop(name)
    }
}

extension Logger {
    /// Shows what is worth an operator's attention in a failing test; `NAVE_TEST_LOG=debug` shows more.
    public static var quiet: Logger {
        var logger = Logger(label: "test") { StreamLogHandler.standardError(label: $0) }
        let level = ProcessInfo.processInfo.environment["NAVE_TEST_LOG"] ?? ""
        logger.logLevel = Logger.Level(rawValue: level) ?? .critical
        return logger
    }
}

/// The server behind all ``TestDatabase``s of a process.
struct TestServer: Sendable {
    static let shared = Once<TestServer>()

    private final class Templates: Sendable {
        private let known = Mutex<[String: Once<String>]>([:])
        func once(_ key: String) -> Once<String> {
            known.withLock { known in
                let once = known[key] ?? Once<String>()
                known[key] = once
                return once
            }
        }
    }

    private static let namesMade = Atomic(0)

    private let base: DatabaseConfiguration
    private let administration: Database
    private let templates = Templates()

    static func start() async throws(Fault) -> TestServer {
        var base: DatabaseConfiguration
        if let url = ProcessInfo.processInfo.environment["NAVE_TEST_DATABASE"] {
            base = DatabaseConfiguration(url)
        } else {
            base = try await ThrowAwayCluster.start()
        }
        base.connections = 2
        base.statementTimeout = .seconds(120)
        base.waitLongest = .seconds(120)
        return TestServer(base: base, administration: Database(base, logger: .quiet))
    }

    private init(base: DatabaseConfiguration, administration: Database) {
        self.base = base
        self.administration = administration
    }

    func makeName(_ purpose: String) -> String {
        let number = Self.namesMade.wrappingAdd(1, ordering: .relaxed).newValue
        return "\(purpose)_\(ProcessInfo.processInfo.processIdentifier)_\(number)"
    }

    /// Another database of the same server. libpq lets the last of two values win in either form of the string.
    func configuration(of name: String) -> DatabaseConfiguration {
        var configuration = DatabaseConfiguration(base.connectionString)
        if var url = URLComponents(string: base.connectionString), url.scheme?.hasPrefix("postgres") == true {
            url.path = "/" + name
            configuration.connectionString = url.string ?? base.connectionString
        } else {
            configuration.connectionString += " dbname=\(name)"
        }
        configuration.waitLongest = .seconds(60)
        return configuration
    }

    func template(_ migrations: [Migration], _ schema: String) async throws(Fault) -> String {
        let key = schema + "\n" + migrations.map { "\($0.number) \($0.name)\n\($0.sql)" }.joined(separator: "\n")
        return try await templates.once(key).value { () throws(Fault) in
            guard !migrations.isEmpty else { return "template0" }
            let name = makeName("template")
            try await create(name, from: "template0")
            let database = Database(configuration(of: name), logger: .quiet)
            do throws(Fault) {
                try await Migrator(database, schema: schema, migrations: migrations, logger: .quiet).apply()
            } catch {
                await database.close()
                throw error
            }
            // A template with a connection to it cannot be copied.
            await database.close()
            return name
        }
    }

    func create(_ name: String, from template: String) async throws(Fault) {
        // Names cannot be bound; these are made of letters and digits above.
        try await administration.execute(Statement<Void>("CREATE DATABASE \(name) TEMPLATE \(template)"))
    }

    func drop(_ name: String) async throws(Fault) {
        try await administration.execute(Statement<Void>("DROP DATABASE IF EXISTS \(name) WITH (FORCE)"))
    }
}
