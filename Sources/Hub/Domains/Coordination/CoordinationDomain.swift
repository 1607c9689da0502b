import Foundation
public import Logging
public import Postgres
public import Protocol

/// Spokes, sessions, workspaces, coordination and salvages over one database: what links and runners use of them, and
/// their operations.
public struct CoordinationDomain: Sendable {
    /// Joining, hello, presence.
    public let spokes: SpokeStore
    /// Leases of the hubs that share the database.
    public let hubs: HubStore
    /// Durable streams to spokes.
    public let commands: CommandStore
    /// Durable streams from spokes.
    public let journals: JournalStore

    /// Anomalies in sessions.
    public let detections: DetectionWatch

    let database: Database
    let bell: any Bell
    let composed: ComposedCalls
    private let spawns: SpawnStore
    private let salvages: SalvageStore
    private let losses: LossStore

    /// Channels on which the work of ``placeWaiting()`` is announced; the payload says nothing.
    public static let placementChannel = Ending.placementChannel

    public init(database: Database, bell: some Bell, composed: ComposedCalls, logger: Logger) {
        self.database = database
        self.bell = bell
        self.composed = composed
        spokes = SpokeStore(database: database)
        hubs = HubStore(database: database)
        commands = CommandStore(database: database)
        journals = JournalStore(database: database, bell: bell, logger: logger)
        spawns = SpawnStore(database: database, spokes: spokes, commands: commands)
        salvages = SalvageStore(database: database, commands: commands)
        losses = LossStore(database: database)
        detections = DetectionWatch(database: database)
    }

    /// Places waiting sessions while there is room; answers how many. Any number of hubs may do so at once.
    public func placeWaiting() async throws(Fault) -> Int { try await spawns.placeWaiting() }

    /// Gives sessions whose spoke is away for longer than they allow back to the queue; answers how many.
    public func replaceOverdue() async throws(Fault) -> Int {
        let replaced = try await losses.replaceOverdue()
        bell.ring(replaced.map(\.rawValue))
        return replaced.count
    }

    /// Forgets acknowledged commands and expired salvages; for a janitor, now and then.
    public func prune() async throws(Fault) {
        try await commands.prune()
        try await salvages.prune()
    }

    /// Reads on in the output of agents, and tells those who follow; answers of how many there was something new.
    public func readTranscripts() async throws(Fault) -> Int {
        let told = try await TranscriptStore(database: database).readOn()
        bell.ring(told.map(\.session.rawValue))
        // What is new in there is looked at now, not at the next round.
        _ = try await detections.look(at: told.filter(\.isTroubled).map(\.session))
        return told.count
    }

    /// Takes away what sessions printed that ended longer ago than this, a few of them; answers of how many.
    public func pruneOutput(olderThanDays days: Int) async throws(Fault) -> Int {
        try await OutputStore(database: database).prune(olderThanDays: days)
    }

    /// What is stored, proven again; the same as the operation `hub.verify`.
    public func verify() async throws(Fault) -> VerifyHub.Output {
        try await VerificationStore(database: database).verify(nil)
    }

    /// Registers all operations of these domains.
    func register(in table: inout OperationTable) {
        let sessions = SessionStore(database: database)
        let workspaces = WorkspaceStore(database: database, commands: commands)
        let projects = ProjectStore(database: database)
        SpokeOperations(spokes: spokes, losses: losses, projects: projects, bell: bell).register(in: &table)
        SessionOperations(sessions: sessions, output: OutputStore(database: database), bell: bell).register(in: &table)
        TranscriptOperations(sessions: sessions, transcripts: TranscriptStore(database: database), bell: bell)
            .register(in: &table)
        AttachOperations(
            sessions: sessions,
            output: OutputStore(database: database),
            transcripts: TranscriptStore(database: database),
            store: AttachStore(database: database),
            bell: bell
        ).register(in: &table)
        WorkspaceOperations(workspaces: workspaces).register(in: &table)
        MappingOperations(mappings: MappingStore(database: database)).register(in: &table)
        let keeping = SessionKeepingStore(database: database)
        SessionKeepingOperations(sessions: sessions, keeping: keeping, workspaces: workspaces, bell: bell)
            .register(in: &table)
        CoordinationOperations(
            projects: ProjectStore(database: database),
            sessions: sessions,
            workspaces: workspaces,
            spokes: spokes,
            spawns: spawns,
            tasks: TaskStore(database: database, projects: ProjectStore(database: database)),
            detections: DetectionStore(database: database),
            bell: bell
        ).register(in: &table)
        DetectionOperations(
            watch: detections,
            sessions: sessions,
            projects: ProjectStore(database: database),
            bell: bell
        ).register(in: &table)
        SteeringOperations(
            sessions: sessions,
            steering: SteeringStore(database: database, commands: commands),
            commands: commands,
            bell: bell
        ).register(in: &table)
        RevivalOperations(sessions: sessions, revivals: RevivalStore(database: database), bell: bell)
            .register(in: &table)
        LandingOperations(
            sessions: sessions,
            projects: ProjectStore(database: database),
            places: LandingStore(database: database),
            composed: composed
        ).register(in: &table)
        SalvageOperations(salvages: salvages, spokes: spokes, commands: commands, workspaces: workspaces, bell: bell)
            .register(in: &table)
        VerificationOperations(verification: VerificationStore(database: database)).register(in: &table)
    }
}

/// Proof of what is stored, as callers may ask for it.
struct VerificationOperations: Sendable {
    let verification: VerificationStore

    func register(in table: inout OperationTable) { table.answer(VerifyHub.self, with: verify) }

    private func verify(_ request: VerifyHub, by caller: Caller) async throws(Fault) -> VerifyHub.Output {
        try await verification.verify(request.sessionId)
    }
}
