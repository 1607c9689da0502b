import Foundation
import NIOCore
import NIOPosix
import Protocol
import Synchronization
import Transport

/// Somebody who follows a subscription.
protocol Subscription: Sendable {
    func leave()
}

/// Values that all subscribers of a slice have together.
final class Deliveries: Sendable {
    private let values = Atomic<Int>(0)
    private let trouble = Mutex<String?>(nil)

    func add(_ count: Int) { values.add(count, ordering: .relaxed) }

    func fail(_ text: String) { trouble.withLock { $0 = $0 ?? text } }

    /// Waits until there are so many.
    func reach(_ goal: Int) async throws {
        let end = ContinuousClock.now + .seconds(300)
        while values.load(ordering: .relaxed) < goal {
            if let text = trouble.withLock({ $0 }) { throw Fault(.execution, text) }
            guard ContinuousClock.now < end else {
                let count = values.load(ordering: .relaxed)
                throw Fault(.timeout, "\(count) of \(goal) values came in five minutes.")
            }
            try await Task.sleep(for: .milliseconds(2))
        }
    }
}

/// Counts server-sent events with a value, and looks at nothing else of them.
final class EventReader: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// Stands once in each event, and begins with a letter that is rare in the rest of it.
    private static let mark = Array("vent: data".utf8)
    private static let welcome = "HTTP/1.1 200"
    private let request: ByteBuffer?
    private let deliveries: Deliveries
    /// What came and is not looked through: at the end of a look at most a part of a mark.
    private var rest = ByteBuffer()
    private var isAccepted: Bool

    private init(_ request: ByteBuffer?, _ deliveries: Deliveries) {
        self.request = request
        self.deliveries = deliveries
        isAccepted = request == nil
    }

    private struct Open: Subscription {
        let channel: any Channel

        func leave() { channel.close(promise: nil) }
    }

    static func subscribe(
        _ hub: HubUnderLoad,
        _ input: String,
        _ deliveries: Deliveries
    ) async throws -> any Subscription {
        let url = URL(string: hub.url)
        let (host, port) = (url?.host ?? "127.0.0.1", url?.port ?? 0)
        let request =
            "POST /v1/subscribe/session.output HTTP/1.1\r\nhost: \(host):\(port)\r\n"
            + "authorization: Bearer \(hub.key)\r\ncontent-type: application/json\r\n"
            + "content-length: \(input.utf8.count)\r\n\r\n\(input)"
        return try await connect(host, port, asking: ByteBuffer(string: request), deliveries)
    }

    /// - Parameter request: Is sent first; what is answered then is HTTP. A plain relay needs none.
    static func connect(
        _ host: String,
        _ port: Int,
        asking request: ByteBuffer?,
        _ deliveries: Deliveries
    ) async throws -> any Subscription {
        let bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton).channelInitializer { channel in
            channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.addHandler(EventReader(request, deliveries))
            }
        }
        return Open(channel: try await bootstrap.connect(host: host, port: port).get())
    }

    func channelActive(context: ChannelHandlerContext) {
        if let request { context.writeAndFlush(Self.wrapOutboundOut(request), promise: nil) }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = Self.unwrapInboundIn(data)
        rest.writeBuffer(&bytes)
        if !isAccepted {
            isAccepted = true
            let view = rest.readableBytesView
            guard view.starts(with: Self.welcome.utf8) else {
                return deliveries.fail("A subscription was answered with \(String(decoding: view, as: UTF8.self))")
            }
        }
        deliveries.add(marks())
        rest.discardReadBytes()
    }

    /// How many marks are in what came; takes all that is of no more use.
    private func marks() -> Int {
        var found = 0
        let used = rest.withUnsafeReadableBytes { bytes in
            guard let first = bytes.baseAddress else { return 0 }
            var from = 0
            // C's search: a loop over bytes would be most of what this process does.
            while let place = memchr(first + from, Int32(Self.mark[0]), bytes.count - from) {
                from = first.distance(to: UnsafeRawPointer(place))
                guard bytes.count - from >= Self.mark.count else { return from }
                let isMark = memcmp(first + from, Self.mark, Self.mark.count) == 0
                from += isMark ? Self.mark.count : 1
                found += isMark ? 1 : 0
            }
            return bytes.count
        }
        rest.moveReaderIndex(forwardBy: used)
        return found
    }

    func channelInactive(context: ChannelHandlerContext) { deliveries.fail("A subscriber's connection ended.") }
}

/// A subscriber over a WebSocket of its own, that lets the hub be a few hundred values ahead of it.
final class SocketReader: Subscription {
    private static let ahead = 512
    private let deliveries: Deliveries
    private let taken = Mutex(0)
    private let held = Mutex<LinkConnection?>(nil)

    private init(_ deliveries: Deliveries) { self.deliveries = deliveries }

    static func subscribe(
        _ hub: HubUnderLoad,
        _ input: String,
        _ deliveries: Deliveries
    ) async throws -> any Subscription {
        let reader = SocketReader(deliveries)
        let dialer = WebSocketDialer(group: MultiThreadedEventLoopGroup.singleton)
        let connection = try await dialer.dial(hub.url, bearer: hub.key) { reader.hear($1, on: $0) }
        let call = CallRequested(
            requestId: "follow",
            operationId: "session.output",
            input: try JSONValue(parsing: Array(input.utf8)),
            timestamp: 0
        )
        connection.send(.callRequested(call))
        connection.send(.callCredit(CallCredit(requestId: "follow", values: ahead)))
        reader.held.withLock { $0 = connection }
        return reader
    }

    func leave() { held.withLock { $0 }?.close(.goingAway) }

    private func hear(_ news: LinkNews, on connection: LinkConnection) {
        switch news {
        case .message(.callResponded):
            deliveries.add(1)
            let isHalf = taken.withLock { taken in
                taken += 1
                guard taken == Self.ahead / 2 else { return false }
                taken = 0
                return true
            }
            guard isHalf else { return }
            connection.send(.callCredit(CallCredit(requestId: "follow", values: Self.ahead / 2)))
        case .message(.callFailed(let failure)): deliveries.fail("\(failure.error.fault)")
        case .message(.callCompleted), .message(.callAborted), .closed: deliveries.fail("A subscription ended.")
        case .message, .writable: break
        }
    }
}
