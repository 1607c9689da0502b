import Foundation
public import Protocol

/// The hub's operations for an MCP client inside a worktree, over the spoke's socket, with the session's authority.
public struct SessionProvider: MCPProvider {
    private let session: LocalSession
    private let origin: LocalOrigin
    private let conversation: LocalConversation

    /// - Parameters:
    ///   - session: The session that the client works for, with its proof.
    ///   - origin: Within what the client was started.
    ///   - socket: Where the running spoke answers.
    public init(session: LocalSession, origin: LocalOrigin, socket: String) {
        self.session = session
        self.origin = origin
        conversation = LocalConversation(path: socket)
    }

    public func nature(of operation: String) async -> MCPNature? {
        // What is asked of one spoke is the same operation.
        let words = operation.split(separator: ".")
        let id = words.count > 3 && words[0] == "dev" ? words.dropFirst(2).joined(separator: ".") : operation
        let ask = MCPCallArguments(operation: GetOperationSchema.name, input: ["operation": .string(id)])
        do throws(Fault) {
            let spec: OperationSpec = try await result(of: ask).decoded()
            return MCPNature(kind: spec.type, changes: spec.changes)
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
        let request = request(.subscribe, ask)
        let conversation = conversation
        let wait = ask.deadline
        let outcome = await withTaskGroup(of: Result<Void, Fault>?.self) { group in
            group.addTask {
                do throws(Fault) {
                    try await conversation.exchange(request) { (line) async throws(Fault) in
                        guard case .value(let value, let id) = line else { return false }
                        try await deliver(MCPValue(id: id, data: value.serialized()))
                        return true
                    }
                    return .success(())
                } catch {
                    return .failure(error)
                }
            }
            group.addTask {
                // Cancelled means that the values ended first.
                try? await Task.sleep(for: wait)
                return nil
            }
            defer { group.cancelAll() }
            return await group.next() ?? nil
        }
        guard let outcome else { throw Fault(.timeout, "\(ask.operation) went on longer than deadlineSeconds.") }
        try outcome.get()
    }

    private func result(of ask: MCPCallArguments) async throws(Fault) -> JSONValue {
        try await conversation.ask(request(.call, ask))
    }

    private func request(_ method: LocalRequest.Method, _ ask: MCPCallArguments) -> LocalRequest {
        let operation = ask.spoke.map { "dev.\($0).\(ask.operation)" } ?? ask.operation
        var members: [String: JSONValue] = ["operation": .string(operation), "input": ask.input ?? [:]]
        members["deadlineMilliseconds"] = .integer(ask.deadline.milliseconds)
        members["idempotencyKey"] = ask.idempotencyKey.map(JSONValue.string)
        members["lastEventId"] = ask.lastEventId.map(JSONValue.string)
        return LocalRequest(method: method, parameters: .object(members), session: session, origin: origin)
    }
}
