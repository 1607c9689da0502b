import Dispatch
import Foundation
import Protocol
import TestSupport

/// A TCP connection that sends exactly these bytes, for what no proper client would send. Closed when let go of.
final class RawSocket: Sendable {
    private let descriptor: Int32

    /// Connects and sends. Blocks.
    ///
    /// - Parameter room: What the kernel may keep for this reader, in bytes; as much as it likes if absent.
    private init(_ bytes: [UInt8], port: Int, room: Int32? = nil) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        if var room {
            setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &room, socklen_t(MemoryLayout<Int32>.size))
        }
        var wait = timeval(tv_sec: Int(patience.components.seconds), tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &wait, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(UInt16(port).bigEndian)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let isConnected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard isConnected == 0 else { throw Fault(.unavailable, "Nothing listens on \(port).") }
        try say(bytes)
    }

    private func say(_ bytes: [UInt8]) throws {
        guard send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count else {
            throw Fault(.unavailable, "The peer takes nothing.")
        }
    }

    deinit { close(descriptor) }

    /// Reads until the text is seen or the peer closes; without an `end` everything until it closes. Blocks, and throws
    /// when nothing came for as long as a test waits for anything.
    private func read(until end: String?) throws -> [UInt8] {
        var received: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 4_096)
        while true {
            let count = recv(descriptor, &piece, piece.count, 0)
            if count > 0 { received += piece[0..<count] }
            if count < 0, errno == EAGAIN { throw Fault(.timeout, "The peer neither answers nor closes.") }
            if count <= 0 { return received }
            if let end, String(decoding: received, as: UTF8.self).contains(end) { return received }
        }
    }

    /// Sends, and reads until the text is seen or the peer closes.
    static func exchange(_ text: String, port: Int, until end: String) async throws -> String {
        String(decoding: try await exchange(Array(text.utf8), port: port, until: end), as: UTF8.self)
    }

    /// The same in bytes; without an `end` everything until the peer closes.
    static func exchange(_ bytes: [UInt8], port: Int, until end: String? = nil) async throws -> [UInt8] {
        try await apart { try RawSocket(bytes, port: port).read(until: end) }
    }

    /// Sends, and when the text is seen sends more; everything that comes then until the peer closes.
    static func exchange(_ text: String, until seen: String, then more: String, port: Int) async throws -> String {
        try await apart {
            let socket = try RawSocket(Array(text.utf8), port: port)
            _ = try socket.read(until: seen)
            try socket.say(Array(more.utf8))
            return String(decoding: try socket.read(until: nil), as: UTF8.self)
        }
    }

    /// A connection whose reader takes the beginning of the answer and then reads nothing more.
    static func stalled(_ request: String, port: Int, after beginning: String) async throws -> RawSocket {
        try await apart {
            let socket = try RawSocket(Array(request.utf8), port: port, room: 4_096)
            guard String(decoding: try socket.read(until: beginning), as: UTF8.self).contains(beginning) else {
                throw Fault(.execution, "The answer did not begin with “\(beginning)”.")
            }
            return socket
        }
    }

    /// A connection on which one request was answered and the next one has begun and does not end.
    static func unfinished(port: Int) async throws -> RawSocket {
        let host = "Host: 127.0.0.1\r\n"
        let requests =
            "GET /livez HTTP/1.1\r\n\(host)\r\n"
            + "POST /v1/join HTTP/1.1\r\n\(host)Content-Length: 2\r\n\r\n{"
        return try await apart {
            let socket = try RawSocket(Array(requests.utf8), port: port)
            _ = try socket.read(until: "true")
            return socket
        }
    }

    /// On a thread of its own: these calls block.
    private static func apart<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread { continuation.resume(with: Result(catching: work)) }
        }
    }
}
