import Protocol
import Testing

/// Which messages an MCP server takes when, and what it makes of each.
struct MCPConversationTests {
    private static func request(_ method: String, _ params: JSONValue = [:], id: RPCID = .number(1)) -> RPCMessage {
        .request(RPCRequest(id: id, method: method, params: params))
    }

    private static func open(_ version: String = "2025-06-18") -> MCPConversation {
        var conversation = MCPConversation()
        _ = conversation.take(request("initialize", ["protocolVersion": .string(version)]))
        return conversation
    }

    private static func error(_ step: MCPConversation.Step) -> Int64? {
        guard case .answer(let answer) = step else { return nil }
        return answer["error"]?["code"]?.integerValue
    }

    private static func result(_ step: MCPConversation.Step) -> JSONValue? {
        guard case .answer(let answer) = step else { return nil }
        return answer["result"]
    }

    @Test func aSessionBeginsWithTheVersionThatBothSpeak() {
        for version in ["2025-03-26", "2025-06-18", "2025-11-25"] {
            var conversation = MCPConversation()
            let step = conversation.take(Self.request("initialize", ["protocolVersion": .string(version)]))
            #expect(Self.result(step)?["protocolVersion"]?.stringValue == version)
            #expect(Self.result(step)?["capabilities"]?["tools"] == [:])
        }
        var later = MCPConversation()
        let step = later.take(Self.request("initialize", ["protocolVersion": "2031-01-01"]))
        #expect(Self.result(step)?["protocolVersion"] == "2025-11-25")
        #expect(Self.error(later.take(Self.request("initialize", ["protocolVersion": "2025-06-18"]))) == -32_600)
        var nameless = MCPConversation()
        #expect(Self.error(nameless.take(Self.request("initialize"))) == -32_602)
        #expect(nameless.version == nil)
    }

    @Test func nothingButPingComesBeforeInitialize() {
        var conversation = MCPConversation()
        #expect(Self.result(conversation.take(Self.request("ping"))) == [:])
        #expect(Self.error(conversation.take(Self.request("tools/list"))) == -32_600)
        let probe = conversation.take(Self.request("server/discover"))
        #expect(Self.error(probe) == -32_022)
        guard case .answer(let answer) = probe else { return }
        #expect(answer["error"]?["data"]?["supported"]?.arrayValue?.contains("2025-06-18") == true)
    }

    @Test func thereAreFourToolsWhoseInputsAreDescribed() {
        var conversation = Self.open()
        let tools = Self.result(conversation.take(Self.request("tools/list")))?["tools"]?.arrayValue ?? []
        #expect(tools.compactMap { $0["name"]?.stringValue } == ["list", "search", "schema", "call"])
        for tool in tools {
            #expect(tool["inputSchema"]?["type"] == "object")
            guard case .object(let properties)? = tool["inputSchema"]?["properties"] else { continue }
            for (name, schema) in properties { #expect(schema["description"] != nil, "\(name)") }
        }
    }

    @Test func aCallIsWorkAndAWrongOneIsToldToTheModel() {
        var conversation = Self.open()
        let input: JSONValue = ["operation": "session.get", "input": ["sessionId": "x"]]
        let step = conversation.take(Self.request("tools/call", ["name": "call", "arguments": input]))
        guard case .work(let work) = step, case .tool(let call) = work.ask else {
            Issue.record("\(step)")
            return
        }
        #expect(call.arguments.operation == "session.get" && call.arguments.input == ["sessionId": "x"])
        #expect(conversation.underWay == [.number(1)])
        for wrong in [
            [:], ["operation": 1], ["operation": "a.b", "surprise": 1], ["operation": "a.b", "valuesMax": 0],
        ]
            as [JSONValue]
        {
            let step = conversation.take(
                Self.request("tools/call", ["name": "call", "arguments": wrong], id: .text("w"))
            )
            #expect(Self.result(step)?["isError"] == true)
            #expect(Self.result(step)?["structuredContent"]?["error"]?["code"] == "VALIDATION_ERROR")
        }
        let unknown = Self.request("tools/call", ["name": "shell"], id: .number(2))
        #expect(Self.error(conversation.take(unknown)) == -32_602)
        #expect(Self.error(conversation.take(Self.request("prompts/list", id: .number(3)))) == -32_601)
    }

    @Test func aRequestIsUnderWayUntilItEndsAndMayBeCancelledMeanwhile() {
        var conversation = Self.open()
        let list = Self.request("tools/call", ["name": "list"], id: .text("a"))
        _ = conversation.take(list)
        #expect(Self.error(conversation.take(list)) == -32_600)
        let cancel = RPCMessage.notification(method: "notifications/cancelled", params: ["requestId": "a"])
        #expect(conversation.take(cancel) == .abort(.text("a")))
        conversation.ended(.text("a"))
        #expect(conversation.take(cancel) == .nothing)
        #expect(conversation.take(.notification(method: "notifications/initialized", params: [:])) == .nothing)
        #expect(conversation.take(.response) == .nothing)
        for number in 0..<Limits.mcpRequestsInFlight {
            _ = conversation.take(Self.request("resources/list", id: .number(Int64(number))))
        }
        #expect(Self.error(conversation.take(Self.request("resources/list", id: .text("more")))) == -32_603)
    }

    @Test func anAddressOfOutputIsReadStrictly() {
        #expect(MCPOutputAddress("nave://session/s1/output") == MCPOutputAddress(sessionId: "s1"))
        let later = MCPOutputAddress(sessionId: "s1", stream: .stderr, from: 7)
        #expect(MCPOutputAddress("nave://session/s1/output?stream=stderr&from=7") == later)
        for wrong in [
            "", "nave://session/s1", "nave://session//output", "http://session/s1/output", "nave://task/s1/output",
            "nave://session/s1/output/x", "nave://session/s1/output?from=-1", "nave://session/s1/output?x=1",
            "nave://session/s1/output?stream=stdin",
        ] {
            #expect(MCPOutputAddress(wrong) == nil, "\(wrong)")
        }
        var conversation = Self.open()
        #expect(Self.error(conversation.take(Self.request("resources/read", ["uri": "file:///etc/passwd"]))) == -32_002)
    }

    @Test func messagesAreReadStrictlyAndListsOnlyWhereTheyExist() throws {
        func failure(_ text: String, _ version: MCPVersion? = .june2025) -> Int64? {
            do throws(RPCFailure) {
                _ = try MCPIntake(parsing: Array(text.utf8), version: version)
                return nil
            } catch {
                return error.code
            }
        }
        #expect(failure("{") == -32_700)
        #expect(failure(#"{"a":1,"a":1}"#) == -32_700)
        #expect(failure("1") == -32_600)
        #expect(failure(#"{"method":"ping","id":1}"#) == -32_600)
        #expect(failure(#"{"jsonrpc":"2.0","method":"ping","id":null}"#) == -32_600)
        #expect(failure(#"{"jsonrpc":"2.0","method":"ping","id":1.5}"#) == -32_600)
        #expect(failure(#"{"jsonrpc":"2.0","method":"ping","id":1,"params":[]}"#) == -32_600)
        #expect(failure(#"{"jsonrpc":"2.0","id":1}"#) == -32_600)
        #expect(failure(#"{"jsonrpc":"2.0","method":"ping","id":1}"#) == nil)
        let list = #"[{"jsonrpc":"2.0","method":"ping","id":1},{"jsonrpc":"2.0","method":"x"}]"#
        #expect(failure(list) == -32_600)
        #expect(failure(list, .march2025) == nil)
        #expect(failure("[]", .march2025) == -32_600)
        #expect(failure(#"[{"jsonrpc":"2.0","method":"initialize","id":1}]"#, .march2025) == -32_600)
    }
}
