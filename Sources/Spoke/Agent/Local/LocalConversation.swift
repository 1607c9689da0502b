import Foundation
import NIOCore
import NIOPosix
import Protocol

/// Asks the running spoke without blocking a thread; whoever is cancelled hangs up, and the spoke hears it.
struct LocalConversation: Sendable {
    let path: String

    /// Sends one request and hands over each line of the answer until `hear` has enough.
    ///
    /// - Throws: `UNAVAILABLE` when no spoke runs there or it hangs up, `ABORTED` when cancelled, whatever `hear` throws.
    func exchange(
        _ request: LocalRequest,
        hear: @escaping @Sendable (LocalResponse) async throws(Fault) -> Bool
    ) async throws(Fault) {
        do {
            let channel = try await connect()
            try await channel.executeThenClose { lines, output in
                try await output.write(ByteBuffer(bytes: WireCoder.bytes(of: request) + [UInt8(ascii: "\n")]))
                for try await line in lines {
                    let response: LocalResponse = try WireCoder.value(from: line.readableBytesView)
                    guard try await hear(response) else { return }
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
        let basket = Basket()
        try await exchange(request) { (response) async throws(Fault) in
            await basket.put(response)
            return false
        }
        guard let response = await basket.response else { return .null }
        if let error = response.error { throw error }
        return response.result ?? .null
    }

    private actor Basket {
        private(set) var response: LocalResponse?

        func put(_ response: LocalResponse) { self.response = response }
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
