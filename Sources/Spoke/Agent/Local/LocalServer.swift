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
    let answer: @Sendable (LocalRequest) async -> LocalResponse

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
                for try await line in lines {
                    let response = await respond(to: line)
                    try await output.write(ByteBuffer(bytes: WireCoder.bytes(of: response) + [UInt8(ascii: "\n")]))
                }
            }
        } catch {
            logger.debug("local connection ended", metadata: ["error": "\(error)"])
        }
    }

    private func respond(to line: ByteBuffer) async -> LocalResponse {
        do {
            return await answer(try WireCoder.value(LocalRequest.self, from: line.readableBytesView))
        } catch {
            return LocalResponse(error: error)
        }
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
