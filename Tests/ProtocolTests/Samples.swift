import Foundation
import Protocol

/// One of every message, as hub and spoke would say it. The fixtures are these, as bytes.
enum Samples {
    static let hash = ChainHash.origin.appending(Array("sample".utf8))

    static let hello = LinkHello(
        spokeId: "0b8e7f0a-6a4e-4f1e-9d55-0d8c6c7d3c11",
        name: "build-7",
        incarnation: "5f0c9a52-2f2d-4f0b-8f0c-2b8a0d9d7a10",
        bootId: "c0ffee00-0000-4000-8000-000000000001",
        spokeType: .devEnvironment,
        hostInfo: HostInfo(
            os: "linux",
            arch: "x86_64",
            cpus: 8,
            memoryBytes: 16 << 30,
            diskFreeBytes: 100 << 30,
            gitVersion: "2.39.5",
            spokeVersion: "0.2.0"
        ),
        labels: ["gpu": "none", "zone": "a/b"],
        slots: 4,
        draining: false,
        journal: JournalSummary(epoch: 2, first: 17, next: 42, headHash: hash),
        commands: StreamMark(epoch: 1, seq: 9, hash: hash),
        operations: OperationsSummary(hash: "abc", specs: [["name": "read", "version": 1]]),
        sessions: [
            SessionSummary(
                sessionId: "s-1",
                fence: 3,
                state: .running,
                pid: 4711,
                startedAt: Date(milliseconds: 1_760_000_000_123)
            )
        ],
        worktrees: [WorktreeSummary(workspaceId: "w-1", branch: "wt/fix", head: "deadbeef", dirty: true)]
    )

    static let welcome = LinkWelcome(
        hubId: "hub-1",
        heartbeatMilliseconds: 15_000,
        silenceMilliseconds: 45_000,
        journalAcknowledged: StreamMark(epoch: 2, seq: 41, hash: hash),
        commandsEpoch: 1,
        commandsNext: 12,
        operationsWanted: true,
        limits: .standard,
        serverTime: Date(milliseconds: 1_760_000_000_456),
        verdicts: [SessionVerdict(sessionId: "s-1", verdict: .adopt)]
    )

    static let requested = CallRequested(
        requestId: "r-1",
        operationId: "coord.spawn",
        input: ["project": "nave", "count": 3, "ratio": .number(0.25), "names": ["ä", "\"quoted\"\n"], "none": .null],
        parentRequestId: "r-0",
        deadline: 1_760_000_010_000,
        idleTimeout: 30_000,
        sessionId: "s-1",
        idempotencyKey: "once",
        traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        timestamp: 1_760_000_000_000
    )

    /// With what the hub, and what a caller over a link, may say besides.
    static let routed = CallRequested(
        requestId: "r-2",
        operationId: "fs.read",
        input: [:],
        identity: Identity(id: "a-1", scopes: ["fs:read"], resources: ["project:p-1": ["read"]]),
        target: CallTarget(spokeName: "build-7", labels: ["gpu": "yes"]),
        metadata: ["lastEventId": "7"],
        timestamp: 1_760_000_000_000
    )

    static let records: [StreamRecord] = {
        var previous = hash
        return [("session.started", Array("{\"pid\":4711}".utf8)), ("session.output", [0, 10, 255, 128, 34])]
            .enumerated().map { place, content in
                let record = StreamRecord(
                    epoch: 2,
                    seq: 42 + Int64(place),
                    at: 1_760_000_000_000 + Int64(place),
                    type: content.0,
                    payload: content.1,
                    after: previous
                )
                previous = record.hash
                return record
            }
    }()

    /// By the name of the fixture.
    static let all: [(name: String, message: LinkMessage)] = [
        ("link.hello", .hello(hello)),
        ("link.welcome", .welcome(welcome)),
        (
            "link.refused",
            .refused(LinkRefused(code: .diverged, message: "Join it anew.", retryAfterMilliseconds: 5_000))
        ),
        (
            "link.goodbye",
            .goodbye(
                LinkGoodbye(
                    reason: .drain,
                    message: "Back soon.",
                    retryAfterMilliseconds: 2_000,
                    elsewhere: "wss://other.example"
                )
            )
        ),
        (
            "link.heartbeat",
            .heartbeat(
                LinkHeartbeat(
                    load: HostLoad(cpu: 0.5, memory: 0.25, disk: 1e-05),
                    sessions: 3,
                    journalNext: 42,
                    commandsApplied: 9
                )
            )
        ),
        ("link.heartbeat.ack", .heartbeatAcknowledged(LinkHeartbeatAcknowledged(heartbeatMilliseconds: 60_000))),
        ("journal.append", .append(StreamBatch(stream: .journal, records: records))),
        ("commands.append", .append(StreamBatch(stream: .commands, records: records))),
        ("journal.acknowledged", .acknowledged(StreamPosition(stream: .journal, epoch: 2, seq: 43))),
        ("commands.acknowledged", .acknowledged(StreamPosition(stream: .commands, epoch: 1, seq: 11))),
        ("stream.rewind", .rewind(StreamRewind(stream: .journal, epoch: 2, from: 42, reason: "A hole."))),
        (
            "link.operations",
            .operations(OperationsSummary(hash: "abd", specs: [["namespace": "fs", "name": "read"]]))
        ),
        (
            "link.operations.ack",
            .operationsTaken(
                OperationsTaken(
                    hash: "abd",
                    registered: 12,
                    refusals: [.init(operation: "fs.read", code: .conflict, message: "inputSchema differs.")]
                )
            )
        ),
        ("call.requested", .callRequested(requested)),
        ("call.requested.routed", .callRequested(routed)),
        (
            "call.responded",
            .callResponded(
                CallResponded(
                    requestId: "r-1",
                    output: ["data": ["ok": true], "meta": ["source": "local"]],
                    timestamp: 1_760_000_000_001
                )
            )
        ),
        ("call.completed", .callCompleted(CallEnded(requestId: "r-1", timestamp: 1_760_000_000_002))),
        ("call.aborted", .callAborted(CallEnded(requestId: "r-1", timestamp: 1_760_000_000_003))),
        (
            "call.error",
            .callFailed(
                CallFailed(
                    requestId: "r-1",
                    error: CallError(
                        code: .conflict,
                        message: "Another session holds it.",
                        details: ["holder": "s-2"],
                        retryable: true
                    ),
                    timestamp: 1_760_000_000_004
                )
            )
        ),
        ("call.credit", .callCredit(CallCredit(requestId: "r-1", values: 64))),
        ("protocol.unknown", .unknown(UnknownMessage(unknownType: "link.teleport"))),
    ]
}

extension Frame {
    var bytes: [UInt8] {
        switch self {
        case .text(let bytes), .binary(let bytes): bytes
        }
    }
}

extension Array<UInt8> {
    init(_ text: String) { self = Array(text.utf8) }

    var text: String { String(decoding: self, as: UTF8.self) }
}
