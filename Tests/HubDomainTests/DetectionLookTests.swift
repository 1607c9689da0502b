import Foundation
import Protocol
import TestSupport
import Testing

@testable import HubCore

/// The heuristics, as functions of what is known of a session.
struct DetectionLookTests {
    private static let now: Int64 = 1_700_000_000_000

    /// A process that runs on a connected spoke and was last heard of so many seconds ago.
    private static func process(quiet seconds: Double) -> SessionSigns {
        var signs = SessionSigns(
            sessionId: "s",
            fence: 1,
            at: now,
            status: .busy,
            hasStarted: true,
            isOver: false
        )
        signs.spoke = SessionSigns.Spoke(name: "a", isConnected: true)
        signs.activity.outputAt = now - Int64(seconds * 1_000)
        return signs
    }

    private static func agent(quiet seconds: Double, _ lines: [String] = []) -> SessionSigns {
        var signs = process(quiet: seconds)
        var machine = TranscriptMachine(.jsonl, fence: 1)
        _ = machine.read(Array(lines.map { $0 + "\n" }.joined().utf8), isLast: false)
        signs.agent = SessionSigns.Agent(output: .jsonl, state: machine.facts.state, transcript: machine.signs)
        return signs
    }

    private static func types(_ signs: SessionSigns, _ thresholds: DetectionThresholds = .init()) -> [AnomalyType] {
        AnomalyLook.verdict(on: signs, by: thresholds).findings.filter(\.isFresh).map(\.type)
    }

    private static func call(_ name: String, id: Int, _ input: String = "{}") -> String {
        let block = #"{"type":"tool_use","id":"t\#(id)","name":"\#(name)","input":\#(input)}"#
        return #"{"type":"assistant","message":{"content":[\#(block)]}}"#
    }

    private static func result(_ text: String, id: Int, isError: Bool = true) -> String {
        let block = #"{"type":"tool_result","tool_use_id":"t\#(id)","content":"\#(text)","is_error":\#(isError)}"#
        return #"{"type":"user","message":{"content":[\#(block)]}}"#
    }

    private static func failures(_ count: Int, _ text: (Int) -> String = { "error \($0) of a kind" }) -> [String] {
        (1...count).flatMap { [call("bash", id: $0), result(text($0), id: $0)] }
    }

    // MARK: Stalls

    @Test func aLimitIsStrict() {
        #expect(Self.types(Self.process(quiet: 600)).isEmpty)
        #expect(Self.types(Self.process(quiet: 600.001)) == [.sessionStall])
        #expect(Self.types(Self.agent(quiet: 60)).isEmpty)
        #expect(Self.types(Self.agent(quiet: 60.001)) == [.sessionStall])
    }

    @Test func oneSignOfLifeIsEnough() {
        let paths: [WritableKeyPath<SessionSigns.Activity, Int64?>] = [
            \.stateAt, \.outputAt, \.messageAt, \.callAt, \.processorAt, \.writeAt, \.referencesAt,
        ]
        for path in paths {
            var signs = Self.process(quiet: 5_000)
            #expect(Self.types(signs) == [.sessionStall])
            signs.activity[keyPath: path] = Self.now - 599_000
            #expect(Self.types(signs).isEmpty)
            // A clock that runs ahead is no sign of life to come.
            signs.activity[keyPath: path] = Self.now + 86_400_000
            #expect(Self.types(signs).isEmpty)
        }
        var back = Self.process(quiet: 5_000)
        back.spoke?.connectedAt = Self.now - 20_000
        #expect(Self.types(back).isEmpty, "what was out of sight was not seen to be quiet")
    }

    @Test func whoWaitsDoesNotStall() {
        for state in AgentState.allCases where state != .busy {
            var signs = Self.agent(quiet: 100_000)
            signs.agent?.state = state
            #expect(!Self.types(signs).contains(.sessionStall), "\(state)")
        }
        for status in SessionStatus.allCases where status != .busy {
            var signs = Self.process(quiet: 100_000)
            signs.status = status
            #expect(Self.types(signs).isEmpty, "\(status)")
        }
        var signs = Self.process(quiet: 100_000)
        signs.hasStarted = false
        #expect(Self.types(signs).isEmpty)
        signs = Self.process(quiet: 100_000)
        signs.spoke?.pausedReason = "the disk is full"
        #expect(Self.types(signs).isEmpty)
        signs = Self.process(quiet: 100_000)
        signs.spoke = nil
        #expect(Self.types(signs).isEmpty)
    }

    @Test func anAgentThatWaitsForAToolIsAsPatientAsAProcess() {
        let lines = [Self.call("bash", id: 1)]
        #expect(Self.types(Self.agent(quiet: 599, lines)).isEmpty)
        #expect(Self.types(Self.agent(quiet: 601, lines)) == [.sessionStall])
        #expect(
            Self.types(Self.agent(quiet: 61, lines + [Self.result("ok", id: 1, isError: false)])) == [.sessionStall]
        )
    }

    @Test func moreSignalsThatAgreeMakeItSurer() throws {
        let few = Self.process(quiet: 700)
        var many = few
        (many.activity.sampledAt, many.activity.processorAt) = (Self.now, Self.now - 700_000)
        many.activity.referencesAt = Self.now - 800_000
        many.spoke?.cpuLoad = 0.01
        let findings = try [few, many].map { signs in
            try #require(AnomalyLook.verdict(on: signs, by: .init()).findings.first)
        }
        #expect(findings[0].evidence.confidence < 0.5)
        #expect(findings[1].evidence.confidence > 0.7)
        let missing = findings[0].evidence.readings.filter { $0.state == .missing }.map(\.signal)
        #expect(missing == ["protocol", "processor", "writes", "references", "host"])
        #expect(findings[1].evidence.readings.filter { $0.state == .missing }.map(\.signal) == ["protocol"])
    }

    // MARK: What is reported once

    @Test func whatWasReportedIsNotReportedAgain() throws {
        var signs = Self.agent(quiet: 1, Self.failures(6))
        let first = try #require(
            AnomalyLook.verdict(on: signs, by: .init()).findings.first { $0.type == .highErrorCount }
        )
        #expect(first.isFresh)
        signs.reports = [DetectionReport(type: first.type, context: first.context, openMark: first.mark, openId: "d")]
        let again = AnomalyLook.verdict(on: signs, by: .init())
        #expect(again.findings.map(\.isFresh) == [false])
        #expect(again.settled.isEmpty)
        for (count, isFresh) in [(10, false), (11, true)] {
            signs.agent = Self.agent(quiet: 1, Self.failures(count)).agent
            let found = AnomalyLook.verdict(on: signs, by: .init()).findings.first { $0.type == .highErrorCount }
            #expect(found?.isFresh == isFresh, "\(count)")
        }
        signs.agent = Self.agent(quiet: 1, Self.failures(10)).agent
        signs.reports = [DetectionReport(type: first.type, context: first.context, resolvedMark: first.mark)]
        #expect(Self.types(signs).isEmpty, "four more than what was resolved")
        signs.agent = Self.agent(quiet: 1, Self.failures(11)).agent
        #expect(Self.types(signs) == [.highErrorCount])
    }

    @Test func aResolvedStallIsFoundAgainOnlyBehindFurtherActivity() {
        var signs = Self.process(quiet: 5_000)
        signs.reports = [
            DetectionReport(type: .sessionStall, context: "1", resolvedMark: signs.activity.outputAt)
        ]
        #expect(Self.types(signs).isEmpty)
        signs.activity.outputAt = Self.now - 700_000
        #expect(Self.types(signs) == [.sessionStall])
        signs.fence = 2
        signs.reports[0].resolvedMark = Self.now
        #expect(Self.types(signs) == [.sessionStall], "another placement is another matter")
    }

    @Test func whatLastedIsSettledWhenItIsOver() {
        let open = [
            DetectionReport(type: .sessionStall, context: "1", openMark: 1, openId: "stall"),
            DetectionReport(type: .spokeLost, context: "1", openMark: 1, openId: "lost"),
            DetectionReport(type: .quotaExhausted, context: "1", openMark: 1, openId: "quota"),
            DetectionReport(type: .highErrorCount, context: "1", openMark: 9, openId: "errors"),
        ]
        func settled(_ change: (inout SessionSigns) -> Void) -> [String] {
            var signs = Self.agent(quiet: 1)
            signs.reports = open
            change(&signs)
            return AnomalyLook.verdict(on: signs, by: .init()).settled.map(\.id.rawValue)
        }
        #expect(settled { _ in } == ["stall", "lost", "quota"])
        #expect(settled { $0.activity.outputAt = Self.now - 61_000 } == ["lost", "quota"])
        #expect(settled { $0.isOver = true } == ["stall", "lost"], "a limit stands until somebody resumes")
        #expect(settled { $0.spoke?.isConnected = false } == ["quota"], "nobody sees whether it still stalls")
    }

    // MARK: Transcripts

    @Test func errorsAreToldApartByTheirWords() {
        var same = Self.agent(
            quiet: 1,
            Self.failures(5) { "12:00:0\($0) pid 4\($0)\($0)\($0)2 gave up after \($0)5ms" }
        )
        #expect(Self.types(same) == [.highErrorCount, .repeatedError])
        same.agent = Self.agent(quiet: 1, Self.failures(5) { "HTTP 50\($0)" }).agent
        #expect(Self.types(same) == [.highErrorCount])
        #expect(Self.types(Self.agent(quiet: 1, Self.failures(9) { _ in "rejected by user" })).isEmpty)
    }

    @Test func whatIsRememberedOfATranscriptIsBounded() {
        let lines = (0..<400).flatMap { index in
            [
                Self.call("Write", id: index, #"{"file_path":"f\#(index)\#(String(repeating: "x", count: 500))"}"#),
                Self.result("word\(String(repeating: "y", count: index)) failed", id: index),
                Self.call("tool", id: index + 1_000),
            ]
        }
        let signs = Self.agent(quiet: 1, lines).agent?.transcript ?? TranscriptSigns()
        #expect(signs.toolErrors == 400)
        #expect(signs.malformedCalls == 400)
        #expect(signs.files.count == TranscriptSigns.filesMax)
        #expect(signs.pendingTools.count <= 64)
        #expect(WireCoder.bytes(of: signs).count < 40_000)
    }

    @Test func aToolThatAnswersIsOne() {
        let suspect = [Self.call("tool", id: 1)]
        #expect(Self.types(Self.agent(quiet: 1, suspect)) == [.modelDegradation])
        #expect(Self.types(Self.agent(quiet: 1, suspect + [Self.result("no such tool", id: 1)])) == [.modelDegradation])
        #expect(Self.types(Self.agent(quiet: 1, suspect + [Self.result("ok", id: 1, isError: false)])).isEmpty)
    }

    @Test(arguments: [
        ("src/**", "src/a/b.swift", true), ("src/**", "lib/a.swift", false), ("src", "src/a", true),
        ("src/*.swift", "src/a.swift", true), ("src/*.swift", "src/a/b.swift", false),
        ("**/*Tests.swift", "Tests/A/BTests.swift", true), ("**/*Tests.swift", "BTests.swift", true),
        ("a?c", "abc", true), ("a?c", "ac", false), ("*a*b*", "xxaxxbxx", true), ("*a*b*", "xxbxxa", false),
        ("**", "anything/at/all", true), ("", "a", true),
    ])
    func patternsOfFiles(pattern: String, path: String, matches: Bool) {
        #expect(FilePattern(pattern).matches(path) == matches)
    }

    // MARK: Thresholds

    @Test func thresholdsAreASettingWithBounds() {
        let stored: JSONValue = ["agentStallSeconds": 5, "toolErrors": 2, "off": ["DIGRESSION"]]
        #expect(DetectionThresholds.complaint(about: stored) == nil)
        let thresholds = DetectionThresholds(stored)
        #expect((thresholds.agentStallSeconds, thresholds.toolErrors, thresholds.repeatedErrors) == (5, 2, 5))
        #expect(thresholds.off == [.digression])
        let wrong: [JSONValue] = [
            3, [], ["toolErrors": 0], ["toolErrors": "5"], ["agentStallSeconds": -1], ["filesTouched": 100],
            ["repeatedErrors": 33], ["off": ["NOTHING"]], ["off": "DIGRESSION"], ["stall": 5],
        ]
        for value in wrong {
            #expect(DetectionThresholds.complaint(about: value) != nil, "\(value)")
            #expect(DetectionThresholds(value) == DetectionThresholds(), "\(value): what is wrong is not heeded")
        }
        var off = DetectionThresholds()
        off.off = Set(AnomalyType.allCases)
        #expect(Self.types(Self.process(quiet: 1e6), off).isEmpty)
    }

    // MARK: Traces

    @Test func thePageOfDetectionsSaysHowGoodTheyAre() throws {
        #expect(try WrittenPage.difference(of: "docs/detections.md", from: DetectionPages.page()) == nil)
    }

    @Test func everyHeuristicIsReplayedOverWhatItShouldAndShouldNotFind() throws {
        let traces = try DetectionTrace.all()
        #expect(traces.count >= 40)
        for (type, score) in DetectionPages.scores(traces) {
            #expect(score.hits + score.misses.count >= 5, "\(type.rawValue)")
            // A heuristic that is wrong more often than right is none.
            #expect((score.precision ?? 0) >= 0.5 && (score.recall ?? 0) >= 0.5, "\(type.rawValue)")
        }
    }
}
