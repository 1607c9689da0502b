import HubDomains
import Protocol

/// A subscription that asks for more than reading, such as a program that it runs, leaves its line like a mutation:
/// when it begins, or when it is refused.
extension CallDesk {
    /// Leaves the line of a subscription that is about to begin, if it is one of these.
    ///
    /// - Fails with what refuses the call, with `unavailable` if the line cannot be written.
    func witness(_ called: Called, _ input: JSONValue, by caller: Caller) async throws(Fault) {
        guard called.subject?.changes == true, let spec = spec(of: called) else { return }
        do throws(Fault) { try await check(called, input, by: caller) } catch {
            try await operations.witness(spec, input: input, by: caller, refusal: error)
            throw error
        }
        try await operations.witness(spec, input: input, by: caller)
    }

    /// The same for one that a door refused before it began.
    func witness(refusal: Fault, of called: Called, _ input: JSONValue, by caller: Caller) async throws(Fault) {
        guard called.subject?.changes == true, let spec = spec(of: called), spec.type == .subscription else { return }
        try await operations.witness(spec, input: input, by: caller, refusal: refusal)
    }

    private func spec(of called: Called) -> OperationSpec? { called.way?.spec ?? operations.spec(of: called.name) }
}
