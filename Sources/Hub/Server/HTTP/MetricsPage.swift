import HubDomains
import Postgres
import Protocol
import Synchronization

/// `/metrics`: what this process counts and how it stands, as Prometheus text (docs/metrics.md).
struct MetricsPage: Sendable {
    let metrics: HubMetrics
    let recorder: CallRecorderCounts
    let pool: PoolGauges
    let mcpSessions: MCPSessions
    let detections: DetectionCounts

    var text: String {
        var page = PrometheusText()
        calls(into: &page)
        records(into: &page)
        links(into: &page)
        journal(into: &page)
        detections(into: &page)
        pool(into: &page)
        ProcessFigures.now().map { process($0, into: &page) }
        return page.text
    }

    private func calls(into page: inout PrometheusText) {
        let counts = metrics.counted
        page.family("nave_calls_total", .counter, help: "Calls that ended, by operation and outcome.")
        let calls = counts.calls.sorted { ($0.key.operation, $0.key.outcome) < ($1.key.operation, $1.key.outcome) }
        for (key, count) in calls {
            page.sample("nave_calls_total", ["operation": key.operation, "outcome": key.outcome], Double(count))
        }
        page.family("nave_call_seconds", .histogram, help: "How long calls took, by operation.")
        for (operation, latencies) in counts.latencies.sorted(by: { $0.key < $1.key }) {
            page.histogram("nave_call_seconds", "operation", operation, latencies)
        }
        page.family("nave_refusals_total", .counter, help: "Requests answered with an error, by code.")
        for (code, count) in counts.refusals.sorted(by: { $0.key < $1.key }) {
            page.sample("nave_refusals_total", ["code": code], Double(count))
        }
        page.single("nave_calls_open", .gauge, help: "Calls under way.", value(metrics.callsOpen))
        page.single("nave_subscriptions", .gauge, help: "Subscriptions under way.", value(metrics.subscriptionsOpen))
        page.single("nave_coordinators", .gauge, help: "WebSockets of coordinators.", value(metrics.coordinatorsOpen))
        page.single(
            "nave_answers_ignored_total",
            .counter,
            help: "Answers that came late or that nobody had asked for.",
            value(metrics.answersIgnored)
        )
        page.single(
            "nave_answers_misshapen_total",
            .counter,
            help: "Answers and errors of providers that did not fit their schemas.",
            value(metrics.answersMisshapen)
        )
        page.single("nave_mcp_sessions", .gauge, help: "MCP sessions kept.", Double(mcpSessions.count))
    }

    private func records(into page: inout PrometheusText) {
        page.single("nave_call_records_total", .counter, help: "Calls written to the graph.", value(recorder.written))
        page.single(
            "nave_call_records_dropped_total",
            .counter,
            help: "Calls that the graph lacks because nobody could write them in time.",
            value(recorder.dropped)
        )
        page.single(
            "nave_call_record_failures_total",
            .counter,
            help: "Batches of calls that failed.",
            value(recorder.failures)
        )
        page.single("nave_call_records_waiting", .gauge, help: "Calls not yet written.", value(recorder.waiting))
    }

    private func links(into page: inout PrometheusText) {
        page.single("nave_links", .gauge, help: "Links open on this hub.", value(metrics.linksOpen))
        page.single("nave_links_opened_total", .counter, help: "Links opened.", value(metrics.linksOpened))
        page.single("nave_links_ended_total", .counter, help: "Links ended.", value(metrics.linksEnded))
        page.single("nave_commands_sent_total", .counter, help: "Commands sent to spokes.", value(metrics.commandsSent))
        page.single(
            "nave_spoke_sessions",
            .gauge,
            help: "Sessions that run on the spokes connected here.",
            Double(metrics.fleet.sessions)
        )
    }

    private func journal(into page: inout PrometheusText) {
        let lag = metrics.fleet.lag
        page.single(
            "nave_journal_lag_records",
            .gauge,
            help: "Records that the spokes connected here have and the hub has not.",
            Double(lag.sum)
        )
        page.single(
            "nave_journal_lag_records_max",
            .gauge,
            help: "The same of the spoke that is furthest behind.",
            Double(lag.most)
        )
        page.single("nave_journal_batches_total", .counter, help: "Batches applied.", value(metrics.journalBatches))
        page.single("nave_journal_records_total", .counter, help: "Records applied.", value(metrics.journalRecords))
        page.single("nave_journal_bytes_total", .counter, help: "Payload bytes applied.", value(metrics.journalBytes))
        page.single("nave_journal_commits_total", .counter, help: "Group commits.", value(metrics.journalCommits))
        page.single(
            "nave_journal_failures_total",
            .counter,
            help: "Group commits that failed.",
            value(metrics.journalFailures)
        )
        page.single(
            "nave_journal_wait_seconds_total",
            .counter,
            help: "Seconds that batches waited for their commit.",
            value(metrics.journalWait) / 1_000_000_000
        )
    }

    private func detections(into page: inout PrometheusText) {
        page.family("nave_detections_total", .counter, help: "Detections that this hub raised, by type.")
        for (type, count) in detections.raised.sorted(by: { $0.key < $1.key }) {
            page.sample("nave_detections_total", ["type": type], Double(count))
        }
        page.family("nave_detections_open", .gauge, help: "Open detections as of this hub's last round, by type.")
        for (type, count) in detections.open.sorted(by: { $0.key < $1.key }) {
            page.sample("nave_detections_open", ["type": type], Double(count))
        }
        let rounds = detections.rounds
        page.single("nave_detection_rounds_total", .counter, help: "Rounds over all sessions.", Double(rounds.count))
        page.single(
            "nave_detection_round_seconds_total",
            .counter,
            help: "Seconds that these rounds took.",
            rounds.seconds
        )
    }

    private func pool(into page: inout PrometheusText) {
        page.single("nave_pool_connections", .gauge, help: "Connections to Postgres.", value(pool.open))
        page.single("nave_pool_connections_busy", .gauge, help: "Of these, busy ones.", value(pool.busy))
        page.single(
            "nave_pool_waiting",
            .gauge,
            help: "Statements and transactions that wait for a connection.",
            value(pool.waiting)
        )
    }

    /// The names that Prometheus clients of all languages use for a process.
    private func process(_ figures: ProcessFigures, into page: inout PrometheusText) {
        page.family("nave_build_info", .gauge, help: "Always 1; the version is a label.")
        page.sample("nave_build_info", ["version": Release.version], 1)
        page.single("process_cpu_seconds_total", .counter, help: "CPU time used, in seconds.", figures.cpuSeconds)
        page.single(
            "process_resident_memory_bytes",
            .gauge,
            help: "Memory that is resident, in bytes.",
            figures.residentBytes
        )
        page.single("process_open_fds", .gauge, help: "File descriptors that are open.", figures.openDescriptors)
        page.single("process_threads", .gauge, help: "Threads.", figures.threads)
        page.single(
            "process_start_time_seconds",
            .gauge,
            help: "When the process began, in seconds since 1970.",
            figures.startedAt
        )
    }

    private func value(_ number: borrowing Atomic<Int>) -> Double { Double(number.load(ordering: .relaxed)) }
}
