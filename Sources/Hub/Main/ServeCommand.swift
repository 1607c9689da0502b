import ArgumentParser
import Foundation
import HubServer
import Logging

/// The flags that say where a hub's memory is.
struct DatabaseFlags: ParsableArguments {
    @Option(help: "A libpq connection string without a password; several hosts follow a failover.")
    var database: String?

    @Option(help: "A file (0600) that holds the connection string.")
    var databaseFile: String?

    @Option(help: "Where the hub keeps its keys, and its own Postgres unless --database is given.")
    var dataDir: String?

    @Option(help: "A YAML file; flags beat it.")
    var config: String?
}

/// `hub serve`
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Runs a hub until it is told to stop (SIGTERM drains, a second one ends at once)."
    )

    @OptionGroup var memory: DatabaseFlags

    @Option(help: "HOST:PORT; port 0 picks a free one. Default 127.0.0.1:7420.")
    var listen: String?

    @Option(help: "A PEM file with the certificate chain; makes the hub speak TLS.")
    var tlsCertificate: String?

    @Option(help: "The PEM file with the certificate's key (0600).")
    var tlsKey: String?

    @Option(help: "The URL by which others reach this hub, if it is not the address it listens on.")
    var advertise: String?

    @Option(help: "HOST:PORT inside that calls of clients' web services may reach; may be given several times.")
    var outbound: [String] = []

    func run() async throws {
        let configuration: HubConfiguration
        do {
            configuration = try HubConfiguration(resolving: layer, file: memory.config)
        } catch {
            throw Exit.because(error, code: Exit.configuration)
        }
        LogOutput.bootstrap(configuration.log)
        DescriptorLimit.raise(logger: Logger(label: "hub"))
        do {
            try await HubProcess(configuration).run()
        } catch let problem as ConfigurationProblem {
            throw Exit.because(problem, code: Exit.configuration)
        } catch {
            throw Exit.because(error, code: Exit.unavailable)
        }
    }

    private var layer: ConfigurationLayer {
        var layer = memory.layer
        layer.listen = listen
        layer.tlsCertificate = tlsCertificate
        layer.tlsKey = tlsKey
        layer.advertise = advertise
        if !outbound.isEmpty { layer.outbound = outbound }
        return layer
    }
}

/// `hub migrate`
struct MigrateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "migrate",
        abstract: "Brings the database to this version of the hub. `hub serve` does the same when it starts."
    )

    @OptionGroup var memory: DatabaseFlags

    @Flag(help: "Change nothing; tell what is applied and what is missing.")
    var status = false

    func run() async throws {
        let configuration: HubConfiguration
        do {
            configuration = try HubConfiguration(resolving: memory.layer, file: memory.config)
        } catch {
            throw Exit.because(error, code: Exit.configuration)
        }
        LogOutput.bootstrap(configuration.log)
        do {
            try await HubMigration(configuration).run(changing: !status)
        } catch let problem as ConfigurationProblem {
            throw Exit.because(problem, code: Exit.configuration)
        } catch {
            throw Exit.because(error, code: Exit.unavailable)
        }
    }
}

extension DatabaseFlags {
    /// What the flags say, as a layer of the configuration.
    var layer: ConfigurationLayer {
        var layer = ConfigurationLayer()
        layer.database = database
        layer.databaseFile = databaseFile
        layer.dataDirectory = dataDir
        return layer
    }
}

/// How the program ends when it cannot go on.
enum Exit {
    /// sysexits.h EX_CONFIG.
    static let configuration: Int32 = 78
    /// sysexits.h EX_UNAVAILABLE.
    static let unavailable: Int32 = 69

    /// Says why on stderr and answers the error that ends the program with `code`.
    static func because(_ error: any Error, code: Int32) -> ExitCode {
        FileHandle.standardError.write(Data("hub: \(error)\n".utf8))
        return ExitCode(code)
    }
}
