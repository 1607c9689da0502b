import HubCore
import HubDomains
import Logging
import Protocol
import Synchronization
import WebTransport

/// Reads the documents of clients' web services: at the hub's start, when a client or its secrets change, and again and
/// again, sooner where it did not work.
final class ClientReader: Sendable {
    /// When a client was looked at, and as what.
    private struct Look {
        var client: ServedClient
        var next: ContinuousClock.Instant
        var backoff: Backoff
    }

    private let services: ClientServices
    private let check: RegistrationCheck
    private let outbound: OutboundRules
    private let logger: Logger
    private let looks = Mutex<[ClientID: Look]>([:])

    init(services: ClientServices, check: RegistrationCheck, outbound: OutboundRules, logger: Logger) {
        self.services = services
        self.check = check
        self.outbound = outbound
        self.logger = logger
    }

    /// Looks at all that are due.
    ///
    /// - Fails with `unavailable` while the database is away.
    func turn() async throws(Fault) {
        let clients = try await services.clients()
        let due = due(among: clients)
        var outcome: Result<Void, Fault> = .success(())
        await withTaskGroup(of: Result<Void, Fault>.self) { group in
            for (place, client) in due.enumerated() {
                if place >= Limits.clientReads, case .failure(let fault)? = await group.next() {
                    outcome = .failure(fault)
                }
                group.addTask { await self.result(of: client) }
            }
            for await one in group { if case .failure = one { outcome = one } }
        }
        try outcome.get()
    }

    private func due(among clients: [ServedClient]) -> [ServedClient] {
        let now = ContinuousClock.now
        return looks.withLock { looks in
            let there = Set(clients.map(\.id))
            looks = looks.filter { there.contains($0.key) }
            return clients.filter { client in
                guard let look = looks[client.id], look.client.isSame(as: client) else { return true }
                return look.next <= now
            }
        }
    }

    private func result(of client: ServedClient) async -> Result<Void, Fault> {
        do throws(Fault) {
            let finding = await finding(client)
            try await services.take(finding, of: client)
            looked(at: client, found: finding?.reason == nil)
            return .success(())
        } catch {
            return .failure(error)
        }
    }

    private func looked(at client: ServedClient, found: Bool) {
        var generator = SystemRandomNumberGenerator()
        looks.withLock { looks in
            var backoff = looks[client.id]?.backoff ?? Self.backoff
            if found { backoff = Self.backoff }
            let pause = found ? Limits.clientDocument : backoff.next(using: &generator)
            looks[client.id] = Look(client: client, next: .now + pause, backoff: backoff)
        }
    }

    private static var backoff: Backoff { Backoff(first: .seconds(1), longest: Limits.clientRetry) }

    /// What the client offers now; `nil` if it has no web service.
    private func finding(_ client: ServedClient) async -> ClientFinding? {
        guard let service = client.service else { return nil }
        let namespace = client.namespace
        guard client.isEnabled else {
            return ClientFinding(namespace: namespace, reason: "The client “\(client.name)” is disabled.")
        }
        if let key = service.credential?.key, !client.secrets.contains(key) {
            return ClientFinding(namespace: namespace, reason: ClientServices.lacks(key, client.name))
        }
        do throws(Fault) {
            let home = try service.url.map { (url) throws(Fault) in try WebAddress(url, field: "url") }
            let document = try await document(of: service, at: home, client.name)
            return try ClientFinding(
                reading: document,
                of: service,
                namespace: namespace,
                home: home,
                check: check
            )
        } catch {
            logger.warning(
                "A web service's document could not be read.",
                metadata: ["client": "\(client.name)", "code": "\(error.code.rawValue)", "error": "\(error.message)"]
            )
            return ClientFinding(namespace: namespace, reason: "Its document could not be read: \(error.message)")
        }
    }

    private func document(
        of service: ClientService,
        at home: WebAddress?,
        _ name: String
    ) async throws(Fault) -> JSONValue {
        if let document = service.document { return document }
        guard let home else { throw Fault(.validation, "It has neither a url nor a document.") }
        let bytes = try await WebDocument.text(from: home, sending: GuardedWeb(outbound).sending)
        return try WebDocument.value(parsing: bytes, of: name)
    }
}

extension ServedClient {
    /// Whether a look at one says all about the other.
    fileprivate func isSame(as other: ServedClient) -> Bool {
        id == other.id && name == other.name && isEnabled == other.isEnabled && secrets == other.secrets
            && service == other.service
    }
}
