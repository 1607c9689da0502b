import HubDomains
import Protocol

/// What the links ask of the hub's memory. Every answer comes from Postgres, after its commit.
struct LinkMemory: Sendable {
    let spokes: SpokeStore
    let commands: CommandStore
    let sessions: SessionAuthority
    let terms: LinkTerms

    /// Compares the spoke's truth with the hub's, in one transaction.
    func greet(_ spoke: SpokeID, _ hello: LinkHello) async throws(Fault) -> HelloOutcome {
        try await spokes.hello(hello, credential: spoke, terms: terms)
    }

    /// As whom a session of the spoke may call: with the grants of its spawn and nothing else.
    func principal(of session: SessionID, on spoke: SpokeID) async throws(Fault) -> Principal {
        try await sessions.principal(of: session, on: spoke)
    }
}
