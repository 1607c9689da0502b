import Foundation
import NIOHTTP1
import Protocol
import TestSupport
import Testing
import Transport

/// What anyone might send to a hub, by mistake or on purpose. The goal: each is answered with a code of the contract,
/// none is the hub's fault, and the hub is as well afterwards as it was before. `HOSTILE_SEEDS` sets how many inputs
/// are made up.
@Suite(.serialized)
struct HostileInputTests {
    private static let count = ProcessInfo.processInfo.environment["HOSTILE_SEEDS"].flatMap(Int.init) ?? 300

    @Test func everyBadInputIsAnsweredWithACode() async throws {
        let hub = try await HubUnderTest.start()
        try await badBodies(hub)
        try await mutatedInputs(hub)
        try await badRequests(hub)
        try await badFrames(hub)
        try await longNames(hub)
        #expect(try await hub.request(.GET, "/readyz").status == 200)
        #expect(try await hub.call("account.get").status == 200)
        #expect(await hub.stop() == 0)
    }

    // MARK: Bodies

    /// Texts that are not the JSON that was asked for, each with the code that it gets.
    private func badBodies(_ hub: HubUnderTest) async throws {
        let deep = String(repeating: #"{"a":"#, count: 65) + "1" + String(repeating: "}", count: 65)
        let many = "[" + String(repeating: "0,", count: Limits.jsonValues) + "0]"
        let texts = [
            "{", "[1,", "nul", "\"", "{]", #"{"a" 1}"#, #"{"a":1,}"#, "{} {}", "1 2", "{'a':1}", #"{"a":01}"#,
            #"{"a":1e999}"#,
            #"{"a":"\ud800"}"#, #"{"a":"\x"}"#, "{\"a\":\"\u{1}\"}", #"{"a":1,"a":2}"#, #"{"a":{"b":1,"b":1}}"#, "NaN",
            "\u{FEFF}{}", "-", "[]", "3", "null", "true", #""text""#, #"{"operation":3}"#, #"{"operation":null}"#,
            #"{"operation":["a"]}"#, #"{"operation":{"a":1}}"#, #"{"unheard":1}"#,
            #"{"\#(String(repeating: "k", count: 9_000))":1}"#,
            deep, many, String(repeating: "[", count: 100_000),
            #"{"operation":"\#(String(repeating: "a", count: 1 << 20))"}"#,
        ]
        let bytes: [[UInt8]] = [
            [0xFF, 0xFE, 0x7B, 0x7D], [0x7B, 0x22, 0xC3, 0x22, 0x3A, 0x31, 0x7D], [0], [0x7B, 0, 0x7D],
        ]
        let bearer = [("authorization", "Bearer \(hub.key)")]
        for body in texts.map({ Array($0.utf8) }) + bytes {
            let reply = try await hub.request(.POST, "/v1/call/operation.schema", body, bearer)
            let shown = String(decoding: body.prefix(60), as: UTF8.self)
            let isLate = reply.code == "OPERATION_NOT_FOUND" && body.count > 1 << 19
            #expect(reply.code == "VALIDATION_ERROR" || isLate, "\(shown): \(reply.status) \(reply.body.described)")
            #expect(reply.body["error"]?["message"]?.stringValue?.isEmpty == false, "\(shown)")
            if !isLate { #expect(reply.listsViolations, "\(shown): \(reply.body.described)") }
        }
    }

    /// Names as long as a body, a frame and a message may be: no answer and no record is.
    private func longNames(_ hub: HubUnderTest) async throws {
        let name = String(repeating: "k", count: 3 << 20)
        let most = Limits.errorDetailsBytes + 6 * Limits.errorMessageBytes + 200
        for body in ["{\"\(name)\":1}", "{\"limit\":\"\(name)\"}", "{\"cursor\":\"\(name)\"}", "\"\(name)\""] {
            let reply = try await hub.call("operation.list", body)
            #expect(reply.status == 400 && reply.body.serialized().count <= most, "\(reply.body.described)")
        }
        let coordinator = try await FakeCoordinator.dial(hub)
        coordinator.ask("operation.list", [String(name.prefix(600_000)): 1], id: "long")
        guard case .failed(let failure) = try await coordinator.end(of: "long") else {
            throw Fault(.execution, "It was answered.")
        }
        #expect(failure.error.code == .validation)
        #expect(failure.error.message.utf8.count <= Limits.errorMessageBytes)
        coordinator.line.connection.close(.normal)

        func say(_ message: JSONValue, _ session: String? = nil) async throws -> HubUnderTest.Reply {
            let headers = [("authorization", "Bearer \(hub.key)")] + (session.map { [("mcp-session-id", $0)] } ?? [])
            return try await hub.request(.POST, "/mcp", message.serialized(), headers)
        }
        func tool(_ name: String, _ arguments: JSONValue, id: JSONValue = 1) -> JSONValue {
            [
                "jsonrpc": "2.0", "id": id, "method": "tools/call",
                "params": ["name": .string(name), "arguments": arguments],
            ]
        }
        let opening: JSONValue = [
            "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": ["protocolVersion": "2025-03-26"],
        ]
        let session = try #require(try await say(opening).headers.first(name: "mcp-session-id"))
        let messages = [
            tool("list", [name: 1]), tool("call", [name: 1]), tool("call", ["operation": .string(name)]),
            tool("call", ["operation": "account.get", "idempotencyKey": .string(name)]), tool(name, [:]),
            tool("list", [:], id: .string(name)), ["jsonrpc": "2.0", "id": 1, "method": .string(name)],
        ]
        for message in messages {
            let answer = try await say(message, session).body
            #expect(answer.serialized().count <= Limits.mcpResultBytes, "\(answer.described)")
            #expect(answer["error"] != nil || answer["result"]?["isError"] == true, "\(answer.described)")
        }

        let failed =
            try await hub.call("call.list", #"{"status":"failed","limit":100}"#).data?["calls"]?.arrayValue ?? []
        #expect(!failed.isEmpty)
        for call in failed { #expect(call["error"]?.serialized().count ?? 0 <= most, "\(call.described)") }
    }

    /// The examples of every operation, with something in them exchanged.
    private func mutatedInputs(_ hub: HubUnderTest) async throws {
        let reply = try await hub.call("operation.list")
        let names = (reply.data?["operations"]?.arrayValue ?? []).filter { $0["type"] != "subscription" }
            .compactMap { $0["id"]?.stringValue }
        #expect(names.count > 30)
        var examples: [String: [JSONValue]] = [:]
        for name in names {
            let schema = try await hub.call("operation.schema", #"{"operation":"\#(name)"}"#).data?["inputSchema"]
            examples[name] = schema?["examples"]?.arrayValue ?? [[:]]
        }
        for seed in 0..<UInt64(Self.count) {
            var random = SplitMix64(seed: seed)
            let name = names[Int(seed) % names.count]
            let example = examples[name]?.first ?? [:]
            var body = Mutation.value(example, &random).serialized()
            if random.chance(30) { Mutation.bytes(&body, &random) }
            let headers = [("authorization", "Bearer \(hub.key)"), ("x-deadline", "2s")]
            let answer = try await hub.request(.POST, "/v1/call/\(name)", body, headers)
            // No spoke is there, and that is no fault of the hub's.
            let isFine = answer.status < 500 || answer.code == "UNAVAILABLE" || answer.code == "TIMEOUT"
            let text = String(decoding: body.prefix(300), as: UTF8.self)
            #expect(isFine, "seed \(seed), \(name): \(text) → \(answer.status) \(answer.body.described)")
            #expect(answer.status == 200 || Self.codes.contains(answer.code ?? ""), "seed \(seed), \(name): \(text)")
        }
    }

    private static let codes = Set(Fault.Code.all.map(\.rawValue))

    // MARK: Requests

    /// What is no HTTP, or none that makes sense: an answer, or words, never silence.
    private func badRequests(_ hub: HubUnderTest) async throws {
        let bearer = "Authorization: Bearer \(hub.key)\r\n"
        func post(_ headers: String, _ body: String = "{}", path: String = "/v1/call/account.get") -> String {
            "POST \(path) HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\(bearer)\(headers)\r\n\(body)"
        }
        let requests = [
            "GET /livez HTTP/9.9\r\n\r\n", "BREW /livez HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n",
            "GET\r\n\r\n", "\u{16}\u{3}\u{1}\u{2}\0\u{1}\r\n\r\n", post("Content-Length: -1\r\n"),
            post("Content-Length: 2\r\nContent-Length: 3\r\n"), post("Content-Length: x\r\n"),
            post("Content-Length: 999999999999999999999\r\n"), post("Content-Length: \(1 << 40)\r\n"),
            post("Content-Length: 2\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
            post("Transfer-Encoding: chunked\r\n", "zz\r\n{}\r\n0\r\n\r\n"),
            post("no colon here\r\nContent-Length: 2\r\n"),
            post("X-Nul: a\0b\r\nContent-Length: 2\r\n"), post("Content-Length: 2\r\n", path: "/v1/call/%ff%fe"),
            post("Content-Length: 2\r\n", path: "/v1/call/..%2f..%2fetc"),
            post("Content-Length: 2\r\n", path: "/v1/call/"),
            post("Content-Length: 2\r\n", path: "/v1/call/\(String(repeating: "a", count: 5_000))"),
            post("Content-Length: 2\r\n", path: "/" + String(repeating: "a", count: 100_000)),
            post("X-Deadline: -1s\r\nContent-Length: 2\r\n"),
            post("traceparent: x\r\nX-Request-Id: \u{7}\r\nContent-Length: 2\r\n"),
            "OPTIONS * HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n",
            "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\nConnection: close\r\n\r\n",
            "GET /livez HTTP/1.1\r\nConnection: close\r\n\r\n",
        ]
        let port = hub.port
        try await withThrowingTaskGroup(of: (String, String).self) { group in
            for request in requests {
                group.addTask {
                    let answer = try await RawSocket.exchange(Array(request.utf8), port: port)
                    return (request, String(decoding: answer, as: UTF8.self))
                }
            }
            for try await (request, answer) in group {
                let status = answer.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
                let shown = "\(request.prefix(60).debugDescription) … → \(answer.prefix(300))"
                #expect(answer.hasPrefix("HTTP/1.") && status > 0 && status < 500, "\(shown)")
                #expect(status == 200 || Self.codes.contains { answer.contains("\"\($0)\"") }, "\(shown)")
            }
        }
    }

    // MARK: Frames

    /// What is no message of the link: the connection ends with a reason, or goes on.
    private func badFrames(_ hub: HubUnderTest) async throws {
        let spoke = try await FakeSpoke.join(hub)
        let empty = JournalSummary(epoch: 1, first: 1, next: 1, headHash: .origin)
        var frames = Self.frames
        for seed in 0..<12 {
            var random = SplitMix64(seed: UInt64(seed))
            guard case .text(var bytes) = FrameCodec.encode(.hello(spoke.hello(journal: empty))) else { break }
            for _ in 0..<3 { Mutation.bytes(&bytes, &random) }
            frames.append(RawFrame(opcode: 1, payload: bytes))
        }
        let (port, credential) = (hub.port, spoke.credential)
        try await withThrowingTaskGroup(of: (RawFrame, [UInt8]).self) { group in
            for frame in frames {
                group.addTask {
                    let bytes = RawFrame.upgrade(bearer: credential) + frame.masked + RawFrame.close.masked
                    return (frame, try await RawSocket.exchange(bytes, port: port))
                }
            }
            for try await (frame, answer) in group {
                let text = String(decoding: answer, as: UTF8.self)
                let shown = "\(frame.opcode): \(String(decoding: frame.payload.prefix(200), as: UTF8.self))"
                #expect(text.hasPrefix("HTTP/1.1 101"), "\(shown): \(text.prefix(200))")
                // The last that is said is a close frame with a code, or what was asked for.
                #expect(RawFrame.closeCode(in: answer) != nil, "\(shown): \(answer.suffix(60))")
                #expect(RawFrame.closeCode(in: answer) != 1_011, "\(shown)")
            }
        }
    }

    private static let frames: [RawFrame] = [
        RawFrame(opcode: 1, payload: []), RawFrame(opcode: 1, payload: Array("{".utf8)),
        RawFrame(opcode: 1, payload: Array("null".utf8)), RawFrame(opcode: 1, payload: Array("[[[[".utf8)),
        RawFrame(opcode: 1, payload: [0xFF, 0xFE]), RawFrame(opcode: 2, payload: []),
        RawFrame(opcode: 2, payload: [9, 9, 9]), RawFrame(opcode: 2, payload: [1, 0, 0, 0, 1]),
        RawFrame(opcode: 1, payload: Array(#"{"type":"nothing","payload":{}}"#.utf8)),
        RawFrame(opcode: 1, payload: Array(#"{"type":"link.hello","payload":[]}"#.utf8)),
        RawFrame(opcode: 1, payload: Array(#"{"type":"call.requested","payload":{"requestId":1}}"#.utf8)),
        RawFrame(opcode: 1, payload: Array(String(repeating: "[", count: 60_000).utf8)),
        RawFrame(opcode: 1, payload: [UInt8](repeating: 0x20, count: Limits.frameBytes + 1)),
        RawFrame(opcode: 3, payload: [1]), RawFrame(opcode: 11, payload: [1]),
        RawFrame(opcode: 9, payload: [UInt8](repeating: 1, count: 126)), RawFrame(opcode: 0, payload: [1]),
    ]
}

/// A WebSocket frame as bytes, right or wrong.
struct RawFrame: Sendable {
    var opcode: UInt8
    var payload: [UInt8]

    static let close = RawFrame(opcode: 8, payload: [0x03, 0xE8])

    /// Masked with zeros, as a client must; which is its payload as it stands.
    var masked: [UInt8] {
        var bytes: [UInt8] = [0x80 | opcode]
        switch payload.count {
        case ..<126: bytes.append(0x80 | UInt8(payload.count))
        case ..<65_536: bytes += [0x80 | 126, UInt8(payload.count >> 8), UInt8(payload.count & 255)]
        default:
            bytes.append(0x80 | 127)
            for shift in stride(from: 56, through: 0, by: -8) { bytes.append(UInt8(payload.count >> shift & 255)) }
        }
        return bytes + [0, 0, 0, 0] + payload
    }

    /// The request that turns a connection into a link.
    static func upgrade(bearer: String) -> [UInt8] {
        Array(
            ("GET /v1/link HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                + "Sec-WebSocket-Protocol: nave.v1\r\nAuthorization: Bearer \(bearer)\r\n\r\n").utf8
        )
    }

    /// The code of the close frame among what a server sent behind the head of its answer.
    static func closeCode(in answer: [UInt8]) -> Int? {
        guard let head = answer.firstRange(of: Array("\r\n\r\n".utf8)) else { return nil }
        var rest = answer[head.upperBound...]
        while rest.count >= 2 {
            let (opcode, short) = (rest[rest.startIndex] & 15, Int(rest[rest.startIndex + 1] & 127))
            let bytes = short == 126 ? 2 : short == 127 ? 8 : 0
            let length = bytes == 0 ? short : rest.dropFirst(2).prefix(bytes).reduce(0) { $0 << 8 | Int($1) }
            let payload = rest.dropFirst(2 + bytes).prefix(length)
            if opcode == 8 {
                return payload.count < 2 ? 1_005 : Int(payload.first ?? 0) << 8 | Int(payload.dropFirst().first ?? 0)
            }
            rest = rest.dropFirst(2 + bytes + length)
        }
        return nil
    }
}

/// Small changes that make something else of a value or of a text.
enum Mutation {
    static func value(_ value: JSONValue, _ random: inout SplitMix64) -> JSONValue {
        let others: [JSONValue] = [
            .null, true, 3, -1, .number(0.5), .integer(.max), .number(1e300), "", "text", "a\u{0}b", "../../x", "💥",
            .string(String(repeating: "x", count: 5_000)), [], [:], ["x", 1], ["y": .null],
            "'; DROP TABLE nave.keys; --",
        ]
        func other() -> JSONValue { others[Int.random(in: 0..<others.count, using: &random)] }
        switch value {
        case .object(var members):
            let names = members.keys.sorted()
            guard !names.isEmpty, random.chance(80) else {
                members["other"] = other()
                return .object(members)
            }
            let name = names[Int.random(in: 0..<names.count, using: &random)]
            members[name] = random.chance(15) ? nil : members[name].map { self.value($0, &random) }
            return .object(members)
        case .array(var elements):
            guard !elements.isEmpty, random.chance(70) else { return .array(elements + [other()]) }
            let place = Int.random(in: 0..<elements.count, using: &random)
            elements[place] = self.value(elements[place], &random)
            return .array(elements)
        case .null, .bool, .integer, .number, .string: return other()
        }
    }

    static func bytes(_ bytes: inout [UInt8], _ random: inout SplitMix64) {
        guard !bytes.isEmpty else { return }
        let place = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<4, using: &random) {
        case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
        case 1: bytes.remove(at: place)
        case 2: bytes.insert(contentsOf: bytes[place..<min(bytes.count, place + 9)], at: place)
        default: bytes.removeSubrange(place...)
        }
    }
}

extension HubUnderTest.Reply {
    /// Whether the error's details are the list of `{path, message}` that a `VALIDATION_ERROR` has.
    var listsViolations: Bool {
        guard let list = body["error"]?["details"]?.arrayValue, !list.isEmpty else { return false }
        return list.allSatisfy { $0["path"]?.stringValue != nil && $0["message"]?.stringValue?.isEmpty == false }
    }
}

extension JSONValue {
    fileprivate var described: String { String(decoding: serialized().prefix(400), as: UTF8.self) }
}
