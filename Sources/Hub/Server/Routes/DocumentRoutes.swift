import HubCore
import HubDomains
import Hummingbird
import Protocol

/// `GET /openapi.json`: the catalogue for programs that make clients.
struct DocumentRoutes: Sendable {
    /// What a caller can ask at the moment.
    let specs: @Sendable (Caller) async throws(Fault) -> [OperationSpec]
    /// Where the hub is reached, if that is not where the document was fetched.
    let url: String?

    /// The document of what this caller may run: what is denied is not shown.
    func openAPI(for principal: Principal) async throws(Fault) -> Response {
        let visible = try await specs(Caller(principal)).filter { spec in
            // Denied means hidden, whatever the reason; and what nobody answers at the moment is not there.
            spec.isAnswered && (try? spec.accessControl.check(principal.identity)) != nil
        }
        let foreign = Set(visible.filter { $0.providers != nil }.map(\.id))
        return CallRoutes.json(OpenAPIDocument(visible, foreign: foreign, url: url).json.serialized())
    }
}

extension OperationSpec {
    /// Whether someone is there to answer; the hub always is.
    fileprivate var isAnswered: Bool { providers?.contains { $0.status == .active } ?? true }
}
