import Foundation
import HubCore
import HubServer
import Logging
import Protocol

/// What stands in the way of a configuration, in a sentence that says where.
struct ConfigurationProblem: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// One source of settings: the flags or the file. What it does not say is `nil`.
struct ConfigurationLayer {
    var listen: String?
    var database: String?
    var databaseFile: String?
    var dataDirectory: String?
    var tlsCertificate: String?
    var tlsKey: String?
    var advertise: String?
    var logLevel: String?
    var logFormat: String?
    var callsPerSecond: Double?
    var callsBurst: Int?
    var databaseConnections: Int?
    /// `HOST:PORT` each.
    var outbound: [String]?
}

/// Everything that `hub serve` must know, checked at once before anything begins.
struct HubConfiguration: Sendable {
    /// Where the hub's memory is.
    enum Memory: Hashable, Sendable {
        /// A Postgres of its own in the data directory.
        case ownCluster
        /// Someone's Postgres. May hold a password: never log it.
        case database(String)
    }

    var listenHost: String
    var listenPort: Int
    var memory: Memory
    var dataDirectory: String
    var tls: TLSFiles?
    var advertise: String?
    var log: LogOutput.Settings
    var callRate: TokenBucket.Rate
    var databaseConnections: Int
    /// Where calls of clients' web services may go besides the open Internet.
    var outbound: OutboundRules

    /// Flags beat the file, the file beats defaults.
    init(resolving flags: ConfigurationLayer, file path: String?) throws {
        let path = path ?? ProcessInfo.processInfo.environment["NAVE_HUB_CONFIG"]
        let file = try path.map(ConfigurationFile.read) ?? ConfigurationLayer()
        func pick<Value>(_ setting: KeyPath<ConfigurationLayer, Value?>) -> Value? {
            flags[keyPath: setting] ?? file[keyPath: setting]
        }
        (listenHost, listenPort) = try Self.address(pick(\.listen) ?? "127.0.0.1:7420")
        memory = try Self.memory(flags, file)
        dataDirectory = Self.absolute(pick(\.dataDirectory) ?? Self.usualDataDirectory)
        tls = try Self.tls(certificate: pick(\.tlsCertificate), key: pick(\.tlsKey))
        advertise = try pick(\.advertise).map(Self.url)
        log = try LogOutput.Settings(level: pick(\.logLevel), format: pick(\.logFormat))
        let (perSecond, burst) = (pick(\.callsPerSecond), pick(\.callsBurst))
        guard perSecond ?? 1 > 0, burst ?? 1 > 0 else {
            throw ConfigurationProblem("limits: callsPerSecond and callsBurst must be above 0.")
        }
        callRate = .init(perSecond: perSecond ?? Limits.callsPerSecond, burst: burst ?? Limits.callsBurst)
        databaseConnections = pick(\.databaseConnections) ?? 12
        guard (2...200).contains(databaseConnections) else {
            throw ConfigurationProblem("databaseConnections must be between 2 and 200.")
        }
        do throws(Fault) { outbound = try OutboundRules(allowing: pick(\.outbound) ?? []) } catch {
            throw ConfigurationProblem(error.message)
        }
    }

    private static func address(_ text: String) throws -> (String, Int) {
        guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
            (0...65_535).contains(port)
        else { throw ConfigurationProblem("--listen must be HOST:PORT, such as 127.0.0.1:7420; it is “\(text)”.") }
        let host = text[..<colon].trimmingCharacters(in: ["[", "]"])
        guard !host.isEmpty else { throw ConfigurationProblem("--listen needs a host: 0.0.0.0 stands for all.") }
        return (host, port)
    }

    private static func memory(_ flags: ConfigurationLayer, _ file: ConfigurationLayer) throws -> Memory {
        let source = flags.database != nil || flags.databaseFile != nil ? flags : file
        switch (source.database, source.databaseFile) {
        case (nil, nil): return .ownCluster
        case (.some, .some): throw ConfigurationProblem("Give --database or --database-file, not both.")
        case (let database?, nil):
            guard !database.isEmpty else { throw ConfigurationProblem("--database is empty.") }
            guard !holdsPassword(database) else {
                throw ConfigurationProblem(
                    "A connection string with a password belongs in a file (chmod 600): use --database-file."
                )
            }
            return .database(database)
        case (nil, let path?):
            let text = try SecretFile.read(path).trimmingCharacters(in: .whitespacesAndNewlines)
            guard !text.isEmpty else {
                throw ConfigurationProblem("\(path) is empty; it must hold a connection string.")
            }
            return .database(text)
        }
    }

    /// `scheme://user:password@…` or `password=…`.
    static func holdsPassword(_ connectionString: String) -> Bool {
        if connectionString.range(of: #"(^|[\s?&])(ssl)?password\s*="#, options: .regularExpression) != nil {
            return true
        }
        return connectionString.range(of: #"^[a-z]+://[^/@]*:[^/@]+@"#, options: .regularExpression) != nil
    }

    private static func tls(certificate: String?, key: String?) throws -> TLSFiles? {
        switch (certificate, key) {
        case (nil, nil): return nil
        case (let certificate?, let key?):
            _ = try SecretFile.read(key)
            guard FileManager.default.isReadableFile(atPath: certificate) else {
                throw ConfigurationProblem("--tls-certificate: \(certificate) cannot be read.")
            }
            return TLSFiles(certificate: certificate, key: key)
        default: throw ConfigurationProblem("--tls-certificate and --tls-key belong together; one is missing.")
        }
    }

    private static func url(_ text: String) throws -> String {
        guard let url = URL(string: text), let scheme = url.scheme, ["http", "https"].contains(scheme),
            url.host() != nil
        else {
            throw ConfigurationProblem("--advertise must be a URL such as https://hub.example.org, not “\(text)”.")
        }
        return text.hasSuffix("/") ? String(text.dropLast()) : text
    }

    private static var usualDataDirectory: String {
        if geteuid() == 0 { return "/var/lib/nave/hub" }
        return UserFiles.home + "/.local/share/nave/hub"
    }

    private static func absolute(_ path: String) -> String {
        let full = path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
        return URL(filePath: full).standardizedFileURL.path(percentEncoded: false)
    }
}
