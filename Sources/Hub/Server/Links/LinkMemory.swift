import HubDomains
import Protocol

/// What the links ask of the hub's memory. Every answer comes from Postgres, after its commit.
struct LinkMemory: Sendable {
    /// How a hello was taken.
    enum Greeting: Sendable {
        case welcome(LinkWelcome)
        case refused(LinkRefused)
    }

    /// Compares the spoke's truth with the hub's, in one transaction.
    var greet: @Sendable (SpokeID, LinkHello) async throws(Fault) -> Greeting
    /// The spoke's commands behind a number: at least one if there is any, then as many as fit both bounds.
    var commands: @Sendable (SpokeID, _ after: Int64, _ recordsMax: Int, _ bytesMax: Int) async throws(Fault) -> [StreamRecord]
    /// The number that the spoke's next command will get.
    var commandsNext: @Sendable (SpokeID) async throws(Fault) -> Int64
    /// The spoke has its commands up to here for ever.
    var acknowledge: @Sendable (SpokeID, StreamPosition) async throws(Fault) -> Void
    /// The spoke's link to this hub is no more.
    var part: @Sendable (SpokeID, _ incarnation: String, _ reason: String) async throws(Fault) -> Void
    /// As whom a session of the spoke may call: with the grants of its spawn and nothing else.
    var session: @Sendable (SessionID, SpokeID) async throws(Fault) -> Principal
}
