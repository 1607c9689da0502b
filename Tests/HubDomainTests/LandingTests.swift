import HubDomains
import Protocol
import Synchronization
import Testing

/// What is checked before a spoke is asked to land a branch, and as whom it is asked.
@Suite struct LandingTests {
    /// What the spoke was asked, with an answer in its place.
    private final class Asked: Sendable {
        private let calls = Mutex<[(name: String, input: JSONValue, caller: Caller)]>([])
        var all: [(name: String, input: JSONValue, caller: Caller)] { calls.withLock { $0 } }

        func lead(_ hub: TestHub) {
            hub.domains.composed.lead { [self] (name, input, caller, _) async throws(Fault) in
                calls.withLock { $0.append((name, input, caller)) }
                let output = GitLand.Output(
                    outcome: .landed,
                    branch: "wt/x",
                    source: "s",
                    into: input["into"]?.stringValue ?? "",
                    before: "b",
                    commit: "c",
                    commits: 1,
                    pushed: true
                )
                return Answer(data: WireCoder.bytes(of: output), operationId: name, requestId: caller.requestId)
            }
        }
    }

    @Test func aSessionsBranchIsLandedWhereItIs() async throws {
        let hub = try await TestHub.make()
        let project = try await hub.project()
        let asked = Asked()
        #expect(try await hub.refusal(LandSession(sessionId: "nobody", into: "main"))?.code == .notFound)
        let waiting = try await hub.spawn(title: "waits")
        var spoke = try await ScriptedSpoke.join(hub, "a")
        let session = try await hub.spawn(title: "Fix it")
        let id = session.sessionId.rawValue
        let busy = try await hub.refusal(LandSession(sessionId: id, into: "main"))
        #expect(busy?.code == .conflict && busy?.message.contains(id) == true)
        #expect(
            try await hub.refusal(LandSession(sessionId: waiting.sessionId.rawValue, force: true))?.code == .conflict
        )
        spoke.start(session)
        spoke.exit(session)
        try await spoke.flush()
        #expect(try await hub.refusal(LandSession(sessionId: id))?.code == .unavailable, "No door is open yet.")

        asked.lead(hub)
        let landed = try await hub.ask(LandSession(sessionId: id, strategy: .squash))
        #expect(landed.outcome == .landed && landed.spokeId == spoke.id && landed.sessionId == session.sessionId)
        let call = try #require(asked.all.first)
        #expect(call.name == "git.land" && call.input["into"] == "main" && call.input["strategy"] == "squash")
        #expect(call.input["workspaceId"]?.stringValue == session.workspaceId.rawValue)
        #expect(call.caller.target?.spokeId == spoke.id && call.caller.isComposed)
        // It may do what landing needs and nothing else, whoever asks.
        #expect(call.caller.identity.scopes == ["git:write", "org:admin"])
        let named = LandSession(branch: session.branch, projectId: project.name, into: "next")
        let plain = hub.caller("coord:write")
        #expect(try await hub.ask(named, by: plain).into == "next")
        #expect(asked.all.last?.caller.identity.scopes == ["git:write"])
        #expect(asked.all.last?.caller.parentRequestId == plain.requestId)
        #expect(try await hub.count("SELECT count(*) FROM nave.audit_logs WHERE action = 'coord.land'") >= 5)
        await hub.close()
    }

    @Test func whatCannotBeLandedIsSaidBeforeAnybodyIsAsked() async throws {
        let hub = try await TestHub.make()
        _ = try await hub.project()
        let asked = Asked()
        asked.lead(hub)
        var spoke = try await ScriptedSpoke.join(hub, "a")
        let session = try await hub.spawn()
        let id = session.sessionId.rawValue
        spoke.start(session)
        spoke.exit(session)
        try await spoke.flush()
        for (request, code, words) in [
            (LandSession(sessionId: id, into: "--force"), Fault.Code.validation, "into"),
            (LandSession(sessionId: id, branch: "x"), .validation, "instead of sessionId"),
            (LandSession(into: "main"), .validation, "sessionId"),
            (LandSession(branch: "-x", projectId: "app"), .validation, "branch"),
            (LandSession(branch: "wt/none", projectId: "app"), .notFound, "No session worked on"),
            (LandSession(branch: "wt/none", projectId: "none"), .notFound, "no project"),
        ] {
            let refused = try await hub.refusal(request)
            #expect(refused?.code == code && refused?.message.contains(words) == true, "\(refused as Any)")
        }
        #expect(try await hub.refusal(LandSession(sessionId: id), by: hub.caller("coord:read"))?.code == .accessDenied)
        try await spoke.disconnect()
        let away = try await hub.refusal(LandSession(sessionId: id))
        #expect(away?.code == .spokeDisconnected && away?.message.contains("“a”") == true)
        #expect(asked.all.isEmpty)
        await hub.close()
    }
}
