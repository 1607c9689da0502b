import Foundation
import Logging
import Postgres
import Protocol

/// A Postgres that only one benchmark uses, durable as a hub's own, with an empty database for a hub.
struct BenchServer {
    /// Where the server and the hub keep their files; gone afterwards.
    let folder: String
    /// The server's first database: to administer it, and for what needs no hub.
    let database: Database
    let logger: Logger

    /// Where the server listens.
    var socket: String { folder + "/postgres/socket" }

    /// How to connect to one of its databases.
    func address(of name: String) -> String { "host='\(socket)' port=5432 user=nave dbname=\(name)" }

    /// Starts a hub of the same build on the database `hub`, where it makes its tables.
    func startHub() throws -> Program {
        try Program(
            "hub",
            ["serve", "--listen", "127.0.0.1:0", "--data-dir", folder + "/hub", "--database", address(of: "hub")],
            log: folder + "/hub.log",
            environment: ["HOME": folder]
        )
    }

    /// Starts a server in `folder` and stops it when the work is done.
    static func with<Value>(_ folder: String, _ work: (BenchServer) async throws -> Value) async throws -> Value {
        var logger = Logger(label: "bench")
        logger.logLevel = .warning
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }  // Only tidiness.
        let cluster = PrivateCluster(directory: folder + "/postgres", logger: logger)
        let database = Database(try await cluster.start(), logger: logger)
        let outcome: Result<Value, any Error>
        do {
            try await database.execute(Statement<Void>("CREATE DATABASE hub"))
            outcome = .success(try await work(BenchServer(folder: folder, database: database, logger: logger)))
        } catch {
            outcome = .failure(error)
        }
        await database.close()
        await cluster.stop()
        return try outcome.get()
    }
}
