import Foundation
import Logging
import Protocol
import SpokeCore
import Testing

@testable import SpokeAgent

/// Tools of a server that speaks the Model Context Protocol, with a real process at the other end.
@Suite struct ToolServerTests {
    /// A server in a few lines of shell. Its tools say hello, fail, end the server, and take for ever.
    private static let server = """
        tools='{"name":"say hello!","description":"Greets.","annotations":{"readOnlyHint":true},"inputSchema":{"type":"object"}}'
        tools="$tools"',{"name":"fail","inputSchema":{"type":"object"}},{"name":"end","inputSchema":{"type":"object"}}'
        tools="$tools"',{"name":"hang","inputSchema":{"type":"object"}},{"inputSchema":{}}'
        echo 'not JSON at all'
        while read -r line; do
          id=$(printf '%s' "$line" | sed -n 's/.*"id":\\([0-9]*\\).*/\\1/p')
          case "$line" in
          *'"method":"initialize"'*)
            capabilities='{"tools":{"listChanged":true}}'
            printf '{"jsonrpc":"2.0","id":%s,"result":{"protocolVersion":"2025-06-18","capabilities":%s}}\\n' "$id" "$capabilities" ;;
          *'"method":"tools/list"'*'"cursor":"2"'*)
            printf '{"jsonrpc":"2.0","id":%s,"result":{"tools":[{"name":"late","inputSchema":{"type":"object"}}]}}\\n' "$id" ;;
          *'"method":"tools/list"'*)
            printf '{"jsonrpc":"2.0","id":%s,"result":{"tools":[%s],"nextCursor":"2"}}\\n' "$id" "$tools" ;;
          *'"name":"say hello!"'*)
            echo '{"jsonrpc":"2.0","id":"p","method":"ping"}'
            read -r pong
            case "$pong" in *'"id":"p"'*'"result"'*) word=pong ;; *) word="$pong" ;; esac
            printf '{"jsonrpc":"2.0","id":99999,"result":{}}\\n{"jsonrpc":"2.0","id":%s,"result":{"content":[{"type":"text","text":"hello"}],"structuredContent":{"word":"%s"}}}\\n' "$id" "$word" ;;
          *'"name":"fail"'*)
            printf '{"jsonrpc":"2.0","id":%s,"result":{"isError":true,"content":[{"type":"text","text":"no luck"}]}}\\n' "$id" ;;
          *'"name":"late"'*)
            printf '{"jsonrpc":"2.0","id":%s,"error":{"code":-32602,"message":"bad words"}}\\n' "$id" ;;
          *'"name":"end"'*) exit 7 ;;
          esac
        done
        """

    /// Counts listings and keeps the last one.
    private actor Found {
        private(set) var entries: [[SpokeOperations.Entry]] = []
        private var waiters: [CheckedContinuation<Void, Never>] = []

        func take(_ found: [SpokeOperations.Entry]) {
            entries.append(found)
            for waiter in waiters { waiter.resume() }
            waiters = []
        }

        /// The listing behind so many others, by name.
        func listing(_ index: Int) async -> [String: SpokeOperations.Entry] {
            while entries.count <= index { await withCheckedContinuation { waiters.append($0) } }
            return Dictionary(entries[index].map { ($0.spec.id, $0) }, uniquingKeysWith: { $1 })
        }
    }

    @Test func toolsAreOperationsAndAServerThatEndsBeginsAgain() async throws {
        let stage = try await CallStage()
        let found = Found()
        var server = ToolServer(command: ["sh", "-c", Self.server])
        server.timeoutSeconds = 1
        let client = ToolClient(
            name: "tools",
            server: server,
            programs: stage.programs,
            surroundings: ProgramSurroundings(own: ProcessInfo.processInfo.environment),
            logger: Logger(label: "test")
        ) { await found.take($0) }
        let running = Task { await client.run() }
        let tools = await found.listing(0)
        #expect(Set(tools.keys) == ["tools.say_hello_", "tools.fail", "tools.end", "tools.hang", "tools.late"])
        let hello = try #require(tools["tools.say_hello_"])
        #expect(hello.spec.type == .query && hello.spec.accessControl.requiredScopes == ["tools:read"])
        #expect(tools["tools.fail"]?.spec.type == .mutation)
        let call = SpokeCall(requestId: "r")
        let greet = try #require(hello.answering)
        let answer = try await greet([:], call)
        #expect(answer.data == ["word": "pong"] && answer.meta["source"] == "mcp")
        for (tool, code, word) in [
            ("fail", Fault.Code.execution, "no luck"), ("late", .validation, "bad words"), ("hang", .timeout, "over"),
            ("end", .unavailable, "ended"),
        ] {
            let answering = try #require(tools["tools.\(tool)"]?.answering)
            let refused = await fault { try await answering([:], call) }
            #expect(
                refused?.code == code && refused?.message.contains(word) == true,
                "\(tool): \(String(describing: refused))"
            )
        }
        // It began again by itself, and the operations that were offered work as before.
        _ = await found.listing(1)
        let again = try await greet([:], call)
        #expect(again.data == ["word": "pong"])
        running.cancel()
        await running.value
        #expect(Folder.names(in: stage.programs.root).isEmpty)
    }

    @Test func namesOfToolsBecomeNamesOfOperations() {
        #expect(OperationName.plain("get_weather") == "get_weather")
        #expect(OperationName.plain("repo/list.files") == "repo_list_files")
        #expect(OperationName.plain("3d") == "o3d" && OperationName.plain("été") == "o_t_")
        #expect(OperationName.isValid("a." + OperationName.plain(String(repeating: "é", count: 200))))
    }

    @Test func linesAreCutWhereTheyEnd() throws {
        var lines = LineBuffer(longest: 8)
        #expect(try lines.append(Array("ab\ncd".utf8)) == [Array("ab".utf8)])
        #expect(try lines.append(Array("\n\nx".utf8)) == [Array("cd".utf8), []])
        #expect(throws: Fault.self) { try lines.append(Array("0123456789".utf8)) }
    }
}
