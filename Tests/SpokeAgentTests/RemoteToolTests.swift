import Foundation
import Logging
import Protocol
import SpokeCore
import Testing

@testable import SpokeAgent

/// Tools of servers over streamable HTTP: one made with the official SDK, and one that means no good.
@Suite struct RemoteToolTests {
    @Test(arguments: ["stream", "json"])
    func toolsOfTheOfficialSDKAreOperations(mode: String) async throws {
        let stage = try await RemoteToolStage()
        try await stage.serving("mcp_server.py", RemoteToolStage.token, mode) {
            var settings = stage.settings
            settings.timeoutSeconds = 4
            try await stage.asking(settings) { _ in
                await stage.found.count(1)
                let add = try #require(await stage.found.latest["far.add"])
                #expect(add.spec.type == .query && add.spec.accessControl.requiredScopes == ["far:read"])
                #expect(!add.violations(["a": "one"]).isEmpty)
                #expect(try await stage.call("add", ["a": 2, "b": 40]) == ["result": 42])
                let failed = await fault { try await stage.call("fail") }
                #expect(failed?.code == .execution && failed?.message.contains("no luck today") == true)
                try await requestsSayWhatTheyMust(stage)
                let hung = await fault { try await stage.call("hang") }
                #expect(hung?.code == .timeout)
                try await leavingCallsOff(stage)
                let large = await fault { try await stage.call("big", ["size": 5_000_000]) }
                #expect(large?.code == .tooLarge)
                if mode == "stream" { try await streamsAreTakenUpAgain(stage) }
            }
        }
    }

    private func requestsSayWhatTheyMust(_ stage: RemoteToolStage) async throws {
        let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        let asked = try await stage.call("asked", trace: trace)
        #expect(asked["traceparent"] == .string(trace) && asked["x-plain"] == "as it is", "\(asked)")
        #expect(asked["mcp-protocol-version"] == "2025-11-25")
        #expect(asked["authorization"] == .string("Bearer \(RemoteToolStage.token)"))
    }

    /// The call that ran out of time was called off at the server, as is one whose caller leaves.
    private func leavingCallsOff(_ stage: RemoteToolStage) async throws {
        let calling = Task { await fault { try await stage.call("hang") } }
        // What was asked later is answered earlier.
        _ = try await stage.call("add", ["a": 1, "b": 1])
        calling.cancel()
        #expect(await calling.value?.code == .aborted)
        let deadline = ContinuousClock.now + .seconds(60)
        var count: JSONValue?
        while count != 2, count != 1, ContinuousClock.now < deadline {
            count = try await stage.call("calls_off")["result"]
        }
        // The second may have been called off before it was sent.
        #expect(count == 1 || count == 2, "\(String(describing: count))")
    }

    private func streamsAreTakenUpAgain(_ stage: RemoteToolStage) async throws {
        // Longer than a call may be silent, but it is not silent.
        #expect(try await stage.call("slow", ["steps": 24]) == ["result": 24])
        // Cut off before the answer, which is fetched afterwards.
        #expect(try await stage.call("cut") == ["result": "after all"])
        #expect(try await stage.call("more") == ["result": "there"])
        await stage.found.until { $0.contains("far.extra") }
        #expect(try await stage.call("extra") == ["result": "extra"])
    }

    @Test func aServerThatWasAwayIsGreetedAnew() async throws {
        let stage = try await RemoteToolStage()
        try await stage.asking { _ in
            try await stage.serving("mcp_server.py", RemoteToolStage.token, "stream") {
                await stage.found.count(1)
                let sum = try await stage.call("add", ["a": 1, "b": 2])
                #expect(sum == ["result": 3])
            }
            let away = await fault { try await stage.call("add", ["a": 1, "b": 2]) }
            #expect(away?.code == .unavailable, "\(String(describing: away))")
            // The session died with it; nobody who calls notices.
            try await stage.serving("mcp_server.py", RemoteToolStage.token, "stream") {
                let sum = try await stage.call("add", ["a": 2, "b": 2])
                #expect(sum == ["result": 4])
            }
        }
    }

    @Test func aSecretThatIsReplacedIsUsedAtOnce() async throws {
        let stage = try await RemoteToolStage()
        try await stage.serving("mcp_server.py", "other-token-9876", "json") {
            try await stage.asking { _ in
                // It is turned away, tries again, and gets in once the owner has corrected the file.
                try "Bearer other-token-9876".write(toFile: stage.tokenFile, atomically: true, encoding: .utf8)
                chmod(stage.tokenFile, 0o600)
                await stage.found.count(1)
                #expect(try await stage.call("add", ["a": 1, "b": 1]) == ["result": 2])
                try "Bearer wrong-0123456789".write(toFile: stage.tokenFile, atomically: true, encoding: .utf8)
                chmod(stage.tokenFile, 0o600)
                let refused = await fault { try await stage.call("add", ["a": 1, "b": 1]) }
                #expect(refused?.code == .execution && refused?.message.contains("headerFiles") == true)
                #expect(refused?.details?["statusCode"] == 401)
                #expect("\(String(describing: refused))".contains("wrong-0123456789") == false)
                // One that others may read is not used.
                chmod(stage.tokenFile, 0o644)
                #expect(await fault { try await stage.call("add", ["a": 1, "b": 1]) }?.code == .accessDenied)
            }
        }
    }

    @Test func aServerThatMeansNoGoodHarmsNobody() async throws {
        let stage = try await RemoteToolStage()
        try await stage.serving("mcp_hostile.py", "tools") {
            var settings = stage.settings
            settings.timeoutSeconds = 5
            try await stage.asking(settings) { _ in
                await stage.found.count(1)
                #expect(await stage.found.latest.count == 14)
                #expect(try await stage.call("twice") == ["n": 1])
                let asks = try await stage.call("asks")
                #expect(asks["a"]?["error"]?["code"] == -32_601 && asks["b"]?["result"] == [:], "\(asks)")
                for (tool, code, word) in [
                    ("endless_line", Fault.Code.tooLarge, "longer"), ("flood", .timeout, "not answered"),
                    ("html", .execution, "else than JSON"), ("broken", .execution, "else than JSON"),
                    ("redirect", .execution, "nothing is followed"), ("forgetful", .unavailable, "forgets"),
                    ("huge", .tooLarge, "more than"), ("cut_off", .unavailable, "hung up"),
                    ("unwell", .unavailable, "out of order"), ("locked", .execution, "status 401"),
                    ("silent", .timeout, "not answered"),
                ] {
                    let refused = await fault { try await stage.call(tool) }
                    #expect(
                        refused?.code == code && refused?.message.contains(word) == true,
                        "\(tool): \(refused as Any)"
                    )
                }
                let log = try await stage.call("log")["asked"] ?? [:]
                // No redirect was followed, and thousands of changes of its tools did not make the client ask as often.
                #expect(log["elsewhere"] == nil && (log["tools/list"]?.integerValue ?? 99) < 20, "\(log)")
                // What nobody waited for was called off.
                #expect((log["notifications/cancelled"]?.integerValue ?? 0) >= 1, "\(log)")
            }
        }
    }

    @Test(arguments: ["version", "session", "toolless"])
    func aServerThatBeginsWronglyIsNotOffered(mode: String) async throws {
        let stage = try await RemoteToolStage()
        try await stage.serving("mcp_hostile.py", mode) {
            let door = ToolDoor(
                name: "far",
                server: stage.settings,
                address: try WebAddress(stage.settings.url ?? "", field: "url"),
                policy: stage.policy
            )
            try await stage.asking { _ in
                // It was greeted more than once and listed never.
                var greetings: Int64 = 0
                while greetings < 2 {
                    let message = ToolTalk.request(1, "tools/call", ["name": "log"])
                    let reply = try await door.exchange(message, id: 1, in: nil) { _ in }
                    guard case .answer(let answer, _) = reply else { throw Fault(.unknown, "It knows no session.") }
                    greetings = answer["result"]?["structuredContent"]?["asked"]?["initialize"]?.integerValue ?? 0
                }
                #expect(await stage.found.all.isEmpty)
            }
        }
    }

    @Test func aListWithoutEndHasAnEnd() async throws {
        let stage = try await RemoteToolStage()
        try await stage.serving("mcp_hostile.py", "pages") {
            try await stage.asking { _ in
                await stage.found.count(1)
                #expect(await stage.found.latest.isEmpty)
            }
        }
    }

    @Test func theOwnersPolicySaysWhichHostsAreReached() async throws {
        let stage = try await RemoteToolStage(policy: "hosts:\n  allow: [\"*.example\"]\n")
        let door = ToolDoor(
            name: "far",
            server: stage.settings,
            address: try WebAddress(stage.settings.url ?? "", field: "url"),
            policy: stage.policy
        )
        let denied = await fault {
            try await door.exchange(ToolTalk.request(1, "initialize", [:]), id: 1, in: nil) { _ in }
        }
        #expect(denied?.code == .accessDenied && denied?.message.contains("127.0.0.1:\(stage.port)") == true)
        var policy = Policy()
        policy.hosts = AllowList(allow: ["*.example", "10.0.0.1:8080", "::1"], deny: ["evil.example"])
        func objection(_ address: String) throws -> Fault? {
            policy.objection(toReach: try WebAddress(address, field: "url"))
        }
        #expect(try objection("https://good.example/mcp") == nil && objection("http://10.0.0.1:8080/") == nil)
        #expect(try objection("http://[::1]:9/") == nil && objection("HTTPS://A.EXAMPLE:8443") == nil)
        for bad in ["https://evil.example", "http://10.0.0.1:8081", "http://example", "http://evil.example:99"] {
            #expect(try objection(bad)?.code == .accessDenied, "\(bad)")
        }
    }

    @Test func anEntryOfServersSaysEitherAProgramOrAnAddress() throws {
        let folder = try Scratch()
        func flaw(_ entry: String) throws -> String? {
            let path = folder.path + "/spoke.yaml"
            try "mcpServers:\n  far: \(entry)\n".write(toFile: path, atomically: true, encoding: .utf8)
            do throws(Fault) { _ = try OwnOperations.read(path) } catch { return error.message }
            return nil
        }
        #expect(try flaw("{url: \"https://tools.example/mcp\", headers: {x-a: b}, scopes: [far:use]}") == nil)
        #expect(try flaw("{command: [server], environment: {A: b}}") == nil)
        for (entry, word) in [
            ("{timeoutSeconds: 3}", "either a command"), ("{command: [a], url: \"http://b\"}", "neither command"),
            ("{url: \"ftp://b\"}", "http://"), ("{url: \"https://user:secret@b/\"}", "no credential"),
            ("{url: \"https://b/?token=abc\"}", "in its query"),
            ("{url: \"http:///mcp\"}", "names a host"), ("{url: \"http://b/#x\"}", "behind #"),
            ("{url: \"http://b\", headers: {Host: c}}", "sets itself"),
            ("{url: \"http://b\", headers: {\"a b\": c}}", "name of a header"),
            ("{url: \"http://b\", headers: {a: \"c\\r\\nd: e\"}}", "printable"),
            ("{url: \"http://b\", headers: {A: c}, headerFiles: {a: /f}}", "twice"),
            ("{command: [a], headers: {a: c}}", "no url"),
        ] {
            let said = try flaw(entry)
            #expect(said?.contains(word) == true && said?.contains("secret") == false, "\(entry): \(said as Any)")
        }
    }
}
