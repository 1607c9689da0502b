import Foundation
import Protocol

/// Microseconds per message, one thread.
enum CodecBenchmark {
    private struct Envelope: Codable {
        var type: String
        var payload: CallRequested
    }

    static let call = CallRequested(
        requestId: "0b8e7f0a-6a4e-4f1e-9d55-0d8c6c7d3c11",
        operationId: "session.state",
        input: [
            "state": "running", "branch": "agent/task-1234-fix-login", "pid": 4711, "tokens": 123_456,
            "note": "edited \"Sources/App/Login.swift\"",
        ],
        sessionId: "5f0c9a52-2f2d-4f0b-8f0c-2b8a0d9d7a10",
        timestamp: 1_760_000_000_123
    )

    static func run() throws {
        let frame = FrameCodec.encode(.callRequested(call))
        measure("call.requested write", bytes: frame.count) { FrameCodec.encode(.callRequested(call)).count }
        try measure("call.requested read", bytes: frame.count) {
            try FrameCodec.decode(frame) == .unrecognized(type: "") ? 0 : 1
        }
        let envelope = Envelope(type: "call.requested", payload: call)
        let text = WireCoder.bytes(of: envelope)
        measure("  Foundation write", bytes: text.count) { WireCoder.bytes(of: envelope).count }
        try measure("  Foundation read", bytes: text.count) {
            try WireCoder.value(Envelope.self, from: text).type.utf8.count
        }
        try batches(of: 64 << 10, count: 10)
        try batches(of: 200, count: 512)
    }

    private static func batches(of bytes: Int, count: Int64) throws {
        let payload = [UInt8](repeating: 7, count: bytes)
        var records: [StreamRecord] = []
        for seq in 1...count {
            let previous = records.last?.hash ?? .origin
            records.append(
                StreamRecord(epoch: 1, seq: seq, at: 0, type: "session.output", payload: payload, after: previous)
            )
        }
        let message = LinkMessage.append(StreamBatch(stream: .journal, records: records))
        let frame = FrameCodec.encode(message)
        measure("batch \(count) × \(bytes) B write", bytes: frame.count) { FrameCodec.encode(message).count }
        try measure("batch \(count) × \(bytes) B read", bytes: frame.count) {
            try FrameCodec.decode(frame) == .unrecognized(type: "") ? 0 : 1
        }
        measure("batch \(count) × \(bytes) B chain check", bytes: frame.count) {
            var receiver = StreamReceiver(stream: .journal, from: .start(of: 1), limits: .standard)
            return receiver.received(records).count
        }
    }

    /// Runs for about half a second; `body` answers with anything that depends on its work.
    private static func measure(_ name: String, bytes: Int, _ body: () throws -> Int) rethrows {
        var (rounds, kept) = (0, 0)
        let start = ContinuousClock.now
        while ContinuousClock.now - start < .milliseconds(500) {
            for _ in 0..<10 { kept &+= try body() }
            rounds += 10
        }
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        let each = seconds / Double(rounds) * 1e6
        let rate = Double(bytes) * Double(rounds) / seconds / 1e6
        let figures = String(format: "%9.2f µs/message %9.1f MB/s", each, rate)
        print(name.padding(toLength: 32, withPad: " ", startingAt: 0), figures, kept == 0 ? "?" : "")
    }
}
