public import HubDomains
import Protocol
import Synchronization

/// Everything that this process counts, for `/metrics` and for whoever wonders what a hub does all day.
public final class HubMetrics: Sendable {
    private struct CallKey: Hashable {
        let operation: String
        let outcome: String
    }

    private struct CallCount {
        var calls: Int64 = 0
        var seconds = 0.0
    }

    private struct Counts {
        var calls: [CallKey: CallCount] = [:]
        var refusals: [String: Int64] = [:]
    }

    private let counts = Mutex(Counts())
    /// Links that are open on this process.
    let linksOpen = Atomic<Int>(0)
    /// Links that were opened since the process began.
    let linksOpened = Atomic<Int>(0)
    /// Links that ended, for whatever reason.
    let linksEnded = Atomic<Int>(0)
    let journalBatches = Atomic<Int>(0)
    let journalRecords = Atomic<Int>(0)
    let journalBytes = Atomic<Int>(0)
    let journalCommits = Atomic<Int>(0)
    let journalFailures = Atomic<Int>(0)
    /// Nanoseconds that batches waited from their arrival to their commit, summed.
    let journalWait = Atomic<Int>(0)
    let commandsSent = Atomic<Int>(0)
    let subscriptionsOpen = Atomic<Int>(0)
    /// WebSockets of coordinators.
    let coordinatorsOpen = Atomic<Int>(0)
    /// Answers of peers to calls that were over, or that nobody asked for.
    let answersIgnored = Atomic<Int>(0)
    /// Answers of spokes that did not fit their schemas.
    let answersMisshapen = Atomic<Int>(0)

    private let callRecords: CallRecorderCounts

    /// - Parameter calls: What the call graph's recorder counts.
    public init(calls: CallRecorderCounts = CallRecorderCounts()) { callRecords = calls }

    /// One call ended, by `outcome` `ok` or a fault's code.
    func callEnded(_ operation: String, outcome: String, seconds: Double) {
        counts.withLock { counts in
            let key = CallKey(operation: operation, outcome: outcome)
            // Names come from the table, so the set is small; a flood of unknown ones is one name.
            counts.calls[key, default: .init()].calls += 1
            counts.calls[key, default: .init()].seconds += seconds
        }
    }

    /// A request was turned away before it reached an operation.
    func refused(_ code: Fault.Code) {
        counts.withLock { $0.refusals[code.rawValue, default: 0] += 1 }
    }

    /// All of it as Prometheus text.
    func exposition() -> String {
        var page = PrometheusText()
        let (calls, refusals) = counts.withLock { ($0.calls, $0.refusals) }
        let ordered = calls.sorted { ($0.key.operation, $0.key.outcome) < ($1.key.operation, $1.key.outcome) }
        page.family("nave_calls_total", .counter, help: "Calls that ended, by operation and outcome.")
        for (key, count) in ordered {
            page.sample(
                "nave_calls_total",
                ["operation": key.operation, "outcome": key.outcome],
                Double(count.calls)
            )
        }
        page.family("nave_call_seconds_total", .counter, help: "Seconds spent in calls, by operation and outcome.")
        for (key, count) in ordered {
            page.sample(
                "nave_call_seconds_total",
                ["operation": key.operation, "outcome": key.outcome],
                count.seconds
            )
        }
        page.family("nave_refusals_total", .counter, help: "Requests turned away before any operation, by code.")
        for (code, count) in refusals.sorted(by: { $0.key < $1.key }) {
            page.sample("nave_refusals_total", ["code": code], Double(count))
        }
        numbers(into: &page)
        return page.text
    }

    private func numbers(into page: inout PrometheusText) {
        func value(_ number: borrowing Atomic<Int>) -> Double { Double(number.load(ordering: .relaxed)) }
        page.single("nave_links", .gauge, help: "Links open on this hub.", value(linksOpen))
        page.single("nave_links_opened_total", .counter, help: "Links opened.", value(linksOpened))
        page.single("nave_links_ended_total", .counter, help: "Links ended.", value(linksEnded))
        page.single("nave_subscriptions", .gauge, help: "Subscriptions running.", value(subscriptionsOpen))
        page.single("nave_coordinators", .gauge, help: "WebSockets of coordinators.", value(coordinatorsOpen))
        page.single(
            "nave_answers_ignored_total",
            .counter,
            help: "Answers that came late or that nobody had asked for.",
            value(answersIgnored)
        )
        page.single(
            "nave_answers_misshapen_total",
            .counter,
            help: "Answers of spokes that did not fit their schemas.",
            value(answersMisshapen)
        )
        page.single("nave_journal_batches_total", .counter, help: "Batches applied.", value(journalBatches))
        page.single("nave_journal_records_total", .counter, help: "Records applied.", value(journalRecords))
        page.single("nave_journal_bytes_total", .counter, help: "Payload bytes applied.", value(journalBytes))
        page.single("nave_journal_commits_total", .counter, help: "Group commits.", value(journalCommits))
        page.single("nave_journal_failures_total", .counter, help: "Group commits failed.", value(journalFailures))
        page.single(
            "nave_journal_wait_seconds_total",
            .counter,
            help: "Seconds that batches waited for their commit.",
            value(journalWait) / 1_000_000_000
        )
        recorded(into: &page, value)
        page.single("nave_commands_sent_total", .counter, help: "Commands sent to spokes.", value(commandsSent))
    }

    private func recorded(into page: inout PrometheusText, _ value: (borrowing Atomic<Int>) -> Double) {
        let counts = callRecords
        page.single("nave_call_records_total", .counter, help: "Calls written to the graph.", value(counts.written))
        page.single(
            "nave_call_records_dropped_total",
            .counter,
            help: "Calls that the graph lacks because the database was away for too long.",
            value(counts.dropped)
        )
        page.single(
            "nave_call_record_failures_total",
            .counter,
            help: "Batches of calls that failed.",
            value(counts.failures)
        )
        page.single("nave_call_records_waiting", .gauge, help: "Calls not yet written.", value(counts.waiting))
    }
}
