public import AsyncHTTPClient
import Glibc
import NIOCore
import NIOPosix
public import Protocol

/// Requests that a hub makes for others: only to where ``OutboundRules`` allow.
public struct GuardedWeb: Sendable {
    private let rules: OutboundRules

    public init(_ rules: OutboundRules) { self.rules = rules }

    /// The same as a value.
    public var sending: WebExchange.Sending {
        { (request, limit) async throws(Fault) in try await execute(request, within: limit) }
    }

    /// Looks at the connection itself, since a name may be somewhere else a moment after it was looked up.
    private static let wary: HTTPClient = {
        var configuration = Web.configuration
        configuration.httpVersion = .http1Only
        configuration.http1_1ConnectionDebugInitializer = { channel in
            guard let peer = channel.remoteAddress, OutboundRules.isOpen(bytes(of: peer)) else {
                let refusal = OutboundRules.refusal(of: "The service")
                // The refusal is what its caller hears of it.
                channel.close(promise: nil)
                return channel.eventLoop.makeFailedFuture(refusal)
            }
            return channel.eventLoop.makeSucceededVoidFuture()
        }
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }()

    /// Sends a request and answers when the head of its response is there.
    ///
    /// - Throws: `ACCESS_DENIED` for a place inside that the operator does not name; `TIMEOUT`; `ABORTED` when the task
    ///   is cancelled; `UNAVAILABLE` for what cannot be reached.
    public func execute(_ request: HTTPClientRequest, within limit: Duration) async throws(Fault) -> HTTPClientResponse
    {
        let address = try WebAddress(request.url, field: "url")
        if rules.isNamed(address) { return try await Web.execute(request, within: limit) }
        for bytes in try await Self.addresses(of: address) {
            if let objection = rules.objection(to: address, at: bytes) { throw objection }
        }
        return try await Web.execute(request, within: limit, by: Self.wary)
    }

    /// All that a name stands for. Every one must be open: which of them is dialled is not ours to say.
    private static func addresses(of address: WebAddress) async throws(Fault) -> [[UInt8]] {
        let unknown = Fault(.unavailable, "The service cannot be reached: \(address.host) is not known.")
        let found: [[UInt8]]
        do {
            found = try await NIOThreadPool.singleton.runIfActive { lookedUp(address.host) }
        } catch {
            throw unknown
        }
        if found.isEmpty { throw unknown }
        return found
    }

    private static func lookedUp(_ host: String) -> [[UInt8]] {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, nil, &hints, &list) == 0, let list else { return [] }
        defer { freeaddrinfo(list) }
        return sequence(first: list, next: { $0.pointee.ai_next }).map { entry in
            bytes(in: UnsafeRawBufferPointer(start: entry.pointee.ai_addr, count: Int(entry.pointee.ai_addrlen)))
        }
    }

    private static func bytes(of peer: SocketAddress) -> [UInt8] {
        peer.withSockAddr { pointer, size in
            bytes(in: UnsafeRawBufferPointer(start: UnsafeRawPointer(pointer), count: size))
        }
    }

    /// The address that stands in a `sockaddr_in` or `sockaddr_in6`: its family, two bytes of port, and for IPv6 four
    /// of flow stand before it (RFC 3493, 3.3). Empty for anything else.
    private static func bytes(in socket: UnsafeRawBufferPointer) -> [UInt8] {
        guard socket.count >= 16 else { return [] }
        switch Int32(socket.loadUnaligned(as: sa_family_t.self)) {
        case AF_INET: return Array(socket[4..<8])
        case AF_INET6: return socket.count >= 24 ? Array(socket[8..<24]) : []
        default: return []
        }
    }
}
