import ArgumentParser
import Foundation
import Protocol

/// `hub login URL [--key-file FILE]`
struct LoginCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "login",
        abstract: "Remember a hub and a key for the commands on this machine.",
        discussion: "Without --key-file the key is read from standard input and kept in ~/.config/nave/client.key."
    )

    @Argument(help: "The hub's address.") var url: String
    @Option(help: "A file that holds the key (mode 0600); otherwise the key is read from standard input.")
    var keyFile: String?
    @Option(help: "A PEM file with the authorities that vouch for the hub; the system's if absent.") var caFile: String?
    @Flag(help: "Print who one is as JSON, for programs.") var json = false

    func run() async throws {
        do {
            let environment = ProcessInfo.processInfo.environment
            let authorities = caFile.map(Self.absolute)
            let (path, key) = try readKey(environment)
            let configuration = try ClientConfiguration(
                url: ClientConfiguration.checked(url),
                key: key,
                authorityFile: authorities ?? environment["NAVE_CA_FILE"]
            )
            try await HubClient(configuration).closing { hub in
                let me = try await hub.call(GetAccount.name)
                // Only a key that the hub takes is kept, and only then is what was known before given up.
                if keyFile == nil { try PrivateText.write(key + "\n", to: path) }
                try ClientConfiguration.File(url: configuration.url, keyFile: path, caFile: authorities)
                    .write(environment: environment)
                if json { return try Output.json(me) }
                Output.note("Logged in to \(configuration.url) as \(me.cell("account.email")).")
            }
        } catch let failure as CommandFailure {
            Output.fail(failure.fault, json: json)
            throw ExitCode(failure.exitCode)
        }
    }

    /// The key, and the file in which it is or will be.
    private func readKey(_ environment: [String: String]) throws -> (path: String, key: String) {
        if let keyFile {
            let path = Self.absolute(keyFile)
            return (path, try ClientConfiguration.readKey(path))
        }
        if isatty(0) == 1 { Output.note("The key, then Enter:") }
        let key = (readLine() ?? "").trimmingCharacters(in: .whitespacesAndNewlines)
        guard !key.isEmpty, key.utf8.count <= 200, key.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw CommandFailure.configuration(
                "No key came on standard input; pass --key-file FILE, or `hub login URL < FILE`."
            )
        }
        let folder = URL(filePath: ClientConfiguration.path(in: environment)).deletingLastPathComponent()
        return (folder.appending(path: "client.key").path(percentEncoded: false), key)
    }

    private static func absolute(_ path: String) -> String {
        URL(filePath: path).standardizedFileURL.path(percentEncoded: false)
    }
}

extension ClientConfiguration.File {
    /// Writes `client.json`, for the owner alone.
    func write(environment: [String: String]) throws {
        let text = String(decoding: WireCoder.bytes(of: self), as: UTF8.self)
        try PrivateText.write(text + "\n", to: ClientConfiguration.path(in: environment))
    }
}

/// Files that only their owner may read.
enum PrivateText {
    /// Puts the text there with mode 0600, as a whole or not at all, whatever was there before.
    static func write(_ text: String, to path: String) throws {
        let folder = URL(filePath: path).deletingLastPathComponent().path(percentEncoded: false)
        let draft = path + ".new"
        let refused = CommandFailure.configuration("\(path) cannot be written; check who owns \(folder).")
        do {
            try FileManager.default.createDirectory(
                atPath: folder,
                withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700]
            )
        } catch {
            throw refused
        }
        unlink(draft)
        let descriptor = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw refused }
        let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        do {
            try handle.write(contentsOf: Data(text.utf8))
            try handle.close()
        } catch {
            throw refused
        }
        guard rename(draft, path) == 0 else { throw refused }
    }
}
