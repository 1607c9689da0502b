import Foundation
import NIOCore
import Protocol
import TestSupport
import Testing
import Transport

/// Which of two spokes answers, for whom, and for how long: a real hub, two spokes that say what they like, and a
/// coordinator over a WebSocket.
@Suite(.serialized)
struct CallAddressTests {
    private struct Stage {
        let hub: HubUnderTest
        let one: FakeProvider
        let two: FakeProvider
        let coordinator: FakeCoordinator
    }

    @Test func callsGoWhereTheyAreMeantForAndAsFarAsTheirCallersMay() async throws {
        let hub = try await HubUnderTest.start()
        func join(_ name: String, _ labels: [String: String]) async throws -> FakeProvider {
            let (offer, behave) = (CallRoutingTests.offer, CallRoutingTests.behave)
            return try await FakeProvider.join(hub, name: name, offering: offer, labels: labels, answering: behave)
        }
        let stage = Stage(
            hub: hub,
            one: try await join("one", ["gpu": "no"]),
            two: try await join("two", ["gpu": "yes", "zone": "b"]),
            coordinator: try await FakeCoordinator.dial(hub)
        )
        try await Self.theSpokeThatIsMeantAnswers(stage)
        try await Self.theLessLoadedOneAnswers(stage)
        try await Self.aLinkIsBelievedItsSpokeAndNothingElse(stage)
        try await Self.silenceEndsASubscription(stage)
        try await Self.whoHangsUpAbortsWhatWasAsked(stage)
        #expect(await hub.stop() == 0)
    }

    /// By HTTP, with a header; the spoke that answered.
    private static func answering(_ stage: Stage, _ target: String) async throws -> String? {
        let reply = try await stage.hub.call("demo.echo", headers: [("x-target", target)])
        return reply.body["meta"]?["spokeId"]?.stringValue
    }

    /// By WebSocket.
    private static func answering(_ stage: Stage, _ id: String, _ target: CallTarget) async throws -> String? {
        stage.coordinator.ask("demo.echo", id: id, target: target)
        guard case .responded(let answer) = try await stage.coordinator.end(of: id) else { return nil }
        return answer.output["meta"]?["spokeId"]?.stringValue
    }

    private static func session(_ hub: HubUnderTest, on spoke: String) async throws -> String {
        if try await hub.call("project.get", #"{"project":"app"}"#).status != 200 {
            _ = try await hub.call("project.create", #"{"name":"app","repoUrl":"/srv/app.git"}"#)
        }
        let spawned = try await hub.call(
            "coord.spawn",
            """
            {"project":"app","run":{"command":["true"]},"target":{"spokeName":"\(spoke)"},"grants":["demo:admin"]}
            """
        )
        return try #require(spawned.data?["sessionId"]?.stringValue, "\(spawned.body)")
    }

    private static func theSpokeThatIsMeantAnswers(_ stage: Stage) async throws {
        let (one, two) = (stage.one.spoke.id, stage.two.spoke.id)
        for (wanted, value) in [(one, "no"), (two, "yes")] {
            #expect(try await answering(stage, #"{"labels":{"gpu":"\#(value)"}}"#) == wanted.rawValue)
            let target = CallTarget(labels: ["gpu": value])
            #expect(try await answering(stage, "labels-\(value)", target) == wanted.rawValue)
        }
        #expect(try await answering(stage, #"{"labels":{"gpu":"yes","zone":"b"}}"#) == two.rawValue)
        for (name, spoke) in [("one", one), ("two", two)] {
            let session = try await session(stage.hub, on: name)
            #expect(try await answering(stage, #"{"sessionId":"\#(session)"}"#) == spoke.rawValue)
            let target = CallTarget(sessionId: SessionID(session))
            #expect(try await answering(stage, "session-\(name)", target) == spoke.rawValue)
            #expect(try await answering(stage, "name-\(name)", CallTarget(spokeName: name)) == spoke.rawValue)
        }
    }

    /// With nothing to tell them apart, the spoke with fewer calls under way is asked.
    private static func theLessLoadedOneAnswers(_ stage: Stage) async throws {
        for busy in [stage.one, stage.two] {
            let id = "busy-\(busy.spoke.id)"
            stage.coordinator.ask("demo.never", id: id, target: CallTarget(spokeId: busy.spoke.id))
            _ = try await busy.request(id)
            let free = busy.spoke.id == stage.one.spoke.id ? stage.two : stage.one
            for _ in 0..<3 { #expect(try await answering(stage, "{}") == free.spoke.id.rawValue) }
            busy.answer(id, "done")
            _ = try await stage.coordinator.end(of: id)
        }
    }

    private static func aLinkIsBelievedItsSpokeAndNothingElse(_ stage: Stage) async throws {
        let session = try await session(stage.hub, on: "two")
        func outcome(_ spoke: FakeProvider, _ id: String, as session: String?) async throws -> Fault.Code? {
            let request = CallRequested(
                requestId: id,
                operationId: "demo.secret",
                input: [:],
                sessionId: session.map { SessionID($0) },
                identity: Identity(id: "admin", scopes: ["*"]),
                timestamp: Date().milliseconds
            )
            spoke.say(.requested(request))
            return try await spoke.wait { message -> Fault.Code?? in
                switch message {
                case .responded(let answer) where answer.requestId == id: .some(nil)
                case .failed(let failure) where failure.requestId == id: .some(failure.error.code)
                default: nil
                }
            }
        }
        // What it says of an identity is not looked at; a session's rights are those of the spoke that it runs on.
        #expect(try await outcome(stage.one, "forged", as: nil) == .accessDenied)
        #expect(try await outcome(stage.one, "foreign", as: session) == .accessDenied)
        #expect(try await outcome(stage.two, "own", as: session) == nil)
        // Those who answered were told who asks as the hub knows it.
        let asked = [stage.one, stage.two].compactMap { $0.heardRequests(of: "demo.secret").first }
        #expect(asked.count == 1 && asked.first?.identity?.id == session, "\(asked)")
        #expect(asked.first?.identity?.scopes == ["demo:admin"], "\(asked)")
    }

    private static func silenceEndsASubscription(_ stage: Stage) async throws {
        stage.coordinator.ask("demo.count", id: "idle", idleTimeout: 50, target: CallTarget(spokeName: "one"))
        guard case .failed(let failure) = try await stage.coordinator.end(of: "idle") else {
            Issue.record("a silent subscription did not fail")
            return
        }
        #expect(failure.error.code == .timeout)
        try await stage.one.abort(of: "idle")
    }

    private static func whoHangsUpAbortsWhatWasAsked(_ stage: Stage) async throws {
        let leaving = try await FakeCoordinator.dial(stage.hub)
        leaving.ask("demo.never", id: "left", target: CallTarget(spokeName: "one"))
        leaving.ask("demo.count", id: "left-too", target: CallTarget(spokeName: "two"))
        _ = try await stage.one.request("left")
        _ = try await stage.two.request("left-too")
        leaving.line.connection.channel.close(promise: nil)
        try await stage.one.abort(of: "left")
        try await stage.two.abort(of: "left-too")
        try await stage.hub.until("nave_subscriptions", is: 0)
        try await stage.hub.until("nave_coordinators", is: 1)
    }
}
