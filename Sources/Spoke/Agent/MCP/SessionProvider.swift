import Foundation
public import Protocol

/// The hub's operations for an MCP client inside a worktree, over the spoke's socket, with the session's authority.
public struct SessionProvider: MCPProvider {
    private let session: LocalSession
    private let conversation: LocalConversation

    /// - Parameters:
    ///   - session: The session that the client works for, with its proof.
    ///   - socket: Where the running spoke answers.
    public init(session: LocalSession, socket: String) {
        self.session = session
        conversation = LocalConversation(path: socket)
    }

    public func kind(of operation: String) async -> OperationKind? {
        let ask = MCPCallArguments(operation: GetOperationSchema.name, input: ["operation": .string(operation)])
        do throws(Fault) {
            let spec = try await result(of: ask)
            return spec["type"]?.stringValue.flatMap(OperationKind.init)
        } catch {
            // Calling it finds the same fault again and has the words for it.
            return nil
        }
    }

    public func call(_ ask: MCPCallArguments) async throws(Fault) -> [UInt8] { try await result(of: ask).serialized() }

    public func subscribe(
        _ ask: MCPCallArguments,
        deliver: @escaping @Sendable (MCPValue) async throws(Fault) -> Void
    ) async throws(Fault) {
        throw Fault(.unavailable, "Subscriptions do not go through the spoke's socket yet.")
    }

    private func result(of ask: MCPCallArguments) async throws(Fault) -> JSONValue {
        let request = LocalRequest(method: .call, parameters: parameters(of: ask), session: session)
        return try await conversation.ask(request)
    }

    private func parameters(of ask: MCPCallArguments) -> JSONValue {
        let operation = ask.spoke.map { "dev.\($0).\(ask.operation)" } ?? ask.operation
        return ["operation": .string(operation), "input": ask.input ?? [:]]
    }
}
