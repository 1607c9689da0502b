import Foundation
import Protocol

/// Microseconds per message, one thread, beside Foundation's coders on the same value.
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

    /// - Parameter seconds: how long each loop runs.
    static func figures(seconds: Double) -> [Figure] {
        let frame = FrameCodec.encode(.callRequested(call))
        let envelope = Envelope(type: "call.requested", payload: call)
        let text = WireCoder.bytes(of: envelope)
        let write = cost(seconds) { FrameCodec.encode(.callRequested(call)).count }
        let read = cost(seconds) { (try? FrameCodec.decode(frame)) == nil ? 0 : 1 }
        let foundationWrite = cost(seconds) { WireCoder.bytes(of: envelope).count }
        let foundationRead = cost(seconds) { (try? WireCoder.value(Envelope.self, from: text)) == nil ? 0 : 1 }
        return [
            message("call.requested (\(frame.count) B) write", write, foundationWrite),
            message("call.requested (\(frame.count) B) read", read, foundationRead),
        ] + batches(of: 64 << 10, count: 10, seconds) + batches(of: 200, count: 512, seconds)
    }

    private static func message(_ name: String, _ ours: Double, _ foundation: Double) -> Figure {
        let peer = String(format: "Foundation JSON %.2f µs", foundation)
        return Figure(name, String(format: "%.2f µs", ours), against: peer, ratio: foundation / ours, .atLeast(4))
    }

    private static func batches(of bytes: Int, count: Int64, _ seconds: Double) -> [Figure] {
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
        func figure(_ verb: String, _ microseconds: Double) -> Figure {
            Figure(
                "batch of \(count) × \(bytes) B, \(verb)",
                String(format: "%.0f MB/s", Double(frame.count) / microseconds),
                against: String(format: "%.2f µs/record", microseconds / Double(count))
            )
        }
        return [
            figure("write", cost(seconds) { FrameCodec.encode(message).count }),
            figure("read", cost(seconds) { (try? FrameCodec.decode(frame)) == nil ? 0 : 1 }),
            figure(
                "chain check",
                cost(seconds) {
                    var receiver = StreamReceiver(stream: .journal, from: .start(of: 1), limits: .standard)
                    return receiver.received(records).count
                }
            ),
        ]
    }

    /// Microseconds of processor per run of `body`, which answers with anything that depends on its work.
    private static func cost(_ seconds: Double, _ body: () -> Int) -> Double {
        var (runs, kept) = (0, 0)
        let (start, began) = (ContinuousClock.now, ThreadClock.now())
        repeat {
            for _ in 0..<10 { kept &+= body() }
            runs += 10
        } while ContinuousClock.now - start < .seconds(seconds)
        precondition(kept != 0, "The work was left out.")
        return (ThreadClock.now() - began) * 1e6 / Double(runs)
    }
}

/// Processor time: what a busy neighbour does not lengthen.
enum ThreadClock {
    /// Seconds that the calling thread has computed.
    static func now() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}
