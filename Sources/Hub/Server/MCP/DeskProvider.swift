import HubDomains
import Protocol

/// The hub's operations for an MCP session, with the rights of whoever sent the request.
struct DeskProvider: MCPProvider {
    let desk: CallDesk
    let caller: Caller

    func nature(of operation: String) async -> MCPNature? { desk.nature(of: operation) }

    func call(_ ask: MCPCallArguments) async throws(Fault) -> [UInt8] {
        let input = ask.input ?? [:]
        return try await desk.call(ask.operation, input, by: caller(for: ask), deadline: ask.deadline).data
    }

    func subscribe(
        _ ask: MCPCallArguments,
        deliver: @escaping @Sendable (MCPValue) async throws(Fault) -> Void
    ) async throws(Fault) {
        let (desk, caller) = (desk, caller(for: ask))
        try await withDeadline(
            ask.deadline,
            late: "\(ask.operation) went on longer than deadlineSeconds.",
            left: "The caller left."
        ) { () async throws(Fault) in
            try await desk.subscribe(
                ask.operation,
                ask.input ?? [:],
                by: caller,
                lastEventId: ask.lastEventId
            ) { (value) async throws(Fault) in
                try await deliver(MCPValue(id: value.id, data: value.answer.data))
            }
        }
    }

    private func caller(for ask: MCPCallArguments) -> Caller {
        var caller = fresh(caller)
        caller.idempotencyKey = ask.idempotencyKey
        caller.spokeName = ask.spoke ?? caller.spokeName
        return caller
    }

    /// The same caller with a request id of its own: one HTTP request may hold several calls.
    private func fresh(_ caller: Caller) -> Caller {
        var caller = caller
        caller.requestId = Ids.random()
        return caller
    }
}
