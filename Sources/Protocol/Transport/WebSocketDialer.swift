import Foundation
public import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import NIOWebSocket
public import Protocol

/// The client's side of the upgrade.
public struct WebSocketDialer: Sendable {
    /// Whom a `wss` connection believes.
    public enum Trust: Sendable {
        /// The system's certificate authorities.
        case system
        /// Those in this PEM file.
        case file(String)
    }

    private let group: any EventLoopGroup
    private let trust: Trust

    public init(group: any EventLoopGroup, trust: Trust = .system) {
        self.group = group
        self.trust = trust
    }

    /// Connects and upgrades `ws://` or `wss://` (`http` and `https` mean the same; `/v1/link` if the URL names
    /// no path), with the credential as a bearer token.
    ///
    /// A refused upgrade is the hub's own fault from the answer's body if it holds one; a hub that cannot be
    /// reached in time is `UNAVAILABLE`. The listener may hear news before this returns.
    public func dial(
        _ url: String,
        bearer: String,
        listener: @escaping LinkConnection.Listener
    ) async throws(Fault) -> LinkConnection {
        let target = try DialTarget(url)
        let security = try target.isSecure ? security() : nil
        let outcome: Upgrade
        do {
            outcome = try await upgrade(target, security, bearer: bearer, listener: listener)
        } catch {
            throw Fault(.unavailable, "The hub at \(target.authority) does not answer as a hub; is it running there?")
        }
        switch outcome {
        case .link(let connection): return connection
        case .refused(let fault): throw fault
        }
    }

    private enum Upgrade: Sendable {
        case link(LinkConnection)
        case refused(Fault)
    }

    private func security() throws(Fault) -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        if case .file(let path) = trust { configuration.trustRoots = .file(path) }
        do {
            return try NIOSSLContext(configuration: configuration)
        } catch {
            throw Fault(.validation, "The file with the hub's certificate authority cannot be read as PEM.")
        }
    }

    private func upgrade(
        _ target: DialTarget,
        _ security: NIOSSLContext?,
        bearer: String,
        listener: @escaping LinkConnection.Listener
    ) async throws -> Upgrade {
        let upgraded: EventLoopFuture<Upgrade> = try await ClientBootstrap(group: group)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .connectTimeout(.nanoseconds(Limits.handshake.nanoseconds))
            .connect(host: target.host, port: target.port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let security {
                        // An IP address is no name to ask for: certificates for it are checked without.
                        let name = try NIOSSLClientHandler(context: security, serverHostname: target.serverName)
                        try channel.pipeline.syncOperations.addHandler(name)
                    }
                    return try Self.configure(channel, for: target, bearer: bearer, listener: listener)
                }
            }
        return try await upgraded.get()
    }

    private static func configure(
        _ channel: any Channel,
        for target: DialTarget,
        bearer: String,
        listener: @escaping LinkConnection.Listener
    ) throws -> EventLoopFuture<Upgrade> {
        let refusal = channel.eventLoop.makePromise(of: Fault.self)
        let reader = RefusalReader(promise: refusal)
        let upgrader = NIOTypedWebSocketClientUpgrader<Upgrade>(
            maxFrameSize: Limits.frameBytes,
            enableAutomaticErrorHandling: false
        ) { channel, _ in
            channel.eventLoop.makeCompletedFuture {
                .link(try WebSocketChannel.install(on: channel, role: .client, listener: listener))
            }
        }
        let configuration = NIOTypedHTTPClientUpgradeConfiguration<Upgrade>(
            upgradeRequestHead: head(for: target, bearer: bearer),
            upgraders: [upgrader],
            notUpgradingCompletionHandler: { channel in
                refusal.futureResult.map { fault in
                    channel.close(promise: nil)
                    return .refused(fault)
                }
            }
        )
        let encoder = HTTPRequestEncoder()
        // What arrives right behind the 101 belongs to the WebSocket: forward it, do not drop it.
        let decoder = ByteToMessageHandler(HTTPResponseDecoder(leftOverBytesStrategy: .forwardBytes))
        let upgrade = NIOTypedHTTPClientUpgradeHandler<Upgrade>(
            httpHandlers: [encoder, decoder, reader],
            upgradeConfiguration: configuration
        )
        try channel.pipeline.syncOperations.addHandlers([encoder, decoder, reader, upgrade])
        let late = channel.eventLoop.scheduleTask(in: .nanoseconds(Limits.handshake.nanoseconds)) {
            channel.close(promise: nil)
        }
        upgrade.upgradeResultFuture.whenComplete { _ in
            late.cancel()
            refusal.fail(ChannelError.eof)
        }
        return upgrade.upgradeResultFuture
    }

    private static func head(for target: DialTarget, bearer: String) -> HTTPRequestHead {
        let headers: HTTPHeaders = [
            "Host": target.authority,
            "Authorization": "Bearer \(bearer)",
            "Sec-WebSocket-Protocol": WebSocketChannel.subprotocol,
            "Content-Length": "0",
        ]
        return HTTPRequestHead(version: .http1_1, method: .GET, uri: target.path, headers: headers)
    }
}

/// Where a URL leads.
private struct DialTarget: Sendable {
    let isSecure: Bool
    let host: String
    let port: Int
    let path: String

    init(_ url: String) throws(Fault) {
        guard let parts = URLComponents(string: url), let host = parts.host, !host.isEmpty,
            let scheme = parts.scheme?.lowercased(), ["ws", "http", "wss", "https"].contains(scheme)
        else { throw Fault.invalid("hub", "must be a URL such as ws://hub.example:8080, not “\(url)”.") }
        isSecure = scheme == "wss" || scheme == "https"
        self.host = host.trimmingCharacters(in: CharacterSet(charactersIn: "[]"))
        port = parts.port ?? (isSecure ? 443 : 80)
        path = ["", "/"].contains(parts.percentEncodedPath) ? "/v1/link" : parts.percentEncodedPath
    }

    /// As in a `Host` header.
    var authority: String { (host.contains(":") ? "[\(host)]" : host) + ":\(port)" }

    /// What TLS may ask for by name.
    var serverName: String? {
        let isAddress = host.contains(":") || host.allSatisfy { $0.isNumber || $0 == "." }
        return isAddress ? nil : host
    }
}

/// Reads an answer that is no upgrade, so that its error reaches the caller. NIO's upgrade handler keeps the
/// head to itself, so this one sits before it.
private final class RefusalReader: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias InboundOut = HTTPClientResponsePart

    private let promise: EventLoopPromise<Fault>
    private var status: HTTPResponseStatus?
    private var retryAfter: Int64?
    private var body: [UInt8] = []

    init(promise: EventLoopPromise<Fault>) { self.promise = promise }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch Self.unwrapInboundIn(data) {
        case .head(let head) where head.status != .switchingProtocols:
            status = head.status
            retryAfter = head.headers.first(name: "retry-after").flatMap { Int64($0) }
        case .body(let bytes) where status != nil && body.count + bytes.readableBytes <= Limits.refusalBytes:
            body.append(contentsOf: bytes.readableBytesView)
        case .end where status != nil: conclude()
        case .head, .body, .end: break
        }
        context.fireChannelRead(data)
    }

    func channelInactive(context: ChannelHandlerContext) {
        if status != nil { conclude() }
        context.fireChannelInactive()
    }

    private func conclude() {
        guard let status else { return }
        promise.succeed(fault(status))
    }

    /// The hub's own words if the body holds them, else what the status says.
    private func fault(_ status: HTTPResponseStatus) -> Fault {
        // No such body is an answer too: of a proxy, or of something that is no hub.
        if let said = (try? JSONValue(parsing: body))?["error"], let code = said["code"]?.stringValue,
            let message = said["message"]?.stringValue
        {
            return Fault(Fault.Code(rawValue: code), message, details: said["details"])
        }
        let message = "The hub answered \(status.code) instead of opening a link."
        switch status.code {
        case 401: return Fault(.unauthenticated, message)
        case 403: return Fault(.accessDenied, message)
        case 404: return Fault(.notFound, message)
        default:
            let details = retryAfter.map { JSONValue.object(["retryAfterMilliseconds": .integer($0 * 1_000)]) }
            return Fault(.unavailable, message, details: details)
        }
    }
}
