import HubDomains
import Logging
import NIOCore
import NIOHTTP1
import Protocol
import Transport

/// What all links of this process share.
struct LinkHall: Sendable {
    let registry: LinkRegistry
    let memory: LinkMemory
    let ingest: JournalIngest
    let heartbeats: HeartbeatBook
    let acknowledgements: AcknowledgementBook
    let partings: PartingBook
    let registrations: RegistrationDesk
    let desk: CallDesk
    let metrics: HubMetrics
    let drain: DrainSwitch
    let timekeeper: any Timekeeper
    let logger: Logger

    /// What spokes are told when this hub goes.
    static let drainGoodbye = LinkGoodbye(
        reason: .restart,
        message: "This hub is shutting down.",
        retryAfterMilliseconds: 1_000
    )

    /// Decides on a request for `GET /v1/link`: with the subprotocol, a spoke's credential makes it a link, and any
    /// other key a coordinator's connection.
    func decide(_ head: HTTPRequestHead, doors: DoorKeeper, guarding: LoopbackGuard, from address: String) async
        -> UpgradeDecision
    {
        guard head.uri.prefix(while: { $0 != "?" }) == "/v1/link", !drain.isDraining else { return .router }
        let protocols = head.headers[canonicalForm: "sec-websocket-protocol"]
        guard protocols.contains(where: { $0 == WebSocketChannel.subprotocol }) else { return .router }
        do throws(Fault) {
            try guarding.check(host: head.headers.first(name: "host"), origin: head.headers.first(name: "origin"))
            let credential = RequestFacts.bearer(head.headers.first(name: "authorization"))
            let principal = try await doors.admit(credential, from: address)
            let headers: HTTPHeaders = ["sec-websocket-protocol": WebSocketChannel.subprotocol]
            guard let spoke = principal.spokeId, principal.sessionId == nil else {
                return .accept(headers: headers) { channel in
                    try CoordinatorSession.open(
                        on: channel,
                        as: principal,
                        credential: ShownKey(credential ?? ""),
                        doors: doors,
                        hall: self
                    )
                }
            }
            return .accept(headers: headers) { channel in
                try LinkSession.open(on: channel, as: principal, of: spoke, hall: self)
            }
        } catch {
            // The router finds the same fault again and has the words for it.
            return .router
        }
    }
}
