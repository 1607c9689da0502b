import ArgumentParser
import Foundation
import Protocol

/// `hub status [SESSION]`
struct StatusCommand: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "What runs where, and how it fares."
    )

    @OptionGroup var client: ClientOptions
    @Argument(help: "Only this session.") var session: String?
    @Option(help: "Only the sessions that this one spawned.") var parent: String?

    func ask(_ hub: HubClient) async throws {
        var input: [String: JSONValue] = [:]
        input["sessionId"] = session.map(JSONValue.string)
        input["parentSessionId"] = parent.map(JSONValue.string)
        let status = try await hub.pages("coord.status", "mappings", .object(input))
        if client.json { return try Output.json(status) }
        var table = Table("SESSION", "STATUS", "SPOKE", "BRANCH", "EXIT", "OUTPUT", "LAST", "WRONG", "TITLE")
        for entry in status["mappings"]?.arrayValue ?? [] {
            table.add(
                entry.cell("session.id"),
                Self.state(of: entry),
                entry.cell("spoke.name"),
                entry.cell("workspace.branch"),
                entry.cell("session.exitCode"),
                entry.cell("output.bytes"),
                entry.age("output.lastAt"),
                Self.detections(of: entry),
                entry.cell("session.title")
            )
        }
        try Output.line(table.text(empty: "No sessions. Start one with `hub spawn`."))
    }

    /// The types of what is open, each with how often it was found: `SESSION_STALL×3`.
    private static func detections(of entry: JSONValue) -> String {
        let open = entry["detections"]?.arrayValue ?? []
        let words = open.map { $0["count"] == 1 ? $0.cell("type") : "\($0.cell("type"))×\($0.cell("count"))" }
        return words.isEmpty ? "-" : words.joined(separator: ",")
    }

    private static func state(of entry: JSONValue) -> String {
        let waiting = entry["waitingFor"].map { $0 != .null } ?? false
        let state = waiting ? "waiting" : entry.cell("mapping.status")
        // What an agent waits for, somebody has to know.
        switch entry.at("session.agent.state")?.stringValue.flatMap(AgentState.init) {
        case .needsPermission?, .needsAnswer?, .quota?: return "\(state) (\(entry.cell("session.agent.state")))"
        case .busy?, .idle?, .done?, nil: return state
        }
    }
}

/// `hub logs SESSION [-f]`
struct LogsCommand: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "logs",
        abstract: "The bytes that a session's process wrote.",
        discussion: "Writes stdout exactly as the process wrote it, up to what is stored; with -f to the session's end."
    )

    @OptionGroup var client: ClientOptions
    @Argument(help: "The session.") var session: String
    @Flag(name: .shortAndLong, help: "Go on until the session ends, and exit with its exit code.") var follow = false
    @Option(help: "Begin at this byte of the stream.") var from: Int64?
    @Option(help: "stdout, stderr or all.") var stream: String = "stdout"

    func validate() throws {
        guard ["stdout", "stderr", "all"].contains(stream) else {
            throw ValidationError("--stream is stdout, stderr or all.")
        }
    }

    func ask(_ hub: HubClient) async throws {
        let follower = SessionFollower(hub: hub, sessionId: session)
        if follow {
            try await follower.follow(streams: stream, from: from)
        } else {
            try await follower.write(streams: stream, from: from, follow: false)
        }
    }
}

/// `hub message SESSION TEXT`
struct MessageCommand: ClientCommand {
    static let configuration = CommandConfiguration(commandName: "message", abstract: "Say something to a session.")

    @OptionGroup var client: ClientOptions
    @Argument(help: "The session.") var session: String
    @Argument(help: "The text, @FILE, or - for standard input.") var text: String

    func ask(_ hub: HubClient) async throws {
        try await Self.send(try TextArgument.read(text), to: session, over: hub, asJSON: client.json)
    }

    /// The same for every command that says something.
    static func send(_ message: String, to session: String, over hub: HubClient, asJSON: Bool) async throws {
        let answer = try await hub.call(
            MessageSession.name,
            ["sessionId": .string(session), "message": .string(message)]
        )
        if asJSON { return try Output.json(answer) }
        try Output.line("\(answer.cell("messageId"))  \(answer.cell("delivery"))")
    }
}

/// `hub abort SESSION [--preview]`
struct AbortCommand: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "abort",
        abstract: "Stop a session, with proof.",
        discussion: "Interrupts, terminates, then kills every process of the session, and answers when none is left."
    )

    @OptionGroup var client: ClientOptions
    @Argument(help: "The session.") var session: String
    @Option(help: "Between interrupt, terminate and kill, such as 5s.") var grace: DurationArgument?
    @Flag(help: "Say what would be stopped, and stop nothing.") var preview = false

    func ask(_ hub: HubClient) async throws {
        var input: [String: JSONValue] = ["sessionId": .string(session)]
        input["graceSeconds"] = grace.map { .number($0.seconds) }
        if preview { input["preview"] = true }
        let outcome = try await hub.call("coord.abort", .object(input), timeout: .seconds(600))
        if client.json { return try Output.json(outcome) }
        if let preview = outcome["preview"] {
            let place = "on \(preview.cell("spoke")), pid \(preview.cell("pid"))"
            let connected = preview["isConnected"] == true ? "" : " (its spoke is away: it would be stopped on return)"
            return try Output.line("would stop \(preview.cell("state")) \(preview.cell("title")) \(place)\(connected)")
        }
        try Output.line("\(outcome.cell("outcome"))  after \(outcome.cell("waitedMilliseconds")) ms")
        for key in ["processes", "remaining"] {
            for process in outcome[key]?.arrayValue ?? [] {
                try Output.line("  \(key): \(process.cell("pid"))  \(process.cell("command"))")
            }
        }
    }
}

/// `hub wait SESSION…`
struct WaitCommand: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "wait",
        abstract: "Wait until sessions have ended.",
        discussion: "Exits 0 when they have, 1 with TIMEOUT when the deadline came first."
    )

    @OptionGroup var client: ClientOptions
    @Argument(help: "The sessions.") var sessions: [String]
    @Flag(help: "One is enough.") var any = false
    @Option(help: "Give up after this long, such as 10m.") var deadline: DurationArgument?

    func ask(_ hub: HubClient) async throws {
        let until = deadline.map { ContinuousClock.now + $0.duration }
        while true {
            let left = until.map { max(Double(($0 - .now).milliseconds), 0) / 1_000 } ?? 60
            let answer = try await hub.call(
                "coord.wait",
                [
                    "sessionIds": .array(sessions.map(JSONValue.string)), "until": any ? "any" : "all",
                    "deadlineSeconds": .number(min(left, 60)),
                ],
                timeout: .seconds(90)
            )
            if answer["done"] == .bool(true) {
                if client.json { try Output.json(answer) }
                return
            }
            if let until, until <= .now {
                throw CommandFailure.answered(Fault(.timeout, "The sessions had not ended by the deadline."))
            }
        }
    }
}

/// `hub why SESSION`
struct WhyCommand: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "why",
        abstract: "Why a session waits: each spoke, and what ruled it out."
    )

    @OptionGroup var client: ClientOptions
    @Argument(help: "The session.") var session: String

    func ask(_ hub: HubClient) async throws {
        let answer = try await hub.call("coord.why", ["sessionId": .string(session)])
        if client.json { return try Output.json(answer) }
        try Output.line(answer.cell("message"))
        for spoke in answer["spokes"]?.arrayValue ?? [] {
            try Output.line("  \(spoke.cell("name")): \(spoke.cell("message"))")
        }
    }
}
