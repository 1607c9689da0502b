import Foundation
import NIOCore
import NIOPosix
import Protocol

/// Asks the running spoke without blocking a thread; whoever is cancelled hangs up, and the spoke hears it.
struct LocalConversation: Sendable {
    let path: String

    /// One line of an answer.
    enum Line: Sendable {
        /// With what a subscription goes on behind, if it can.
        case value(JSONValue, id: String?)
        /// The natural end of a subscription.
        case completed
    }

    /// Sends one request and hands over each line of the answer until `hear` has enough.
    ///
    /// - Throws: `UNAVAILABLE` when no spoke runs there or it hangs up, `ABORTED` when cancelled, whatever the spoke
    ///   answers and `hear` throws.
    func exchange(
        _ request: LocalRequest,
        hear: @escaping @Sendable (Line) async throws(Fault) -> Bool
    ) async throws(Fault) {
        do {
            let channel = try await connect()
            try await channel.executeThenClose { lines, output in
                try await output.write(ByteBuffer(bytes: WireCoder.bytes(of: request) + [UInt8(ascii: "\n")]))
                for try await line in lines {
                    guard try await hear(try Self.line(line)) else { return }
                }
                throw Fault(.unavailable, "The spoke hung up before it answered.")
            }
        } catch let fault as Fault {
            throw Task.isCancelled ? Self.aborted : fault
        } catch {
            throw Task.isCancelled ? Self.aborted : Fault(.unavailable, "The spoke hung up: \(error)")
        }
    }

    /// Sends one request that has one answer.
    func ask(_ request: LocalRequest) async throws(Fault) -> JSONValue {
        let basket = MCPBasket(JSONValue.null)
        try await exchange(request) { (line) async throws(Fault) in
            if case .value(let value, _) = line { await basket.change { $0 = value } }
            return false
        }
        return await basket.contents
    }

    private static func line(_ bytes: ByteBuffer) throws(Fault) -> Line {
        let line = try JSONValue(parsing: Array(bytes.readableBytesView), depth: Limits.jsonDepth + 2)
        if let error = line["error"] { throw try error.decoded(as: Fault.self) }
        if line["completed"] == true { return .completed }
        return .value(line["result"] ?? .null, id: line["id"]?.stringValue)
    }

    private static let aborted = Fault(.aborted, "The call was aborted.")

    private func connect() async throws(Fault) -> NIOAsyncChannel<ByteBuffer, ByteBuffer> {
        let address = LocalSocket.address(for: path)
        do {
            return try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connect(unixDomainSocketPath: address) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(ByteToMessageHandler(LineDecoder()))
                        return try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                    }
                }
        } catch {
            throw Fault(
                .unavailable,
                "No spoke runs here (nothing answers at \(address)); start one with `spoke run`."
            )
        }
    }
}
