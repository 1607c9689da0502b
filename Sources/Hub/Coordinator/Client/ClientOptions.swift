public import ArgumentParser
import Foundation
import Protocol

/// What every client command takes (contract.md).
public struct ClientOptions: ParsableArguments {
    @Option(help: "The hub's address; otherwise NAVE_URL, then ~/.config/nave/client.json.")
    public var url: String?

    @Option(help: "A file that holds the key (mode 0600); otherwise NAVE_KEY_FILE, then ~/.config/nave/client.json.")
    public var keyFile: String?

    @Option(help: "A PEM file with the authorities that vouch for the hub; otherwise NAVE_CA_FILE, then the system's.")
    public var caFile: String?

    @Flag(help: "Print the answer as JSON, for programs.")
    public var json = false

    public init() {}

    /// A client for the hub that was meant.
    ///
    /// - Throws: ``CommandFailure`` with exit code 78 when no hub is named or the key cannot be read.
    func client() throws -> HubClient {
        let configuration = try ClientConfiguration.resolve(url: url, keyFile: keyFile, authorityFile: caFile)
        return try HubClient(configuration)
    }
}

/// Where the hub is and with which key to ask it.
struct ClientConfiguration: Sendable {
    var url: String
    var key: String
    /// A PEM file with the authorities that vouch for the hub; the system's if absent.
    var authorityFile: String?

    /// The form of `~/.config/nave/client.json`.
    struct File: Codable {
        var url: String
        var keyFile: String
        var caFile: String?
    }

    /// Flags beat the environment, the environment beats the file.
    static func resolve(
        url: String?,
        keyFile: String?,
        authorityFile: String?,
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws -> ClientConfiguration {
        let file = try read(path(in: environment))
        guard let url = url ?? environment["NAVE_URL"] ?? file?.url else {
            throw CommandFailure.configuration(
                "No hub is named: pass --url, set NAVE_URL, or run `hub login URL --key-file FILE` once."
            )
        }
        let address = try checked(url)
        guard let keyFile = keyFile ?? environment["NAVE_KEY_FILE"] ?? file?.keyFile else {
            throw CommandFailure.configuration(
                "No key is named: pass --key-file, set NAVE_KEY_FILE, or run `hub login URL --key-file FILE` once."
            )
        }
        return ClientConfiguration(
            url: address,
            key: try readKey(keyFile),
            authorityFile: authorityFile ?? environment["NAVE_CA_FILE"] ?? file?.caFile
        )
    }

    /// The address without a slash at its end, if it can be one.
    static func checked(_ url: String) throws -> String {
        guard let parts = URL(string: url), ["http", "https"].contains(parts.scheme), parts.host?.isEmpty == false
        else {
            throw CommandFailure.configuration(
                "The hub's address must be such as http://127.0.0.1:7420; it is “\(url)”."
            )
        }
        return url.hasSuffix("/") ? String(url.dropLast()) : url
    }

    /// Where `hub serve` and `hub login` write it.
    static func path(in environment: [String: String]) -> String {
        "\(environment["HOME"] ?? "/")/.config/nave/client.json"
    }

    static func readKey(_ path: String) throws -> String {
        guard let attributes = try? FileManager.default.attributesOfItem(atPath: path),  // Absent: said below.
            let text = try? String(contentsOfFile: path, encoding: .utf8)  // Unreadable: said below.
        else { throw CommandFailure.configuration("The key file \(path) cannot be read.") }
        if let mode = attributes[.posixPermissions] as? Int, mode & 0o077 != 0 {
            throw CommandFailure.configuration("Others may read the key file \(path); run `chmod 600 \(path)`.")
        }
        return text.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    private static func read(_ path: String) throws -> File? {
        guard let data = FileManager.default.contents(atPath: path) else { return nil }
        do {
            return try JSONDecoder().decode(File.self, from: data)
        } catch {
            throw CommandFailure.configuration("\(path) cannot be understood; write it again with `hub login`.")
        }
    }
}
