import Foundation
import Protocol
import TestSupport
import Testing

/// The hand-written codec against Foundation's, and against everything a peer must not say.
@Suite struct CodecTests {
    private struct Envelope<Payload: Codable>: Codable {
        var type: String
        var id: String?
        var payload: Payload
    }

    private func agrees<Payload: Codable & Equatable>(
        _ payload: Payload,
        _ type: String,
        _ message: LinkMessage
    ) throws {
        let ours = FrameCodec.encode(message).bytes
        let theirs = WireCoder.bytes(of: Envelope(type: type, payload: payload))
        #expect(try FrameCodec.decode(.text(theirs)) == .message(message))
        #expect(try WireCoder.value(Envelope<Payload>.self, from: ours).payload == payload)
    }

    @Test func bothCodersAgreeOnEveryFrequentMessage() throws {
        var random = SplitMix64(seed: 1)
        for _ in 0..<200 {
            let call = CallRequested(
                requestId: Arbitrary.text(&random),
                operationId: Arbitrary.text(&random),
                input: Arbitrary.json(&random),
                parentRequestId: random.chance(50) ? nil : Arbitrary.text(&random),
                deadline: random.chance(50) ? nil : Arbitrary.milliseconds(&random),
                sessionId: random.chance(50) ? nil : SessionID(Arbitrary.text(&random)),
                timestamp: Arbitrary.milliseconds(&random)
            )
            try agrees(call, "call.requested", .callRequested(call))
            let answer = CallResponded(
                requestId: Arbitrary.text(&random),
                output: Arbitrary.json(&random),
                timestamp: Arbitrary.milliseconds(&random)
            )
            try agrees(answer, "call.responded", .callResponded(answer))
            let end = CallEnded(
                requestId: Arbitrary.text(&random),
                wantsProof: [nil, true, false].randomElement(using: &random) ?? nil,
                timestamp: Arbitrary.milliseconds(&random)
            )
            try agrees(end, "call.completed", .callCompleted(end))
            try agrees(end, "call.aborted", .callAborted(end))
            let error = CallError(
                code: .timeout,
                message: Arbitrary.text(&random),
                details: random.chance(50) ? nil : .object(["a": Arbitrary.json(&random)]),
                retryable: random.chance(50)
            )
            let failure = CallFailed(requestId: Arbitrary.text(&random), error: error, timestamp: 1)
            try agrees(failure, "call.error", .callFailed(failure))
            let load = HostLoad(cpu: Double.random(in: 0...4, using: &random), memory: 1, disk: 0)
            let beat = LinkHeartbeat(load: load, sessions: 2, journalNext: 3, commandsApplied: 4)
            try agrees(beat, "link.heartbeat", .heartbeat(beat))
            let rewind = StreamRewind(stream: .commands, epoch: 1, from: 2, reason: Arbitrary.text(&random))
            try agrees(rewind, "stream.rewind", .rewind(rewind))
            let unknown = UnknownMessage(unknownType: Arbitrary.text(&random))
            try agrees(unknown, "protocol.unknown", .unknown(unknown))
        }
        let ack = LinkHeartbeatAcknowledged(heartbeatMilliseconds: nil)
        try agrees(ack, "link.heartbeat.ack", .heartbeatAcknowledged(ack))
        let credit = CallCredit(requestId: "r", values: 9)
        try agrees(credit, "call.credit", .callCredit(credit))
    }

    @Test func treesSurviveTheirTextAndFoundationReadsTheSame() throws {
        var random = SplitMix64(seed: 2)
        for _ in 0..<500 {
            let tree = Arbitrary.json(&random)
            let bytes = tree.serialized()
            #expect(try JSONValue(parsing: bytes) == tree)
            #expect(try JSONDecoder().decode(JSONValue.self, from: Data(bytes)) == tree)
            #expect(try JSONValue(parsing: WireCoder.bytes(of: tree)) == tree)
        }
    }

    @Test func numbersAreReadAsTheyAreMeant() throws {
        let cases: [(String, JSONValue)] = [
            ("0", 0), ("-0", 0), ("9223372036854775807", .integer(.max)), ("-9223372036854775808", .integer(.min)),
            ("9223372036854775808", .number(9_223_372_036_854_775_808)), ("1.0", 1), ("1e2", 100),
            ("0.5", .number(0.5)),
            ("-1.5e-3", .number(-0.0015)), ("\t\n 7 \r", 7),
        ]
        for (text, value) in cases { #expect(try JSONValue(parsing: .init(text)) == value, "\(text)") }
        #expect(try JSONValue(parsing: .init(#""\ud83d\ude00\u00e4\/\b\f""#)) == .string("😀ä/\u{8}\u{C}"))
    }

    @Test func whatIsNotStrictJSONIsRefused() {
        let broken = [
            "", " ", "{", "[1,]", "{\"a\":1,}", "{\"a\" 1}", "{a:1}", "01", "-", "1.", ".5", "1e", "+1", "NaN",
            "1e999", "tru", "nulll", "[1 2]", "\"\u{1}\"", "\"\\x\"", "\"\\u12\"", "\"\\ud800\"", "\"\\ud800\\u0041\"",
            "\"\\udc00\"", "\"abc", "{} {}", "{\"a\":1,\"a\":2}", "{\"a\":{\"b\":1,\"\\u0062\":2}}", "'a'", "[1}",
            "\"\\",
            String(repeating: "[", count: 65) + String(repeating: "]", count: 65),
            String(repeating: "{\"a\":", count: 100_000), "1" + String(repeating: "0", count: 2_000),
        ]
        for text in broken { #expect(throws: Fault.self, "\(text.prefix(30))") { try JSONValue(parsing: .init(text)) } }
        #expect(throws: Fault.self) { try JSONValue(parsing: [34, 0xC3, 0x28, 34]) }
        #expect(throws: Fault.self) { try JSONValue(parsing: [34, 92, 110, 0xFF, 34]) }
    }

    @Test func depthAndNumberOfValuesAreBounded() throws {
        let deep = String(repeating: "[", count: 64) + String(repeating: "]", count: 64)
        #expect(throws: Never.self) { try JSONValue(parsing: .init(deep)) }
        let many = "[" + String(repeating: "0,", count: Limits.jsonValues) + "0]"
        #expect(throws: Fault.self) { try JSONValue(parsing: .init(many)) }
    }

    @Test func eachKindOfNonsenseHasItsCloseCode() {
        func code(_ frame: Frame) -> UInt16? {
            do throws(CloseReason) {
                _ = try FrameCodec.decode(frame)
                return nil
            } catch {
                return error.code
            }
        }
        #expect(code(.text(.init("{"))) == 1002)
        #expect(code(.text(.init(#"{"type":"link.hello"}"#))) == 1002)
        #expect(code(.text(.init(#"{"payload":{}}"#))) == 1002)
        #expect(code(.text(.init(#"{"type":"call.credit","payload":{"requestId":"r","values":-1}}"#))) == 1002)
        #expect(code(.text(.init(#"{"type":"journal.acknowledged","payload":{"epoch":1,"seq":1e300}}"#))) == 1002)
        #expect(code(.text(.init(#"{"type":"x","type":"y","payload":{}}"#))) == 1002)
        #expect(code(.text([123, 34, 0xFF, 34, 58, 49, 125])) == 1007)
        #expect(code(.text(.init(String(repeating: "[", count: 100)))) == 1002)
        let deep = #"{"type":"x","payload":"# + String(repeating: "[", count: 100)
        #expect(code(.text(.init(deep))) == 1009)
        #expect(code(.text([UInt8](repeating: 32, count: Limits.frameBytes + 1))) == 1009)
        #expect(code(.binary([])) == 1002)
        #expect(code(.binary([1, 0, 0])) == 1002)
        let batch = FrameCodec.encode(.append(StreamBatch(stream: .journal, records: Samples.records))).bytes
        #expect(code(.binary(batch.dropLast())) == 1002)
        #expect(code(.binary(batch + [0])) == 1002)
        var huge = batch
        huge.replaceSubrange(1..<9, with: [UInt8](repeating: 0xFF, count: 8))
        #expect(code(.binary(huge)) == 1002)
    }

    @Test func everyMillisecondSurvivesItsText() {
        for offset in Int64(0)..<1_000 {
            let date = Date(milliseconds: 1_760_000_000_000 + offset)
            #expect(Date(wireText: date.wireText) == date)
        }
    }

    @Test func aCloseReasonFitsItsFrame() {
        let reason = CloseReason(code: 4002, text: String(repeating: "ä", count: 100))
        #expect(reason.text.utf8.count == 122)
    }
}

/// Random values that JSON can say exactly.
enum Arbitrary {
    static func text(_ random: inout SplitMix64) -> String {
        let letters: [Character] = [
            "a", "Z", "0", "\"", "\\", "/", "\n", "\u{1}", "\u{1F}", "ä", "😀", "\u{2028}", " ", "é",
        ]
        return String(
            (0..<Int.random(in: 0...12, using: &random)).map { _ in letters.randomElement(using: &random) ?? "a" }
        )
    }

    static func milliseconds(_ random: inout SplitMix64) -> Int64 {
        Int64.random(in: -Limits.streamNumber...Limits.streamNumber, using: &random)
    }

    static func json(_ random: inout SplitMix64, depth: Int = 4) -> JSONValue {
        switch Int.random(in: 0..<(depth > 0 ? 8 : 6), using: &random) {
        case 0: return .bool(random.chance(50))
        case 1: return .integer(Int64.random(in: .min ... .max, using: &random))
        case 2: return .number(Double.random(in: -1e6...1e6, using: &random) + 0.123456789)
        case 3, 4: return .string(text(&random))
        case 5: return .integer(Int64.random(in: -10...10, using: &random))
        case 6: return .array((0..<Int.random(in: 0...4, using: &random)).map { _ in json(&random, depth: depth - 1) })
        default:
            let pairs = (0..<Int.random(in: 0...4, using: &random)).map { _ in
                (text(&random), json(&random, depth: depth - 1))
            }
            return .object(Dictionary(pairs, uniquingKeysWith: { $1 }))
        }
    }
}
