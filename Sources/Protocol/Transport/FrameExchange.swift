import NIOCore
import NIOHTTP1
import NIOWebSocket
import Protocol

/// Turns the frames of one WebSocket into whole messages and back, inside its channel's pipeline.
///
/// In: fragments are put together, masking and sizes checked, pings answered, nonsense closed with a code.
/// Out: the frames of a read burst or loop turn are one write and one flush; what a slow peer does not take waits here,
/// up to a bound.
final class FrameExchange: ChannelInboundHandler {
    typealias InboundIn = WebSocketFrame

    private enum State {
        case open
        /// Our close frame is out; the peer's is awaited.
        case closing
        case closed
    }

    private let role: WebSocketChannel.Role
    private let connection: LinkConnection
    private var listener: LinkConnection.Listener?
    private var context: ChannelHandlerContext?
    /// Where bytes go out: below the encoder of the upgrade, which would take each frame for a write of its own.
    private var below: ChannelHandlerContext?
    private var state = State.open
    /// The reason that the owner is told at the end.
    private var reason: CloseReason?
    private var fragments: (isText: Bool, bytes: [UInt8])?
    /// The frames that the next flush takes along, one behind the other.
    private var outgoing = ByteBuffer()
    private var waiting = CircularBuffer<(opcode: WebSocketOpcode, payload: [UInt8])>()
    private var waitingBytes = 0
    private var isReading = false
    private var mustFlush = false
    private var willFlush = false
    private var randomness = RandomPool()
    private var deadline: Scheduled<Void>?

    init(role: WebSocketChannel.Role, connection: LinkConnection, listener: @escaping LinkConnection.Listener) {
        self.role = role
        self.connection = connection
        self.listener = listener
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        let pipeline = context.pipeline.syncOperations
        below = (try? pipeline.context(handlerType: WebSocketFrameEncoder.self)) ?? context
        connection.attach(self)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        finish(.lost)
        connection.detach()
        self.context = nil
        below = nil
    }

    func channelInactive(context: ChannelHandlerContext) {
        finish(.lost)
        context.fireChannelInactive()
    }

    /// Tells the owner of the end, once.
    private func finish(_ otherwise: CloseReason) {
        deadline?.cancel()
        state = .closed
        dropWaiting()
        outgoing = ByteBuffer()
        tellClosed(reason ?? otherwise)
    }

    private func dropWaiting() {
        waiting.removeAll()
        waitingBytes = 0
    }

    private func tellClosed(_ reason: CloseReason) {
        guard let listener else { return }
        self.listener = nil
        listener(connection, .closed(reason))
    }

    // MARK: In

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        isReading = true
        receive(Self.unwrapInboundIn(data))
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        isReading = false
        flushIfNeeded()
        context.fireChannelReadComplete()
    }

    private func receive(_ frame: WebSocketFrame) {
        guard state != .closed else { return }
        guard (frame.maskKey != nil) == (role == .server), !frame.rsv1, !frame.rsv2, !frame.rsv3 else {
            return fail(.malformed("A client masks its frames, a server does not, and neither uses extensions."))
        }
        switch frame.opcode {
        case .connectionClose: peerCloses(frame.unmaskedData)
        case .ping where state == .open && context?.channel.isWritable == true:
            write(.pong, Array(frame.unmaskedData.readableBytesView))
        case .ping, .pong: break
        case .text, .binary, .continuation:
            if state == .open { receiveData(frame) }
        default: fail(.malformed("An opcode that RFC 6455 does not know."))
        }
    }

    private func receiveData(_ frame: WebSocketFrame) {
        let data = frame.unmaskedData
        switch (frame.opcode, fragments) {
        case (.continuation, nil): return fail(.malformed("A continuation of nothing."))
        case (.continuation, (let isText, var bytes)?):
            guard bytes.count + data.readableBytes <= Limits.frameBytes else { return fail(Self.tooLarge) }
            // The only reference, so that appending does not copy.
            fragments = nil
            bytes.append(contentsOf: data.readableBytesView)
            fragments = (isText, bytes)
        case (_, .some): return fail(.malformed("A message began before the last one ended."))
        case (_, nil):
            guard data.readableBytes <= Limits.frameBytes else { return fail(Self.tooLarge) }
            let isText = frame.opcode == .text
            let bytes = Array(data.readableBytesView)
            if frame.fin { return deliver(isText ? .text(bytes) : .binary(bytes)) }
            fragments = (isText, bytes)
        }
        guard frame.fin, let whole = fragments else { return }
        fragments = nil
        deliver(whole.isText ? .text(whole.bytes) : .binary(whole.bytes))
    }

    private static let tooLarge = CloseReason.tooLarge("A message may have \(Limits.frameBytes) bytes.")

    private func deliver(_ frame: Frame) {
        do throws(CloseReason) {
            switch try FrameCodec.decode(frame) {
            case .message(let message): listener?(connection, .message(message))
            case .unrecognized(let type):
                let shown = type.cut(toBytes: Limits.shownNameBytes)
                send(FrameCodec.encode(.unknown(UnknownMessage(unknownType: shown))))
            }
        } catch {
            fail(error)
        }
    }

    /// The peer broke the protocol: the owner hears of it at once, the peer gets a close frame.
    private func fail(_ reason: CloseReason) {
        guard state == .open else { return }
        close(reason)
        tellClosed(reason)
    }

    private func peerCloses(_ data: ByteBuffer) {
        var data = data
        let code = data.readInteger(as: UInt16.self)
        let text = String(validating: data.readableBytesView, as: UTF8.self) ?? ""
        switch state {
        case .closed: return
        case .closing: break
        case .open:
            reason = CloseReason(code: code ?? 1005, text: text)
            write(.connectionClose, code.map(Self.bytes) ?? [])
            flushIfNeeded()
        }
        state = .closed
        tellClosed(reason ?? .lost)
        scheduleEnd(in: role == .server ? .zero : Limits.closeHandshake)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch error as? NIOWebSocketError {
        case .invalidFrameLength: fail(Self.tooLarge)
        case .some: fail(.malformed("A frame that RFC 6455 does not allow."))
        case nil: context.close(promise: nil)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? ChannelEvent, event == .inputClosed {
            context.close(promise: nil)
        }
        context.fireUserInboundEventTriggered(event)
    }

    // MARK: Out

    func send(_ frame: Frame) {
        guard state == .open else { return }
        switch frame {
        case .text(let bytes): write(.text, bytes)
        case .binary(let bytes): write(.binary, bytes)
        }
    }

    func close(_ reason: CloseReason) {
        guard state == .open else { return }
        self.reason = self.reason ?? reason
        // From here on nothing but the close frame is written, whatever waits.
        state = .closing
        if reason.code == CloseReason.tooSlow.code { dropWaiting() }
        write(.connectionClose, Self.bytes(of: reason.code) + reason.text.utf8)
        flushIfNeeded()
        scheduleEnd(in: Limits.closeHandshake)
    }

    private static func bytes(of code: UInt16) -> [UInt8] { [UInt8(code >> 8), UInt8(code & 0xFF)] }

    private func write(_ opcode: WebSocketOpcode, _ payload: [UInt8]) {
        // What one turn of the loop wrote may fill the buffer though the socket has room: it is offered that first.
        if waiting.isEmpty, context?.channel.isWritable == false { flushIfNeeded() }
        guard let context else { return }
        if context.channel.isWritable, waiting.isEmpty {
            append(opcode, payload)
            mustFlush = true
            return flushSoon()
        }
        if waiting.isEmpty { listener?(connection, .writable(false)) }
        waiting.append((opcode, payload))
        waitingBytes += payload.count
        if waitingBytes > Limits.outboundBytes, state == .open { fail(.tooSlow) }
        flushSoon()
    }

    private func append(_ opcode: WebSocketOpcode, _ payload: [UInt8]) {
        let mask = role == .client ? UInt32.random(in: .min ... .max, using: &randomness) : nil
        outgoing.writeFrame(opcode, masked: mask, payload)
        // From here on the channel counts it, and says when it has enough.
        if outgoing.readableBytes >= Self.writtenAtOnce { handOver() }
    }

    /// Bytes that are handed to the channel before their flush: as many as it holds before it is no longer writable.
    private static let writtenAtOnce = 64 << 10

    private func handOver() {
        guard outgoing.readableBytes > 0 else { return }
        let bytes = outgoing
        outgoing = ByteBuffer()
        below?.write(NIOAny(bytes), promise: nil)
    }

    /// Inside a read burst the flush comes at its end, otherwise at the end of the loop's turn.
    private func flushSoon() {
        guard !isReading, mustFlush, !willFlush, let context else { return }
        willFlush = true
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        context.eventLoop.execute {
            bound.value.willFlush = false
            bound.value.flushIfNeeded()
        }
    }

    private func flushIfNeeded() {
        guard mustFlush else { return }
        mustFlush = false
        handOver()
        below?.flush()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        var wrote = false
        while context.channel.isWritable, let (opcode, payload) = waiting.popFirst() {
            waitingBytes -= payload.count
            append(opcode, payload)
            wrote = true
        }
        if wrote {
            handOver()
            below?.flush()
            if waiting.isEmpty { listener?(connection, .writable(true)) }
        }
        context.fireChannelWritabilityChanged()
    }

    private func scheduleEnd(in wait: Duration) {
        guard let context else { return }
        deadline?.cancel()
        let channel = context.channel
        deadline = context.eventLoop.scheduleTask(in: .nanoseconds(wait.nanoseconds)) {
            channel.close(promise: nil)
        }
    }
}
