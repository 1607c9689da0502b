import Foundation
import Protocol
import SpokeCore
import Testing

@testable import SpokeAgent

/// Programs that the owner of a spoke made into operations.
@Suite struct CommandOperationTests {
    private static let yaml = """
        operations:
          own.greet:
            description: Greets somebody.
            type: query
            input:
              type: object
              properties: {name: {type: string}, "yes": {enum: ["1", 'true', no]}}
              required: [name]
              additionalProperties: false
            command: [printf, "hello {name}"]
          own.json:
            description: Says JSON.
            command: [echo, '{{"a": [1, 2]}}']
            prints: json
          own.count:
            description: Counts.
            type: subscription
            command: [sh, -c, "echo 1; echo 2 >&2"]
          own.here:
            description: Says where it is.
            input: {type: object, properties: {workspaceId: {type: string}}}
            directory: worktree
            command: [pwd, -P]
            environment: {LC_ALL: C}
          own.fail:
            description: Fails.
            command: [sh, -c, "echo partly; echo why >&2; exit 4"]
          own.flood:
            description: Never ends.
            command: [yes]
          own.slow:
            description: Takes too long.
            command: [sleep, "900"]
            timeoutSeconds: 1
          own.scratch:
            description: Uses a folder of its own.
            command: [sh, -c, "touch x; ls -A"]
        mcpServers:
          tools: {command: [server]}
        """

    private static func read(_ text: String) throws -> OwnOperations {
        let path = FileManager.default.temporaryDirectory.appending(path: "\(UUID().uuidString).yaml").path
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(atPath: path) }  // Only tidiness.
        return try SpokeConfiguration.read(path, required: true).own
    }

    @Test func programsAreOperationsWithSchemas() async throws {
        let own = try Self.read(Self.yaml)
        #expect(own.servers["tools"]?.command == ["server"])
        let values = own.commands["own.greet"]?.input?["properties"]?["yes"]?["enum"]
        #expect(values == ["1", "true", "no"])
        let stage = try await CallStage(commands: own.commands)
        try await stage.worktree()
        let spec = try #require(stage.desk.operations.entries["own.greet"]?.spec)
        #expect(spec.type == .query && spec.accessControl.requiredScopes == ["own:read"])
        #expect(try await stage.call("own.greet", ["name": "Ada; exit 1"])["stdout"] == "hello Ada; exit 1")
        #expect(try await stage.call("own.json", [:]) == ["a": [1, 2]])
        let directory = try await stage.worktree()
        #expect(try await stage.call("own.here", ["workspaceId": "one"])["stdout"] == .string(directory + "\n"))
        #expect(try await stage.call("own.scratch", [:])["stdout"] == "x\n")
        let values2 = try await stage.follow(try await stage.begin("own.count", [:]))
        #expect(values2.text(.stdout) == "1\n" && values2.text(.stderr) == "2\n" && values2.last?.exitCode == 0)
        #expect(Folder.names(in: stage.programs.root).isEmpty)
    }

    @Test func whatGoesWrongIsTold() async throws {
        let stage = try await CallStage(commands: try Self.read(Self.yaml).commands)
        let failed = await fault { try await stage.call("own.fail", [:]) }
        #expect(failed?.code == .execution && failed?.details?["stderr"] == "why\n")
        #expect(failed?.details?["exitCode"] == 4 && failed?.details?["stdout"] == "partly\n")
        let flood = await fault { try await stage.call("own.flood", [:]) }
        #expect(flood?.code == .tooLarge)
        let slow = await fault { try await stage.call("own.slow", [:]) }
        #expect(slow?.code == .timeout)
        for input: JSONValue in [[:], ["name": 7], ["name": "Ada", "more": 1], ["name": "-Ada"], ["name": "a\0b"]] {
            let refused = await fault { try await stage.call("own.greet", input) }
            #expect(input == ["name": "-Ada"] ? refused == nil : refused?.code == .validation, "\(input)")
        }
    }

    @Test func aBrokenConfigurationIsAnErrorAtStart() throws {
        func refusal(_ lines: String, name: String = "own.x") -> String? {
            let text = "operations:\n  \(name):\n" + lines.split(separator: "\n").map { "    \($0)\n" }.joined()
            do {
                _ = try Self.read(text)
                return nil
            } catch let fault as Fault {
                #expect(fault.code == .validation)
                return fault.message
            } catch {
                return "\(error)"
            }
        }
        #expect(refusal("description: Fine.\ncommand: [ls]") == nil)
        for (lines, word) in [
            ("command: [a]", "description"), ("description: D.", "command"),
            ("description: D.\ncommand: a", "list"), ("description: D.\ncommand: ['{a}']", "program"),
            ("description: D.\ncommand: [a, '{b}']", "{b}"), ("description: D.\ncommand: [a]\nshell: true", "shell"),
            ("description: D.\ncommand: [a]\ntype: whatever", "type"),
            ("description: D.\ncommand: [a]\ndirectory: relative", "absolute"),
            ("description: D.\ncommand: [a]\ndirectory: worktree", "workspaceId"),
            ("description: D.\ncommand: [a]\ntimeoutSeconds: 0", "timeoutSeconds"),
            ("description: D.\ncommand: [a]\ninput: text", "input"),
        ] {
            let said = refusal(lines)
            #expect(said?.contains(word) == true, "\(lines): \(said ?? "nothing")")
        }
        #expect(refusal("description: D.\ncommand: [a]", name: "fs.read")?.contains("taken") == true)
        #expect(refusal("description: D.\ncommand: [a]", name: "noNamespace")?.contains("namespace.name") == true)
    }

    @Test func theOwnersListOfCommandsHoldsForTheseToo() async throws {
        let stage = try await CallStage(
            policy: "commands:\n  deny: [printf]\n",
            commands: try Self.read(Self.yaml).commands
        )
        let refused = await fault { try await stage.call("own.greet", ["name": "Ada"]) }
        #expect(refused?.code == .accessDenied)
    }
}
