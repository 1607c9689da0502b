import Foundation
public import Protocol

#if canImport(Glibc)
    import Glibc
#endif

/// Where the spoke's socket is, also when its path is longer than a socket's address may be (107 bytes).
public enum LocalSocket {
    static let pathBytesMax = 107

    /// The path to bind or to connect to. A long one is reached through a directory of a short name.
    ///
    /// - Parameter path: the path below the data directory, as processes and people know it.
    public static func address(for path: String) -> String {
        guard path.utf8.count > pathBytesMax else { return path }
        return "\(shortDirectory(for: path))/spoke.sock"
    }

    /// Makes the way free for binding: removes what an earlier run left, and links a long path to its short one.
    static func prepare(_ path: String) throws(Fault) -> String {
        let address = address(for: path)
        unlink(path)
        if address != path {
            let directory = shortDirectory(for: path)
            mkdir(directory, 0o700)
            var status = stat()
            guard lstat(directory, &status) == 0, status.st_uid == getuid(), status.st_mode & 0o077 == 0 else {
                throw Fault(.execution, "\(directory) belongs to somebody else; remove it or use a shorter --data-dir.")
            }
            unlink(address)
            symlink(address, path)
        }
        return address
    }

    private static func shortDirectory(for path: String) -> String {
        "/tmp/nave-\(ChainHash.origin.appending(path.utf8).hex.prefix(16))"
    }

    /// Asks the running spoke and waits for its answer. Blocks; for commands, not for the agent.
    ///
    /// - Throws: `UNAVAILABLE` when no spoke runs there, or the fault that the spoke answered with.
    public static func ask(_ request: LocalRequest, at path: String) throws(Fault) -> JSONValue {
        let connection = try connect(to: address(for: path))
        defer { close(connection) }
        try send(WireCoder.bytes(of: request) + [UInt8(ascii: "\n")], to: connection)
        var waiting: [UInt8] = []
        let response: LocalResponse = try WireCoder.value(from: try line(&waiting, from: connection))
        if let error = response.error { throw error }
        return response.result ?? .null
    }

    /// Asks for a subscription and hands over each value, until its end. Blocks; for commands.
    ///
    /// - Throws: as ``ask(_:at:)``, also after some values.
    public static func follow(
        _ request: LocalRequest,
        at path: String,
        take: (JSONValue) -> Void
    ) throws(Fault) {
        let connection = try connect(to: address(for: path))
        defer { close(connection) }
        try send(WireCoder.bytes(of: request) + [UInt8(ascii: "\n")], to: connection)
        var waiting: [UInt8] = []
        while true {
            let response: LocalResponse = try WireCoder.value(from: try line(&waiting, from: connection))
            if let error = response.error { throw error }
            if response.completed == true { return }
            take(response.result ?? .null)
        }
    }

    /// The next line; what came behind it waits for the next call.
    private static func line(_ waiting: inout [UInt8], from connection: Int32) throws(Fault) -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            if let end = waiting.firstIndex(of: UInt8(ascii: "\n")) {
                defer { waiting.removeFirst(end + 1) }
                return Array(waiting[..<end])
            }
            let count = recv(connection, &buffer, buffer.count, 0)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw Fault(.unavailable, "The spoke hung up before it answered.") }
            waiting.append(contentsOf: buffer[..<count])
        }
    }

    private static func connect(to path: String) throws(Fault) -> Int32 {
        let connection = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard connection >= 0 else { throw Fault(.unavailable, "No socket could be opened.") }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8.prefix(pathBytesMax))) }
        let size = socklen_t(MemoryLayout<sockaddr_un>.size)
        let connected = withUnsafePointer(to: address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { Glibc.connect(connection, $0, size) }
        }
        guard connected == 0 else {
            close(connection)
            throw Fault(.unavailable, "No spoke runs here (nothing answers at \(path)); start one with `spoke run`.")
        }
        return connection
    }

    private static func send(_ bytes: [UInt8], to connection: Int32) throws(Fault) {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                Glibc.send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 || errno == EINTR else { throw Fault(.unavailable, "The spoke hung up.") }
            sent += max(count, 0)
        }
    }
}
