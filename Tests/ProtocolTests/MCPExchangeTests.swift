import Foundation
import Protocol
import Synchronization
import Testing

/// How operations' answers, values and errors become results of MCP.
struct MCPExchangeTests {
    /// Answers and streams what a test lays out.
    private struct Scripted: MCPProvider {
        var kinds: [String: OperationKind] = [:]
        var answers: [String: Result<[UInt8], Fault>] = [:]
        var values: [MCPValue] = []
        var ending: Fault?

        var isChange = false

        func nature(of operation: String) async -> MCPNature? {
            kinds[operation].map { MCPNature(kind: $0, changes: isChange) }
        }

        func call(_ ask: MCPCallArguments) async throws(Fault) -> [UInt8] {
            try answers[ask.operation, default: .failure(Fault(.operationNotFound, "None."))].get()
        }

        func subscribe(
            _ ask: MCPCallArguments,
            deliver: @escaping @Sendable (MCPValue) async throws(Fault) -> Void
        ) async throws(Fault) {
            for value in values { try await deliver(value) }
            if let ending { throw ending }
        }
    }

    private static func call(_ arguments: MCPCallArguments, token: JSONValue? = nil) -> MCPWork {
        MCPWork(id: .number(9), ask: .tool(MCPToolCall(tool: .call, arguments: arguments)), progressToken: token)
    }

    private static func result(_ work: MCPWork, _ provider: Scripted) async -> JSONValue {
        let answer = await MCPExchange(provider).run(work) { _ in }
        return answer["result"] ?? answer
    }

    @Test func anAnswerStandsUnderDataAndAsText() async {
        let provider = Scripted(answers: ["a.b": .success(Array(#"{"x":1}"#.utf8))])
        let result = await Self.result(Self.call(.init(operation: "a.b")), provider)
        #expect(result["structuredContent"] == ["data": ["x": 1]])
        #expect(result["content"]?.arrayValue?.first?["text"] == #"{"x":1}"#)
        #expect(result["isError"] == nil)
        let list = MCPWork(id: .number(1), ask: .tool(.init(tool: .list, arguments: .init(operation: "a.b"))))
        #expect(await Self.result(list, provider)["structuredContent"] == ["x": 1])
    }

    @Test func theLargestErrorIsAResultWithinItsBounds() async {
        let worst = String(repeating: "\u{1}", count: (Limits.errorDetailsBytes - 100) / 6)
        let fault = Fault(.conflict, worst, details: ["a": .string(worst)])
        #expect(fault.details != nil)
        let provider = Scripted(answers: ["a.b": .failure(fault)])
        let result = await Self.result(Self.call(.init(operation: "a.b")), provider)
        #expect(result.serialized().count <= Limits.mcpResultBytes, "\(result.serialized().count)")
    }

    @Test func anErrorOfAnOperationIsAResultWithItsCode() async {
        let fault = Fault(.conflict, "Taken.", details: ["by": "x"])
        let result = await Self.result(
            Self.call(.init(operation: "a.b")),
            Scripted(answers: ["a.b": .failure(fault)])
        )
        #expect(result["isError"] == true)
        #expect(result["structuredContent"]?["error"]?["code"] == "CONFLICT")
        #expect(result["structuredContent"]?["error"]?["details"] == ["by": "x"])
        #expect(result["content"]?.arrayValue?.first?["text"]?.stringValue?.hasPrefix("CONFLICT: Taken.") == true)
    }

    @Test func anAnswerThatIsTooLargeForAModelIsCutAndSaysSo() async {
        let large = Array("\"\(String(repeating: "ä", count: Limits.mcpResultBytes))\"".utf8)
        let result = await Self.result(
            Self.call(.init(operation: "a.b")),
            Scripted(answers: ["a.b": .success(large)])
        )
        #expect(result["structuredContent"]?["truncated"] == true)
        #expect(result["structuredContent"]?["bytes"]?.integerValue == Int64(large.count))
        let text = result["content"]?.arrayValue?.first?["text"]?.stringValue ?? ""
        #expect(text.contains("cut: the answer has") && text.utf8.count < Limits.mcpCutBytes + 200)
    }

    @Test func aSubscriptionTellsItsValuesAndAnswersWithAllOfThem() async {
        let told = Mutex<[JSONValue]>([])
        let values = (1...3).map { MCPValue(id: "v\($0)", data: Array(#"{"n":\#($0)}"#.utf8)) }
        let provider = Scripted(kinds: ["a.s": .subscription], values: values)
        let exchange = MCPExchange(provider)
        let answer = await exchange.run(Self.call(.init(operation: "a.s"), token: "t")) { note in
            told.withLock { $0.append(note) }
        }
        let structured = answer["result"]?["structuredContent"]
        #expect(structured?["values"] == [["n": 1], ["n": 2], ["n": 3]])
        #expect(structured?["complete"] == true && structured?["lastEventId"] == "v3")
        let notes = told.withLock { $0 }
        #expect(notes.map { $0["params"]?["progress"]?.integerValue } == [1, 2, 3])
        #expect(notes.allSatisfy { $0["method"] == "notifications/progress" && $0["params"]?["progressToken"] == "t" })
    }

    @Test func aSubscriptionEndsAtItsBoundsWithWhatCame() async {
        var provider = Scripted(kinds: ["a.s": .subscription])
        provider.values = (1...10).map { MCPValue(id: "v\($0)", data: Array("{\"n\":\($0)}".utf8)) }
        let few = await Self.result(Self.call(.init(operation: "a.s", valuesMax: 2)), provider)["structuredContent"]
        #expect(few?["count"] == 2 && few?["stopped"] == "values" && few?["lastEventId"] == "v2")

        // What changes something is not ended because enough was read: how it ended comes last.
        provider.isChange = true
        let whole = await Self.result(Self.call(.init(operation: "a.s", valuesMax: 2)), provider)["structuredContent"]
        #expect(whole?["count"] == 10 && whole?["leftOut"] == 8 && whole?["stopped"] == "values")
        #expect(whole?["values"] == [["n": 1], ["n": 2]] && whole?["last"] == ["n": 10])
        #expect(whole?["complete"] == false && whole?["lastEventId"] == "v2")
        provider.isChange = false

        let large = "\"\(String(repeating: "x", count: 100_000))\""
        provider.values = (1...10).map { _ in MCPValue(id: nil, data: Array(large.utf8)) }
        let much = await Self.result(Self.call(.init(operation: "a.s")), provider)["structuredContent"]
        #expect(much?["count"] == 2 && much?["stopped"] == "bytes" && much?["complete"] == false)

        provider.values = [MCPValue(id: nil, data: Array("1".utf8))]
        provider.ending = Fault(.timeout, "Late.")
        let late = await Self.result(Self.call(.init(operation: "a.s")), provider)["structuredContent"]
        #expect(late?["count"] == 1 && late?["stopped"] == "deadline")

        provider.ending = Fault(.spokeDisconnected, "Gone.")
        let gone = await Self.result(Self.call(.init(operation: "a.s")), provider)
        #expect(gone["isError"] == true && gone["structuredContent"]?["values"] == [1])
    }

    @Test func outputIsTextWhereItIsAndBase64WhereNot() async {
        func read(_ pieces: [SessionOutputPiece], from: Int64 = 0, ending: Fault? = nil) async -> JSONValue {
            let values = pieces.map { MCPValue(id: nil, data: WireCoder.bytes(of: $0)) }
            let ask = MCPWork.Ask.readOutput(.init(sessionId: "s", from: from), uri: "nave://session/s/output")
            let answer = await MCPExchange(Scripted(values: values, ending: ending))
                .run(MCPWork(id: .number(1), ask: ask)) { _ in }
            return answer["result"]?["contents"]?.arrayValue?.first ?? answer["error"] ?? .null
        }
        let parts = [
            SessionOutputPiece(stream: .stdout, offset: 0, nextOffset: 3, bytes: Data("grü".utf8).prefix(3)),
            SessionOutputPiece(stream: .stdout, offset: 3, nextOffset: 5, bytes: Data("grün".utf8).dropFirst(3)),
        ]
        let text = await read(parts)
        #expect(text["text"] == "grün" && text["_meta"]?["complete"] == false, "the session may print more")
        let end = SessionOutputPiece(ended: SessionEnd(exitCode: 0, exitSignal: nil, exitReason: .exited, message: nil))
        #expect(await read(parts + [end])["_meta"]?["complete"] == true)
        let half = await read([parts[0]])
        #expect(half["blob"]?.stringValue == Data("grü".utf8).prefix(3).base64EncodedString())

        let gap = SessionOutputPiece(stream: .stdout, offset: 5, nextOffset: 9, gapTo: 9, gapReason: "full")
        let dropped = await read(parts + [gap])
        #expect(dropped["_meta"]?["dropped"] == 4 && dropped["_meta"]?["nextOffset"] == 9)

        let chunk = Data(repeating: 0x61, count: Limits.outputChunkBytes)
        let many = (0..<6).map { index in
            let offset = Int64(index * chunk.count)
            return SessionOutputPiece(
                stream: .stdout,
                offset: offset,
                nextOffset: offset + Int64(chunk.count),
                bytes: chunk
            )
        }
        let cut = await read(many)
        #expect(cut["_meta"]?["complete"] == false)
        #expect(cut["_meta"]?["nextOffset"]?.integerValue == Int64(Limits.mcpResultBytes))
        #expect(await read([], ending: Fault(.notFound, "No."))["code"] == -32_002)
    }
}
