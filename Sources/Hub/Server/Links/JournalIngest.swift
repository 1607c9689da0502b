import HubCore
import Logging
import Postgres
import Protocol
import Synchronization

/// Takes in the journals of all links through one group commit: what arrives while a commit is under way is the next
/// one. Nothing is answered before its commit.
final class JournalIngest: Sendable {
    /// One link's consecutive records.
    struct Batch: Sendable {
        let spoke: SpokeID
        let incarnation: String
        let records: [StreamRecord]
    }

    /// What became of a batch.
    enum Outcome: Sendable {
        /// Committed; the spoke's journal is applied up to here.
        case applied(StreamMark)
        /// Not committed, or not a continuation of what is: asked for again a little later.
        case failed
        /// Another incarnation of the spoke holds the journal.
        case fenced(String)
    }

    /// Commits batches of different spokes together and answers for each spoke.
    typealias Apply = @Sendable ([Batch]) async throws(Fault) -> [SpokeID: Outcome]

    private let writer: GroupWriter<Batch, [SpokeID: Outcome]>
    private let metrics: HubMetrics

    /// - Parameter applied: Told the spokes whose records were just committed, so that whoever waits for news is woken.
    init(
        metrics: HubMetrics,
        logger: Logger,
        apply: @escaping Apply,
        applied: @escaping @Sendable ([Batch]) -> Void
    ) {
        self.metrics = metrics
        self.writer = GroupWriter(
            lanes: Self.lanes,
            maxItems: Self.batchesMax,
            capacity: Self.capacity,
            order: { $0.spoke.rawValue },
            write: { (batches) async throws(Fault) -> [SpokeID: Outcome] in
                do throws(Fault) {
                    let outcomes = try await apply(batches)
                    metrics.journalCommits.add(1, ordering: .relaxed)
                    applied(batches)
                    return outcomes
                } catch {
                    metrics.journalFailures.add(1, ordering: .relaxed)
                    logger.warning(
                        "Journal records could not be committed; their spokes keep them.",
                        metadata: ["batches": "\(batches.count)", "code": "\(error.code.rawValue)"]
                    )
                    throw error
                }
            }
        )
    }

    /// Two commits under way keep the disk and one core busy; more bring nothing (measured, stack.md part 3).
    private static let lanes = 2
    /// Batches of one commit. A link has one batch under way, so this is also spokes per commit.
    private static let batchesMax = 256
    /// Batches that may wait. Each spoke has at most one, so this bounds a fleet, not a burst.
    private static let capacity = 20_000

    /// Commits until it is told to finish.
    func run() async { await writer.run() }

    /// What was handed over is still committed; nothing more is taken.
    func finish() { writer.finish() }

    /// Hands a batch over; `done` is called once, on any thread, after the commit.
    func submit(
        _ spoke: SpokeID,
        incarnation: String,
        _ records: [StreamRecord],
        done: @escaping @Sendable (Outcome) -> Void
    ) {
        let began = ContinuousClock.now
        let metrics = metrics
        writer.submit(Batch(spoke: spoke, incarnation: incarnation, records: records)) { result in
            metrics.journalWait.add(Int((ContinuousClock.now - began).nanoseconds), ordering: .relaxed)
            guard case .success(let outcomes) = result, let outcome = outcomes[spoke] else { return done(.failed) }
            if case .applied = outcome {
                metrics.journalBatches.add(1, ordering: .relaxed)
                metrics.journalRecords.add(records.count, ordering: .relaxed)
                metrics.journalBytes.add(records.reduce(0) { $0 + $1.payload.count }, ordering: .relaxed)
            }
            done(outcome)
        }
    }
}
