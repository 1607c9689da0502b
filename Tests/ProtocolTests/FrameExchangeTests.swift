import NIOCore
import NIOEmbedded
import NIOWebSocket
import Protocol
import Testing
import Transport

/// The channel handler, frame by frame, without a socket. What it tells is collected on the same loop.
@Suite struct FrameExchangeTests {
    private final class Heard: Sendable {
        let news: NIOLoopBoundBox<[LinkNews]>
        init(_ loop: any EventLoop) { news = NIOLoopBoundBox([], eventLoop: loop) }
        var messages: [LinkMessage] {
            news.value.compactMap { if case .message(let message) = $0 { message } else { nil } }
        }
        var closed: [CloseReason] { news.value.compactMap { if case .closed(let reason) = $0 { reason } else { nil } } }
    }

    private let channel = EmbeddedChannel()
    private let peer = EmbeddedChannel(
        handler: ByteToMessageHandler(WebSocketFrameDecoder(maxFrameSize: Limits.frameBytes))
    )
    private let heard: Heard
    private let connection: LinkConnection

    init() throws {
        let heard = Heard(channel.eventLoop)
        self.heard = heard
        connection = try WebSocketChannel.install(on: channel, role: .server) { _, news in heard.news.value.append(news)
        }
        try channel.connect(to: SocketAddress(unixDomainSocketPath: "/x")).wait()
    }

    private func receive(_ opcode: WebSocketOpcode, _ bytes: [UInt8], fin: Bool = true, masked: Bool = true) throws {
        var data = ByteBuffer(bytes: bytes)
        let mask: WebSocketMaskingKey = [1, 2, 3, 4]
        if masked { data.webSocketMask(mask) }
        let frame = WebSocketFrame(fin: fin, opcode: opcode, maskKey: masked ? mask : nil, data: data)
        try channel.writeInbound(frame)
    }

    /// The next frame that went out, as the peer reads it.
    private func sent() throws -> WebSocketFrame? {
        channel.embeddedEventLoop.run()
        while let bytes = try channel.readOutbound(as: ByteBuffer.self) { try peer.writeInbound(bytes) }
        return try peer.readInbound(as: WebSocketFrame.self)
    }

    private func closeCode() throws -> UInt16? {
        guard var frame = try sent(), frame.opcode == .connectionClose else { return nil }
        return frame.data.readInteger()
    }

    private let message = LinkMessage.callCompleted(CallEnded(requestId: "r", timestamp: 1))

    @Test func fragmentsBecomeOneMessageAndPingsMayComeBetween() throws {
        let bytes = FrameCodec.encode(message).bytes
        try receive(.text, Array(bytes[..<5]), fin: false)
        try receive(.ping, [1, 2])
        try receive(.continuation, Array(bytes[5..<9]), fin: false)
        try receive(.continuation, Array(bytes[9...]))
        #expect(heard.messages == [message])
        let pong = try sent()
        #expect(pong?.opcode == .pong)
        #expect(pong.map { Array($0.data.readableBytesView) } == [1, 2])
    }

    @Test func messagesAreSentInOrderWithOneFlush() throws {
        connection.send(message)
        connection.send(.unknown(UnknownMessage(unknownType: "x")))
        #expect(try sent().map { Array($0.data.readableBytesView) } == FrameCodec.encode(message).bytes)
        #expect(try sent()?.opcode == .text)
    }

    @Test func whatIsNotUnderstoodIsAnsweredAndTheConnectionLivesOn() throws {
        try receive(.text, .init(#"{"type":"link.teleport","payload":{}}"#))
        let answer = LinkMessage.unknown(UnknownMessage(unknownType: "link.teleport"))
        #expect(try sent().map { Array($0.data.readableBytesView) } == FrameCodec.encode(answer).bytes)
        try receive(.text, FrameCodec.encode(message).bytes)
        #expect(heard.messages == [message])
    }

    @Test func anUnmaskedFrameOfAClientClosesWith1002() throws {
        try receive(.text, FrameCodec.encode(message).bytes, masked: false)
        #expect(try closeCode() == 1002)
        #expect(heard.closed.map(\.code) == [1002])
    }

    @Test func aContinuationOfNothingAndAMessageInsideAMessageCloseWith1002() throws {
        try receive(.continuation, [1])
        #expect(try closeCode() == 1002)
        let other = try FrameExchangeTests()
        try other.receive(.text, [1], fin: false)
        try other.receive(.text, [1])
        #expect(try other.closeCode() == 1002)
    }

    @Test func fragmentsBeyondTheLimitCloseWith1009() throws {
        let half = [UInt8](repeating: 32, count: Limits.frameBytes / 2 + 1)
        try receive(.text, half, fin: false)
        try receive(.continuation, half, fin: false)
        #expect(try closeCode() == 1009)
        #expect(heard.closed.map(\.code) == [1009])
    }

    @Test func aCloseIsEchoedAndToldOnce() throws {
        try receive(.connectionClose, [0x0F, 0xA4] + Array("gone".utf8))
        #expect(try closeCode() == 4004)
        #expect(heard.closed == [CloseReason(code: 4004, text: "gone")])
        #expect(!channel.isActive)
        #expect(heard.closed.count == 1)
    }

    @Test func ourCloseWaitsForThePeerAndThenEndsAnyway() throws {
        connection.close(.replaced)
        connection.send(message)
        #expect(try closeCode() == 4004)
        #expect(try sent() == nil)
        #expect(channel.isActive)
        channel.embeddedEventLoop.advanceTime(by: .seconds(3))
        #expect(!channel.isActive)
        #expect(heard.closed == [.replaced])
    }

    /// A buffer that is full after a few frames, above a socket that takes all it is offered.
    private final class SmallBuffer: ChannelOutboundHandler {
        typealias OutboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private let channel: EmbeddedChannel
        private var bytes = 0
        private(set) var mostAtOnce = 0

        init(_ channel: EmbeddedChannel) { self.channel = channel }

        func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
            let size = Self.unwrapOutboundIn(data).readableBytes
            mostAtOnce = max(mostAtOnce, size)
            bytes += size
            if bytes > 150_000 { channel.isWritable = false }
            context.write(data, promise: promise)
        }

        func flush(context: ChannelHandlerContext) {
            bytes = 0
            channel.isWritable = true
            context.flush()
        }
    }

    @Test func aBurstIsNoSlownessOfThePeerAndIsWrittenInPiecesOfItsSize() throws {
        let buffer = SmallBuffer(channel)
        try channel.pipeline.syncOperations.addHandler(buffer, position: .first)
        let text = JSONValue.string(String(repeating: "x", count: 10_000))
        let messages = (0..<60).map { place in
            LinkMessage.callResponded(CallResponded(requestId: "r-\(place)", output: text, timestamp: 1))
        }
        for message in messages { connection.send(message) }
        for message in messages {
            let data = try #require(try sent()).data
            #expect(Array(data.readableBytesView) == Array(FrameCodec.encode(message).bytes))
        }
        #expect(heard.news.value.isEmpty, "\(heard.news.value)")
        #expect(buffer.mostAtOnce > 60_000 && buffer.mostAtOnce < 80_000, "\(buffer.mostAtOnce)")
    }

    @Test(arguments: [120, 121, 125, 126, 65_535, 65_536, Limits.frameBytes])
    func whatAClientSendsIsReadAsItWas(count: Int) throws {
        let client = EmbeddedChannel()
        let own = try WebSocketChannel.install(on: client, role: .client) { _, _ in }
        try client.connect(to: SocketAddress(unixDomainSocketPath: "/x")).wait()
        let bare = FrameCodec.encode(.unknown(UnknownMessage(unknownType: ""))).bytes.count
        let name = String(repeating: "x", count: count - bare)
        for _ in 0..<2 { own.send(.unknown(UnknownMessage(unknownType: name))) }
        client.embeddedEventLoop.run()
        while let bytes = try client.readOutbound(as: ByteBuffer.self) { try peer.writeInbound(bytes) }
        let whole = FrameCodec.encode(.unknown(UnknownMessage(unknownType: name))).bytes
        var keys: Set<[UInt8]> = []
        while let frame = try peer.readInbound(as: WebSocketFrame.self) {
            keys.insert(Array(try #require(frame.maskKey)))
            #expect(frame.length == count)
            #expect(Array(frame.unmaskedData.readableBytesView) == whole)
        }
        #expect(keys.count == 2, "Each frame has a mask of its own.")
    }

    @Test func aPeerThatDoesNotReadIsHeldAndFinallyGivenUp() throws {
        channel.isWritable = false
        connection.send(message)
        #expect(try sent() == nil)
        guard case .writable(false)? = heard.news.value.first else { return #expect(Bool(false)) }
        channel.isWritable = true
        channel.pipeline.fireChannelWritabilityChanged()
        #expect(try sent()?.opcode == .text)
        channel.isWritable = false
        let payload = [UInt8](repeating: 0, count: Limits.recordPayloadBytes)
        let record = StreamRecord(epoch: 1, seq: 1, at: 0, type: "t", payload: payload, after: .origin)
        for _ in 0..<30 { connection.send(.append(StreamBatch(stream: .commands, records: [record]))) }
        #expect(heard.closed.map(\.code) == [4005])
    }
}
