import Foundation
import Logging
import NIOCore
import NIOPosix
import Protocol

#if canImport(Glibc)
    import Glibc
#endif

/// Answers people and processes of this machine at `spoke.sock`, also while the hub is away.
struct LocalServer: Sendable {
    let path: String
    let logger: Logger
    /// Answers one request with one or more lines; cancelled when the asker hangs up.
    let answer:
        @Sendable (
            LocalRequest, @Sendable (LocalResponse) async throws(Fault) -> Void
        ) async throws(Fault) -> Void

    /// Serves until cancelled.
    func run() async throws {
        let address = try LocalSocket.prepare(path)
        let previous = umask(0o177)  // The socket is born closed to everybody else.
        defer { unlink(address) }
        let server: NIOAsyncChannel<NIOAsyncChannel<ByteBuffer, ByteBuffer>, Never>
        do {
            defer { umask(previous) }
            server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .bind(unixDomainSocketPath: address) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(ByteToMessageHandler(LineDecoder()))
                        return try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                    }
                }
        }
        try await withThrowingDiscardingTaskGroup { group in
            try await server.executeThenClose { connections in
                for try await connection in connections {
                    group.addTask { await serve(connection) }
                }
            }
        }
    }

    private func serve(_ connection: NIOAsyncChannel<ByteBuffer, ByteBuffer>) async {
        do {
            try await connection.executeThenClose { lines, output in
                var iterator = lines.makeAsyncIterator()
                var next = try await iterator.next()
                while let line = next {
                    next = try await withThrowingTaskGroup(of: Void.self) { group in
                        group.addTask { try await respond(to: line, over: output) }
                        // While the answer is under way, only the end of the input is of interest: nobody waits then.
                        let following = try await iterator.next()
                        if following == nil { group.cancelAll() }
                        try await group.waitForAll()
                        return following
                    }
                }
            }
        } catch {
            logger.debug("local connection ended", metadata: ["error": "\(error)"])
        }
    }

    private func respond(
        to line: ByteBuffer,
        over output: NIOAsyncChannelOutboundWriter<ByteBuffer>
    ) async throws {
        let send = { @Sendable (response: LocalResponse) async throws(Fault) -> Void in
            do {
                try await output.write(ByteBuffer(bytes: WireCoder.bytes(of: response) + [UInt8(ascii: "\n")]))
            } catch {
                throw Fault(.aborted, "The asker hung up.")
            }
        }
        let request: LocalRequest
        do throws(Fault) {
            request = try WireCoder.value(from: line.readableBytesView)
        } catch {
            return try await send(LocalResponse(error: error))
        }
        try await answer(request, send)
    }
}

/// Cuts a stream of bytes into lines of bounded length.
struct LineDecoder: ByteToMessageDecoder {
    typealias InboundOut = ByteBuffer

    struct TooLong: Error {}

    mutating func decode(context: ChannelHandlerContext, buffer: inout ByteBuffer) throws -> DecodingState {
        guard let end = buffer.readableBytesView.firstIndex(of: UInt8(ascii: "\n")) else {
            if buffer.readableBytes > Limits.requestBodyBytes { throw TooLong() }
            return .needMoreData
        }
        if let line = buffer.readSlice(length: end - buffer.readerIndex) {
            context.fireChannelRead(wrapInboundOut(line))
        }
        buffer.moveReaderIndex(forwardBy: 1)
        return .continue
    }
}
