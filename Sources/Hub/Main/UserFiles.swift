import Foundation
import Logging

/// A file that only its owner may read.
enum SecretFile {
    /// The file's text.
    static func read(_ path: String) throws -> String {
        // What cannot be asked about cannot be read either.
        guard let facts = try? FileManager.default.attributesOfItem(atPath: path),
            let mode = facts[.posixPermissions] as? Int
        else { throw ConfigurationProblem("\(path) cannot be found.") }
        guard mode & 0o077 == 0 else {
            throw ConfigurationProblem("\(path) can be read by others; chmod 600 it.")
        }
        guard let bytes = FileManager.default.contents(atPath: path),
            let text = String(validating: bytes, as: UTF8.self)
        else { throw ConfigurationProblem("\(path) cannot be read.") }
        return text
    }

    /// Puts the text there with mode 0600, as a whole or not at all.
    static func write(_ text: String, to path: String) throws {
        let draft = path + ".new"
        unlink(draft)
        let descriptor = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw ConfigurationProblem("\(draft) cannot be written: \(lastError()).") }
        let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        do {
            try handle.write(contentsOf: Data(text.utf8))
            try handle.synchronize()
            try handle.close()
        } catch {
            throw ConfigurationProblem("\(draft) cannot be written: \(error.localizedDescription)")
        }
        guard rename(draft, path) == 0 else { throw ConfigurationProblem("\(path) cannot be written: \(lastError()).") }
    }

    private static func lastError() -> String { String(cString: strerror(errno)) }
}

/// What the hub leaves in its user's home, so that `hub …` works without flags on the same machine.
enum UserFiles {
    static var home: String {
        ProcessInfo.processInfo.environment["HOME"] ?? FileManager.default.homeDirectoryForCurrentUser.path()
    }

    static var clientFile: String { home + "/.config/nave/client.json" }

    private struct Client: Codable {
        var url: String
        var keyFile: String
    }

    /// Points the client's commands at this hub, unless they already point at another.
    static func point(at url: String, keyFile: String, logger: Logger) {
        let path = clientFile
        if let bytes = FileManager.default.contents(atPath: path) {
            // What cannot be read was not written by a hub, and is left alone like one that points elsewhere.
            let known = try? JSONDecoder().decode(Client.self, from: bytes)
            guard known?.keyFile == keyFile else {
                logger.notice(
                    "The client's file points at another hub and is left as it is.",
                    metadata: ["file": "\(path)", "url": "\(known?.url ?? "unreadable")"]
                )
                return
            }
            if known?.url == url { return }
        }
        do {
            try FileManager.default.createDirectory(
                atPath: (path as NSString).deletingLastPathComponent,
                withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700]
            )
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            let bytes = try encoder.encode(Client(url: url, keyFile: keyFile))
            try SecretFile.write(String(decoding: bytes, as: UTF8.self) + "\n", to: path)
        } catch {
            logger.warning(
                "The client's file could not be written; give the client --url and --key-file.",
                metadata: ["file": "\(path)", "error": "\(error)"]
            )
        }
    }
}
