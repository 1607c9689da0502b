import Foundation
import HubCore
import HubDomains
import Postgres
import Protocol
import Testing

/// What agents print becomes messages and parts, each line once, whatever pieces it comes in.
struct TranscriptTests {
    /// A short conversation as common agent programs print it.
    static let conversation = [
        #"{"type":"system","subtype":"init","session_id":"conv-1","model":"m-1","tools":["bash"]}"#,
        #"{"type":"assistant","message":{"id":"a1","model":"m-1","content":[{"type":"thinking","thinking":"hm"}],"#
            + #""usage":{"input_tokens":10,"output_tokens":2}},"session_id":"conv-1"}"#,
        #"{"type":"assistant","message":{"id":"a1","model":"m-1","content":[{"type":"text","text":"I look."},"#
            + #"{"type":"tool_use","id":"t1","name":"bash","input":{"command":"ls"}}],"#
            + #""usage":{"input_tokens":0,"output_tokens":5}},"session_id":"conv-1"}"#,
        #"{"type":"user","message":{"content":[{"type":"tool_result","tool_use_id":"t1","content":"a"}]}}"#,
        "not json at all",
        #"{"type":"telemetry","anything":[1,2.5,null]}"#,
        #"{"type":"result","subtype":"success","is_error":false,"result":"Done.","num_turns":2,"#
            + #""total_cost_usd":0.25,"usage":{"input_tokens":30,"output_tokens":9}}"#,
    ].map { $0 + "\n" }.joined()

    private func kinds(_ steps: [TranscriptStep]) -> [String] {
        steps.map {
            switch $0 {
            case .open(let role, _): "open \(role.rawValue)"
            case .part(let kind, _): kind.rawValue
            case .close(let status): "close \(status.rawValue)"
            }
        }
    }

    private static let expected = [
        "open system", "step-start", "close complete", "open assistant", "reasoning", "text", "tool-call",
        "close complete", "open user", "tool-result", "text", "close complete", "open system", "agent",
        "close complete", "open assistant", "step-finish", "close complete",
    ]

    @Test func linesBecomeMessagesAndParts() {
        var machine = TranscriptMachine(.jsonl, fence: 1)
        let steps = machine.read(Array(Self.conversation.utf8), isLast: true)
        #expect(kinds(steps) == Self.expected)
        #expect(steps[1] != steps[5])
        #expect(machine.facts.providerSessionId == "conv-1")
        #expect(machine.facts.state == .idle)
        #expect(machine.facts.usage == AgentUsage(inputTokens: 30, outputTokens: 9, costUsd: 0.25, turns: 2))
        #expect(machine.offset == Int64(Self.conversation.utf8.count))
    }

    @Test func piecesOfAnySizeAndStoredStatesGiveTheSameSteps() throws {
        let bytes = Array(Self.conversation.utf8)
        for size in [1, 7, 64, 300] {
            var machine = TranscriptMachine(.jsonl, fence: 1)
            var steps: [TranscriptStep] = []
            for end in stride(from: size, to: bytes.count + size, by: size) {
                let end = min(end, bytes.count)
                steps += machine.read(Array(bytes[Int(machine.offset)..<end]), isLast: end == bytes.count)
                machine = try WireCoder.value(from: WireCoder.bytes(of: machine))
            }
            #expect(kinds(steps) == Self.expected, "in pieces of \(size)")
        }
    }

    @Test(arguments: [
        (#"{"type":"result","is_error":true,"result":"Usage limit reached|1712345678"}"#, AgentState.quota),
        (#"{"type":"control_request","request":{"subtype":"can_use_tool"}}"#, .needsPermission),
        (#"{"type":"question","text":"Which one?"}"#, .needsAnswer),
        (#"{"type":"result","is_error":false,"result":"ok"}"#, .idle),
        (#"{"type":"assistant","message":{"content":"x"}}"#, .busy),
    ])
    func theStateIsWhatTheAgentSays(line: String, state: AgentState) {
        var machine = TranscriptMachine(.jsonl, fence: 1)
        _ = machine.read(Array((line + "\n").utf8), isLast: false)
        #expect(machine.facts.state == state)
        #expect(machine.facts.quotaResetsAt == (state == .quota ? 1_712_345_678_000 : nil))
    }

    @Test func whatIsNoAgentsLineIsKeptAsItWasSaid() {
        for line in ["[1,2]", "{\"type\":", "\u{1b}[31mred", String(repeating: "x", count: TranscriptMachine.lineMax)] {
            var machine = TranscriptMachine(.jsonl, fence: 1)
            let steps = machine.read(Array((line + "\n").utf8), isLast: false)
            #expect(steps.last == .part(.text, ["text": .string(line)]))
        }
        var machine = TranscriptMachine(.text, fence: 1)
        #expect(
            kinds(machine.read(Array("a\nb\nc".utf8), isLast: true)) == [
                "open assistant", "text", "text", "text", "close complete",
            ]
        )
        var gapped = TranscriptMachine(.jsonl, fence: 1)
        _ = gapped.read(Array(#"{"type":"#.utf8), isLast: false)
        #expect(kinds(gapped.skip(to: 100, because: "full")) == ["open system", "agent", "close error"])
        #expect(gapped.offset == 100)
    }

    @Test func aCharacterThatNobodyCanStoreStopsNothing() async throws {
        let hub = try await TestHub.make()
        _ = try await hub.project()
        var spoke = try await ScriptedSpoke.join(hub, "a")
        let session = try await hub.spawn()
        spoke.start(session, agentOutput: .jsonl)
        let line =
            #"{"type":"user","a\u0000b":1,"message":{"content":[{"type":"tool_result","tool_use_id":"t","#
            + #""content":[{"type":"text","text":"x\u0000y"}],"is_error":true}]}}"#
        spoke.print(session, [line + "\n", line + "\n"])
        try await spoke.flush()
        #expect(try await hub.domains.coordination.readTranscripts() == 1)
        let parts = try await hub.ask(ListParts(sessionId: session.sessionId.rawValue)).parts
        #expect(
            parts.map { $0.data["output"] } == Array(repeating: [["type": "text", "text": "x\u{fffd}y"]], count: 2)
        )
        await hub.close()
    }

    @Test func anAgentsOutputIsReadOnceHoweverOftenItIsLookedAt() async throws {
        let hub = try await TestHub.make()
        _ = try await hub.project()
        var spoke = try await ScriptedSpoke.join(hub, "a")
        let session = try await hub.spawn()
        let id = session.sessionId.rawValue
        spoke.start(session, agentOutput: .jsonl)
        let pieces = Self.conversation.split(separator: "m", omittingEmptySubsequences: false).map { String($0) + "m" }
        let text = String(pieces.joined().dropLast())
        let first = String(text.prefix(400))
        spoke.print(session, [first])
        try await spoke.flush()
        let coordination = hub.domains.coordination
        #expect(try await coordination.readTranscripts() == 1)
        #expect(try await coordination.readTranscripts() == 0)
        let sum = spoke.print(session, [String(text.dropFirst(400))], from: Int64(first.utf8.count))
        spoke.exit(session, sums: [OutputSum(stream: .stdout, bytes: sum.bytes, hash: .origin)])
        try await spoke.flush()
        // Many at a time: each line is still read once.
        try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<8 { group.addTask { try await coordination.readTranscripts() } }
            try await group.waitForAll()
        }
        while try await coordination.readTranscripts() > 0 {}

        let parts = try await hub.ask(ListParts(sessionId: id)).parts
        #expect(parts.map(\.type.rawValue) == Self.expected.filter { !$0.contains(" ") })
        #expect(parts.map(\.sequence) == Array(1...Int64(parts.count)))
        let newest = try await hub.ask(ListParts(sessionId: id, from: .newest, limit: 2))
        #expect(newest.parts.map(\.sequence) == [8, 7])
        let rest = try await hub.ask(ListParts(sessionId: id, from: .newest, limit: 100, cursor: newest.nextCursor))
        #expect(rest.parts.map(\.sequence) == [6, 5, 4, 3, 2, 1])
        let calls = try await hub.ask(ListParts(sessionId: id, type: .toolCall)).parts
        #expect(calls.map { $0.data["name"] } == ["bash"])
        let messages = try await hub.ask(ListMessages(sessionId: id)).messages
        #expect(messages.map(\.role) == [.system, .assistant, .user, .system, .assistant])
        #expect(messages.allSatisfy { $0.status == .complete })
        #expect(try await hub.view(session).session.providerSessionId == "conv-1")

        let resumed = try await hub.refusal(ResumeSession(sessionId: id))
        #expect(resumed?.code == .conflict, "It was spawned as a plain command.")
        #expect(try await hub.ask(ArchiveSession(sessionId: id)).status == .archived)
        #expect(try await hub.refusal(ArchiveSession(sessionId: id))?.code == .invalidTransition)
        await hub.close()
    }

    @Test func aConversationIsTakenUpWhereItWorked() async throws {
        let hub = try await TestHub.make()
        _ = try await hub.project()
        var spoke = try await ScriptedSpoke.join(hub, "a", agents: [AgentOffer(name: "claude", resumes: true)])
        let order = SpawnOrder(project: "app", run: RunOrder(agent: "claude", prompt: "Begin."))
        let session = try await hub.spawn(order)
        let id = session.sessionId.rawValue
        #expect(try await hub.refusal(ResumeSession(sessionId: id))?.code == .invalidTransition)
        spoke.start(session, agentOutput: .jsonl)
        let sum = spoke.print(session, [Self.conversation])
        spoke.exit(session, code: 1, sums: [sum])
        try await spoke.flush()
        let coordination = hub.domains.coordination
        while try await coordination.readTranscripts() > 0 {}
        _ = try await spoke.take(.sessionStart) as [StartSession]

        let resumed = try await hub.ask(ResumeSession(sessionId: id, prompt: "Go on."))
        #expect(resumed.mappingId != session.mappingId)
        #expect(resumed.workspaceId == session.workspaceId)
        #expect(try await hub.refusal(ResumeSession(sessionId: id))?.code == .invalidTransition)
        #expect(try await coordination.placeWaiting() == 1)
        let orders: [StartSession] = try await spoke.take(.sessionStart)
        #expect(orders.map(\.fence) == [2])
        #expect(orders.map(\.run) == [RunOrder(agent: "claude", prompt: "Go on.", resume: "conv-1")])
        #expect(orders.map(\.workspace.mode) == [.reuse])
        spoke.start(session, fence: 2, agentOutput: .jsonl)
        let again = spoke.print(session, [Self.conversation], fence: 2)
        spoke.exit(session, sums: [again], fence: 2)
        try await spoke.flush()
        while try await coordination.readTranscripts() > 0 {}
        #expect(try await hub.ask(ListParts(sessionId: id)).parts.count == 16)
        #expect(try await hub.view(session).mapping.status == .completed)
        #expect(try await coordination.verify().complete)
        await hub.close()
    }
}
