import Foundation
import HubCore
import Protocol
import TestSupport

/// One recorded session, told event by event, with what a person says should have been found in it.
///
/// A file of lines of JSON: first `{"trace", "about", "expect": [types], …}`, then events `{"t": seconds, …}`:
///
/// | member | says |
/// |---|---|
/// | `print` | a line that the process printed |
/// | `repeat`, `every` | so many times more, so many seconds apart |
/// | `message`, `call` | somebody said something to it; it asked for an operation |
/// | `cpu`, `write`, `refs` | its spoke's sample saw its processes at work, files written, references moved |
/// | `spoke` | `away`, `back`, `paused`, `resumed` |
/// | `hub` | `gone`, `back`: no hub was there in between |
/// | `status` | the session's, such as `retry` |
/// | `resolve` | a person resolves what is open of this type |
/// | `load` | the share of the machine's processors in use |
/// | `end` | the session is over |
struct DetectionTrace {
    let name: String
    let about: String
    let expected: Set<AnomalyType>
    let events: [JSONValue]
    let head: JSONValue

    static let folder = WrittenPage.root.appending(path: "Tests/HubDomainTests/Traces")

    /// All of them, by name.
    static func all() throws -> [DetectionTrace] {
        try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".jsonl") }.sorted()
            .map { try DetectionTrace(file: $0) }
    }

    init(file: String) throws {
        let text = try String(contentsOf: Self.folder.appending(path: file), encoding: .utf8)
        let lines = try text.split(separator: "\n").map { try JSONValue(parsing: Array($0.utf8)) }
        guard let head = lines.first, let name = head["trace"]?.stringValue, let about = head["about"]?.stringValue,
            name + ".jsonl" == file
        else { throw Fault(.validation, "\(file) does not open with its name and what it is about.") }
        let expected = (head["expect"]?.arrayValue ?? []).compactMap { $0.stringValue.flatMap(AnomalyType.init) }
        guard expected.count == head["expect"]?.arrayValue?.count else {
            throw Fault(.validation, "\(file) expects what there is not.")
        }
        self.name = name
        self.about = about
        self.head = head
        self.expected = Set(expected)
        events = Self.unrolled(Array(lines.dropFirst()))
    }

    /// Repetitions written out, in order of time.
    private static func unrolled(_ events: [JSONValue]) -> [JSONValue] {
        var all: [JSONValue] = []
        for event in events {
            guard case .object(var members) = event, let count = members["repeat"]?.integerValue else {
                all.append(event)
                continue
            }
            let (start, every) = (Self.number(members["t"]), Self.number(members["every"]))
            for index in 0...count {
                members["t"] = .number(start + Double(index) * every)
                // `$` stands for which one it is.
                if let line = event["print"]?.stringValue {
                    members["print"] = .string(line.replacing("$", with: "\(index + 1)"))
                }
                all.append(.object(members))
            }
        }
        return all.enumerated().sorted { ($0.1.time, $0.0) < ($1.1.time, $1.0) }.map(\.1)
    }

    static func number(_ value: JSONValue?) -> Double {
        switch value {
        case .integer(let whole)?: Double(whole)
        case .number(let number)?: number
        default: 0
        }
    }
}

extension JSONValue {
    var time: Double { DetectionTrace.number(self["t"]) }
}

/// Tells a trace to the same machine and the same heuristics as the hub does, with a look every half minute and one
/// whenever an agent's output brings trouble.
struct TraceReplay {
    /// What was raised, each type once.
    private(set) var raised: Set<AnomalyType> = []
    /// The most confident of each.
    private(set) var confidence: [AnomalyType: Double] = [:]
    private var signs: SessionSigns
    private var machine: TranscriptMachine?
    private var rest: [UInt8] = []
    private var open: [AnomalyFinding] = []
    private var resolved: [DetectionReport] = []
    private var thresholds: DetectionThresholds
    /// No hub is there, so nobody looks.
    private var isBlind = false

    private static let start: Int64 = 1_700_000_000_000

    /// - Parameter agentStallSeconds: In place of the usual threshold.
    static func verdicts(on trace: DetectionTrace, agentStallSeconds: Double? = nil) -> TraceReplay {
        var replay = TraceReplay(trace)
        if let agentStallSeconds { replay.thresholds.agentStallSeconds = agentStallSeconds }
        var next = 30.0
        for event in trace.events {
            while next < event.time {
                replay.look(at: next)
                next += 30
            }
            replay.take(event)
        }
        replay.look(at: (trace.events.last?.time ?? 0) + 0.5)
        return replay
    }

    private init(_ trace: DetectionTrace) {
        thresholds = DetectionThresholds(trace.head["thresholds"])
        signs = SessionSigns(
            sessionId: "s",
            fence: 1,
            at: Self.start,
            status: .busy,
            hasStarted: true,
            isOver: false
        )
        signs.activity.stateAt = Self.start
        var spoke = SessionSigns.Spoke(name: "build-1", isConnected: true)
        (spoke.connectedAt, spoke.watchedSince) = (Self.start - 3_600_000, Self.start - 3_600_000)
        signs.spoke = spoke
        signs.work.directory = trace.head["directory"]?.stringValue
        signs.work.expectedFiles = (trace.head["expectedFiles"]?.arrayValue ?? []).compactMap(\.stringValue)
        signs.work.taskScope = trace.head["scope"]?.stringValue.flatMap(TaskScope.init)
        if let output = trace.head["agent"]?.stringValue.flatMap(AgentOutput.init) {
            machine = TranscriptMachine(output, fence: 1)
            signs.agent = SessionSigns.Agent(output: output)
        }
    }

    private mutating func look(at seconds: Double) {
        guard !isBlind else { return }
        signs.at = Self.start + Int64(seconds * 1_000)
        signs.reports = reports
        let verdict = AnomalyLook.verdict(on: signs, by: thresholds)
        for finding in verdict.findings where finding.isFresh {
            raised.insert(finding.type)
            confidence[finding.type] = max(confidence[finding.type] ?? 0, finding.evidence.confidence)
            open.removeAll { $0.type == finding.type && $0.context == finding.context }
            open.append(finding)
        }
        for settled in verdict.settled { resolve { "\($0.type.rawValue) \($0.context)" == settled.id.rawValue } }
    }

    private mutating func resolve(_ isMeant: (AnomalyFinding) -> Bool) {
        for finding in open where isMeant(finding) {
            resolved.append(DetectionReport(type: finding.type, context: finding.context, resolvedMark: finding.mark))
        }
        open.removeAll(where: isMeant)
    }

    /// What the database says of what was reported.
    private var reports: [DetectionReport] {
        var reports: [String: DetectionReport] = [:]
        for one in resolved {
            let key = "\(one.type) \(one.context)"
            var report = reports[key] ?? one
            report.resolvedMark = max(report.resolvedMark ?? 0, one.resolvedMark ?? 0)
            reports[key] = report
        }
        for finding in open {
            let key = "\(finding.type.rawValue) \(finding.context)"
            var report = reports[key] ?? DetectionReport(type: finding.type, context: finding.context)
            (report.openMark, report.openId) = (finding.mark, DetectionID(key))
            reports[key] = report
        }
        return Array(reports.values)
    }

    private mutating func take(_ event: JSONValue) {
        let at = Self.start + Int64(event.time * 1_000)
        if let line = event["print"]?.stringValue { print(line + "\n", at) }
        if event["message"] != nil { signs.activity.messageAt = at }
        if event["call"] != nil { signs.activity.callAt = at }
        for (name, path) in Self.samples where event[name] != nil {
            signs.activity[keyPath: path] = at
            signs.activity.sampledAt = at
        }
        if let load = event["load"] { signs.spoke?.cpuLoad = DetectionTrace.number(load) }
        if let status = event["status"]?.stringValue.flatMap(SessionStatus.init) {
            signs.status = status
            signs.activity.stateAt = at
        }
        if let word = event["spoke"]?.stringValue { turn(spoke: word, at) }
        if let word = event["hub"]?.stringValue { turn(hub: word, at) }
        if let type = event["resolve"]?.stringValue { resolve { $0.type.rawValue == type } }
        if event["end"] != nil {
            print("", at, isLast: true)
            (signs.isOver, signs.status, signs.activity.stateAt) = (true, .idle, at)
        }
    }

    private static var samples: [(String, WritableKeyPath<SessionSigns.Activity, Int64?>)] {
        [("cpu", \.processorAt), ("write", \.writeAt), ("refs", \.referencesAt), ("sample", \.sampledAt)]
    }

    private mutating func print(_ text: String, _ at: Int64, isLast: Bool = false) {
        if !text.isEmpty { signs.activity.outputAt = at }
        guard var machine else { return }
        let before = machine
        rest += Array(text.utf8)
        let offset = machine.offset
        _ = machine.read(rest, isLast: isLast)
        rest.removeFirst(Int(machine.offset - offset))
        self.machine = machine
        signs.agent?.transcript = machine.signs
        signs.agent?.state = machine.facts.state
        signs.agent?.quotaResetsAt = machine.facts.quotaResetsAt
        if machine.isInMoreTrouble(than: before) { look(at: Double(at - Self.start) / 1_000) }
    }

    private mutating func turn(spoke word: String, _ at: Int64) {
        switch word {
        case "away":
            signs.spoke?.isConnected = false
            signs.spoke?.disconnectedAt = at
            signs.spoke?.lastHeartbeat = at
            signs.spoke?.disconnectReason = "its link broke"
        case "back":
            signs.spoke?.isConnected = true
            signs.spoke?.connectedAt = at
            signs.spoke?.disconnectedAt = nil
        case "paused": signs.spoke?.pausedReason = "the disk is full"
        default: signs.spoke?.pausedReason = nil
        }
    }

    /// A hub that goes lets go of its links, and the spokes find their way back to the next.
    private mutating func turn(hub word: String, _ at: Int64) {
        isBlind = word == "gone"
        if isBlind { turn(spoke: "away", at) } else { signs.spoke?.watchedSince = at }
    }
}
