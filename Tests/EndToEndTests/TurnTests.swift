import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import Protocol
import TestSupport
import Testing
import Transport

/// The wheel turns: an order goes out, work comes back, and whoever asks reads it.
@Suite(.serialized)
struct TurnTests {
    @Test func aSpawnReachesItsSpokeAndItsOutputIsReadBack() async throws {
        let hub = try await HubUnderTest.start()
        let spoke = try await FakeSpoke.join(hub)
        let (line, _) = try await spoke.open(hub)
        _ = try await hub.call("project.create", #"{"name":"app","repoUrl":"/srv/app.git"}"#)
        let spawned = try await hub.call(
            "coord.spawn",
            #"{"project":"app","title":"Say hello","run":{"command":["echo","hello"]}}"#
        )
        #expect(spawned.status == 200, "\(spawned.body)")
        let session = try #require(spawned.data?["sessionId"]?.stringValue)

        let order = try await Self.order(on: line)
        #expect(order.sessionId.rawValue == session && order.run.command == ["echo", "hello"])
        let records = Self.life(of: order, printing: ["hello ", "world\n"])
        line.connection.send(.append(StreamBatch(stream: .journal, records: records)))
        let last = Int64(records.count)
        _ = try await line.first { if case .acknowledged(let at) = $0, at.seq == last { true } else { Bool?.none } }

        let status = try await hub.call("coord.status", #"{"sessionId":"\#(session)"}"#)
        let mapping = status.data?["mappings"]?.arrayValue?.first
        #expect(mapping?["mapping"]?["status"] == "completed", "\(status.body)")
        #expect(mapping?["session"]?["exitCode"] == 0)

        let events = try await Self.events(of: session, on: hub)
        let text = events.compactMap { $0.data["data"]?["bytes"]?.stringValue }.compactMap { Data(base64Encoded: $0) }
        #expect(String(decoding: text.reduce(Data(), +), as: UTF8.self) == "hello world\n")
        #expect(events.last?.name == "completed")
        // A consumer that was cut off behind the first value gets the rest and nothing twice.
        let first = try #require(events.first { $0.name == "data" }?.id)
        let rest = try await Self.events(of: session, on: hub, after: first)
        #expect(
            rest.filter { $0.name == "data" }.map(\.id) == events.filter { $0.name == "data" }.dropFirst().map(\.id)
        )

        let verified = try await hub.call("hub.verify")
        #expect(verified.data?["complete"] == true, "\(verified.body)")
        #expect(await hub.stop() == 0)
    }

    /// The first order to start a session.
    private static func order(on line: FakeSpoke.Line) async throws -> StartSession {
        try await line.first { message in
            guard case .append(let batch) = message, batch.stream == .commands else { return nil }
            let order = batch.records.first { $0.type == CommandType.sessionStart.rawValue }
            line.connection.send(
                .acknowledged(
                    StreamPosition(
                        stream: .commands,
                        epoch: batch.records[0].epoch,
                        seq: batch.records.last?.seq ?? 0
                    )
                )
            )
            // Not an order to start: the test goes on waiting.
            return order.flatMap { try? WireCoder.value(StartSession.self, from: $0.payload) }
        }
    }

    /// A session's records from its start to its end with exit code 0.
    private static func life(of order: StartSession, printing pieces: [String]) -> [StreamRecord] {
        var (records, offset, hash): ([StreamRecord], Int64, ChainHash) = ([], 0, .origin)
        func add(_ type: JournalRecordType, _ payload: [UInt8]) {
            let seq = Int64(records.count) + 1
            records.append(
                StreamRecord(
                    epoch: 1,
                    seq: seq,
                    at: Date().milliseconds,
                    type: type.rawValue,
                    payload: payload,
                    after: records.last?.hash ?? .origin
                )
            )
        }
        add(
            .sessionStarted,
            WireCoder.bytes(
                of: SessionStarted(
                    sessionId: order.sessionId,
                    fence: order.fence,
                    workspaceId: order.workspace.workspaceId,
                    pid: 1,
                    startedAt: Date()
                )
            )
        )
        for piece in pieces {
            let bytes = Array(piece.utf8)
            let chunk = OutputChunk(
                sessionId: order.sessionId,
                fence: order.fence,
                stream: .stdout,
                offset: offset,
                bytes: bytes
            )
            add(.sessionOutput, chunk.encoded())
            offset += Int64(bytes.count)
            hash = hash.appending(bytes)
        }
        let sum = OutputSum(stream: .stdout, bytes: offset, hash: hash)
        add(
            .sessionExited,
            WireCoder.bytes(
                of: SessionExited(
                    sessionId: order.sessionId,
                    fence: order.fence,
                    exitCode: 0,
                    exitSignal: nil,
                    reason: .exited,
                    endedAt: Date(),
                    streams: [sum]
                )
            )
        )
        return records
    }

    /// One server-sent event.
    struct Event {
        var name = ""
        var id: String?
        var data = JSONValue.null
    }

    private static func events(of session: String, on hub: HubUnderTest, after id: String? = nil) async throws
        -> [Event]
    {
        var request = HTTPClientRequest(url: hub.ready.url + "/v1/subscribe/session.output")
        request.method = .POST
        request.headers = ["authorization": "Bearer \(hub.key)"]
        if let id { request.headers.add(name: "last-event-id", value: id) }
        request.body = .bytes(ByteBuffer(string: #"{"sessionId":"\#(session)","follow":true}"#))
        let response = try await HTTPClient.shared.execute(request, timeout: TimeAmount(patience))
        let bytes = try await response.body.collect(upTo: 1 << 20)
        return try String(buffer: bytes).components(separatedBy: "\n\n").compactMap { block in
            var event = Event()
            for line in block.split(separator: "\n") {
                if line.hasPrefix("event: ") { event.name = String(line.dropFirst(7)) }
                if line.hasPrefix("id: ") { event.id = String(line.dropFirst(4)) }
                if line.hasPrefix("data: ") {
                    event.data = try JSONDecoder().decode(JSONValue.self, from: Data(line.dropFirst(6).utf8))
                }
            }
            return event.name.isEmpty ? nil : event
        }
    }
}
