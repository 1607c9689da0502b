import Foundation
import Glibc
public import Protocol

/// A web service on loopback: one request on each connection.
public final class SmallServer: Sendable {
    /// What was asked.
    public struct Request: Sendable {
        public let method: String
        /// With the query.
        public let path: String
        /// By names in small letters.
        public let headers: [String: String]
        public let body: String
    }

    /// What is answered.
    public struct Response: Sendable {
        let bytes: [UInt8]
        /// The connection stays open behind the answer, until who asked is gone.
        var isHeld = false

        public init(_ status: String, _ type: String? = nil, _ body: String = "", headers: [String: String] = [:]) {
            var lines = ["HTTP/1.1 \(status)", "connection: close"] + headers.map { "\($0): \($1)" }
            if let type { lines.append("content-type: \(type)") }
            bytes = Array((lines.joined(separator: "\r\n") + "\r\n\r\n" + body).utf8)
        }

        /// The connection is held open and nothing is said, until who asked is gone.
        public static let silence = Response(bytes: [], isHeld: true)

        private init(bytes: [UInt8], isHeld: Bool) { (self.bytes, self.isHeld) = (bytes, isHeld) }

        /// The request becomes a WebSocket (RFC 6455, 4.2.2) on which nothing is said.
        ///
        /// - Parameter key: What the request's `Sec-WebSocket-Key` is answered with.
        public static func webSocket(accepting key: String, subprotocol: String) -> Response {
            let lines = [
                "HTTP/1.1 101 Switching Protocols", "connection: upgrade", "upgrade: websocket",
                "sec-websocket-accept: \(key)", "sec-websocket-protocol: \(subprotocol)",
            ]
            return Response(bytes: Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8), isHeld: true)
        }

        public static func json(_ value: JSONValue, _ status: String = "200 OK") -> Response {
            Response(status, "application/json", String(decoding: value.serialized(), as: UTF8.self))
        }
    }

    public let port: UInt16
    private let listener: Int32

    public init(answering answer: @escaping @Sendable (Request) -> Response) throws {
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let listener = listener
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, size) == 0 && listen(listener, 16) == 0 && getsockname(listener, $0, &size) == 0
            }
        }
        guard isBound else { throw Fault(.execution, "The web service cannot listen: \(errno).") }
        port = UInt16(bigEndian: address.sin_port)
        Thread.detachNewThread {
            while true {
                let connection = accept(listener, nil, nil)
                guard connection >= 0 else { return }
                Thread.detachNewThread {
                    Self.serve(connection, answer)
                    close(connection)
                }
            }
        }
    }

    /// Nothing is answered any more.
    public func stop() {
        shutdown(listener, Int32(SHUT_RDWR))
        close(listener)
    }

    private static func serve(_ connection: Int32, _ answer: (Request) -> Response) {
        var text = ""
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while !isWhole(text) {
            let count = recv(connection, &buffer, buffer.count, 0)
            guard count > 0 else { return }
            text += String(decoding: buffer.prefix(count), as: UTF8.self)
        }
        let parts = text.components(separatedBy: "\r\n\r\n")
        let lines = parts[0].components(separatedBy: "\r\n")
        let words = lines[0].split(separator: " ").map(String.init)
        let headers = lines.dropFirst().compactMap { line -> (String, String)? in
            let pair = line.split(separator: ":", maxSplits: 1)
            guard pair.count == 2 else { return nil }
            return (pair[0].lowercased(), pair[1].trimmingCharacters(in: .whitespaces))
        }
        let request = Request(
            method: words.first ?? "",
            path: words.dropFirst().first ?? "",
            headers: Dictionary(headers, uniquingKeysWith: { $1 }),
            body: parts.dropFirst().joined()
        )
        let response = answer(request)
        let bytes = response.bytes
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return }
            sent += count
        }
        if response.isHeld { while recv(connection, &buffer, buffer.count, 0) > 0 {} }
    }

    private static func isWhole(_ request: String) -> Bool {
        guard let end = request.range(of: "\r\n\r\n") else { return false }
        let length = request.firstMatch(of: #/(?i)content-length: (\d+)/#).flatMap { Int($0.1) } ?? 0
        return request[end.upperBound...].utf8.count >= length
    }
}
