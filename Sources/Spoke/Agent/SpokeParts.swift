import CLinux
import Foundation
import Logging
import Protocol
import ServiceLifecycle
import SpokeCore
import Synchronization

/// The parts of a running spoke and how they are joined.
struct SpokeParts: Service {
    private let paths: SpokePaths
    private let credential: SpokeCredential
    private let configuration: SpokeConfiguration
    private let logger: Logger
    private let journal: Journal
    private let inbox: Inbox
    private let worktrees: Worktrees
    private let sessions: Sessions
    private let link: LinkService
    private let commands: CommandRunner
    private let local: LocalServer
    private let surroundings: SessionSurroundings
    private let offers: SpokeOffers
    private let keeper: OfferKeeper

    init(
        paths: SpokePaths,
        configuration: SpokeConfiguration,
        credential: SpokeCredential,
        logger: Logger
    ) async throws(Fault) {
        self.paths = paths
        self.credential = credential
        self.configuration = configuration
        self.logger = logger
        let database = try SpokeDatabase.open(paths.database)
        let journal = try await Journal(
            database,
            limits: JournalLimits(
                softBytes: Int(configuration.journalSoftBytes),
                hardBytes: Int(configuration.journalHardBytes)
            ),
            secrets: try Self.secrets(configuration, credential)
        )
        let (inbox, sessions) = (Inbox(journal), Sessions(logger: logger))
        let agents = AgentProfiles(configuration.agents)
        let worktrees = try Worktrees(
            root: paths.root,
            warm: configuration.warmWorktrees,
            store: WorktreeTables(journal),
            logger: logger
        )
        let surroundings = SessionSurroundings(
            paths: paths,
            configuration: configuration,
            agents: agents,
            policy: PolicyFile(path: paths.policy, logger: logger),
            journal: journal,
            inbox: inbox,
            worktrees: worktrees,
            cgroups: Cgroups.find(),
            supervisor: try SupervisorExecutable.find(),
            environment: ProcessInfo.processInfo.environment,
            logger: logger,
            sessionsRunning: { await sessions.count }
        )
        let offers = try SpokeOffers(name: credential.name, surroundings: surroundings, sessions: sessions)
        let (bell, ringer) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        let greeting = Greeting(
            paths: paths,
            credential: credential,
            configuration: configuration,
            agents: agents,
            journal: journal,
            inbox: inbox,
            sessions: sessions,
            worktrees: worktrees,
            draining: DrainSwitch(paths)
        )
        let ready = ReadyLine(credential: credential)
        let link = LinkService(
            credential: credential,
            journal: journal,
            inbox: inbox,
            desk: offers.desk,
            logger: logger,
            hello: { try await greeting.hello(offering: $0) },
            measure: { (Host.load(dataDirectory: paths.root), await sessions.count) },
            opened: { welcome in
                ready.print()
                // What starting took is not needed again.
                linux_give_back_memory()
                await Verdicts(sessions: sessions, logger: logger).carryOut(welcome.verdicts)
            },
            commandsArrived: { ringer.yield() }
        )
        let drain: @Sendable (Bool) async -> Void = { draining in
            if greeting.draining.set(draining) { await link.renewHeard() }
        }
        (self.journal, self.inbox, self.worktrees, self.sessions) = (journal, inbox, worktrees, sessions)
        (self.link, self.surroundings, self.offers) = (link, surroundings, offers)
        keeper = OfferKeeper(
            offers,
            configuration: configuration,
            policyFile: paths.policy,
            logger: logger,
            protect: { (own) async throws(Fault) in
                var wanted = configuration
                wanted.own = own
                await journal.protect(try Self.secrets(wanted, credential))
            },
            changed: { await link.offerAnew() }
        )
        commands = CommandRunner(
            inbox: inbox,
            sessions: sessions,
            surroundings: surroundings,
            drain: drain,
            logger: logger,
            bell: bell
        )
        let answers = LocalAnswers(
            paths: paths,
            credential: credential,
            journal: journal,
            worktrees: worktrees,
            sessions: sessions,
            link: link,
            isDraining: { greeting.draining.isOn },
            drain: drain
        )
        local = LocalServer(path: paths.socket, logger: logger) { (request, send) async throws(Fault) in
            try await answers.answer(request, send: send)
        }
    }

    /// Runs everything until a graceful shutdown, then leaves the hub in order.
    func run() async throws {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await sessions.run() }
            group.addTask { await commands.run() }
            group.addTask { await offers.programs.sweep() }
            group.addTask { await keeper.run() }
            group.addTask { await worktrees.run() }
            group.addTask { await link.run() }
            group.addTask { await watchPatience() }
            group.addTask { await Housekeeping(surroundings, sessions: sessions).run() }
            group.addTask {
                do {
                    try await local.run()
                } catch is CancellationError {
                } catch {
                    logger.error("local socket not served", metadata: ["error": "\(error)"])
                }
            }
            // Returns when shutdown is asked for; everything else then ends with the group.
            try? await gracefulShutdown()
            await link.leave(.shutdown)
            group.cancelAll()
        }
    }

    /// Every second: has a session waited long enough for the hub?
    private func watchPatience() async {
        // Cancelled means shutdown.
        while (try? await Task.sleep(for: .seconds(1))) != nil {
            let away = await link.away
            if away > .zero { await sessions.endImpatient(away: away) }
        }
    }

    /// What must never leave this machine: the credential, and whatever the owner named.
    private static func secrets(
        _ configuration: SpokeConfiguration,
        _ credential: SpokeCredential
    ) throws(Fault) -> SecretPatterns {
        var secrets = [Array(credential.key.utf8)]
        for path in configuration.redact { secrets.append(try PrivateFile.readSecret(path).trimmingTrailingNewlines()) }
        for path in configuration.own.secretFiles {
            let secret = try PrivateFile.readSecret(path).trimmingTrailingNewlines()
            secrets.append(secret)
            // “Bearer TOKEN” must not be known by its token either.
            if let token = secret.split(separator: UInt8(ascii: " ")).last, token.count < secret.count {
                secrets.append(Array(token))
            }
        }
        return SecretPatterns(secrets)
    }
}

/// Says once, on stdout, that the spoke is connected (contract.md).
final class ReadyLine: Sendable {
    private let credential: SpokeCredential
    private let printed = Atomic(false)

    init(credential: SpokeCredential) { self.credential = credential }

    func print() {
        guard printed.exchange(true, ordering: .relaxed) == false else { return }
        let line: JSONValue = [
            "ready": true, "spokeId": .string(credential.spokeId.rawValue), "name": .string(credential.name),
            "hub": .string(credential.hub),
        ]
        FileHandle.standardOutput.write(Data(WireCoder.bytes(of: line) + [UInt8(ascii: "\n")]))
    }
}

/// Whether this spoke takes no new sessions; survives a restart of the agent.
final class DrainSwitch: Sendable {
    private let path: String

    init(_ paths: SpokePaths) { path = "\(paths.root)/draining" }

    var isOn: Bool { FileManager.default.fileExists(atPath: path) }

    /// - Returns: whether that changed anything.
    func set(_ draining: Bool) -> Bool {
        guard draining != isOn else { return false }
        if draining { return FileManager.default.createFile(atPath: path, contents: nil) }
        return unlink(path) == 0
    }
}

/// Carries out what the hub decided about sessions that it did not expect here.
struct Verdicts: Sendable {
    let sessions: Sessions
    let logger: Logger

    func carryOut(_ verdicts: [SessionVerdict]) async {
        for verdict in verdicts {
            guard let run = await sessions.running(verdict.sessionId) else { continue }
            switch verdict.verdict {
            case .adopt: break
            case .unknown: logger.warning("hub does not know a session", metadata: ["session": "\(verdict.sessionId)"])
            case .stop:
                logger.notice("hub wants a session stopped", metadata: ["session": "\(verdict.sessionId)"])
                Task { await run.stop(AbortSession(of: run.order, as: "verdict")) }
            }
        }
    }
}

extension [UInt8] {
    fileprivate func trimmingTrailingNewlines() -> [UInt8] {
        var bytes = self
        while let last = bytes.last, last == UInt8(ascii: "\n") || last == UInt8(ascii: "\r") { bytes.removeLast() }
        return bytes
    }
}
