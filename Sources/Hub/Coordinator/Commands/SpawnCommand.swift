import ArgumentParser
import Foundation
import Protocol

/// `hub spawn … -- CMD ARG…`
struct SpawnCommand: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "spawn",
        abstract: "Run a command or an agent in a worktree on a spoke.",
        discussion: """
            Everything after -- is the command; no shell is involved. Without --spoke or --label the hub chooses.
            With --follow the session's output is written to stdout and its exit code is this command's.

              hub spawn --project demo --follow -- make test
              hub spawn --project demo --agent coder --prompt @task.md --branch fix-login
            """
    )

    @OptionGroup var client: ClientOptions
    @Option(help: "The project, by name or id.") var project: String
    @Option(help: "The branch to work on; a new one named wt/… if absent.") var branch: String?
    @Option(help: "The branch, tag or commit to begin from; the project's main branch if absent.") var base: String?
    @Option(help: "Only this spoke, by name or id.") var spoke: String?
    @Option(name: .customLong("label"), help: "Only spokes with this label (k=v); may be repeated.")
    var labels: [String] = []
    @Option(help: "The slug of the task that this work belongs to.") var task: String?
    @Option(help: "What people see in lists.") var title: String?
    @Option(help: "The coordinating session.") var parent: String?
    @Option(help: "An agent profile of the spoke.") var agent: String?
    @Option(help: "What the agent is asked: a text, or @FILE.") var prompt: String?
    @Option(name: .customLong("env"), help: "A variable for the process (K=V); may be repeated.")
    var environment: [String] = []
    @Option(
        name: .customLong("grant"),
        help: "A scope that the session's own token holds, such as notice:write; may be repeated. None if absent."
    )
    var grants: [String] = []
    @Option(help: "End the session after this long, such as 90s, 10m or 1h.") var timeout: DurationArgument?
    @Option(help: "Keep the worktree: always, onFailure or never. What goes is salvaged first.") var keep: String?
    @Flag(help: "Write the session's output until it ends, and exit with its exit code.") var follow = false
    @Flag(help: "Answer as soon as the spawn is recorded (the default).") var detach = false
    @Argument(parsing: .postTerminator, help: "The command and its arguments.") var command: [String] = []

    func validate() throws {
        guard follow == false || detach == false else {
            throw ValidationError("--follow and --detach exclude each other.")
        }
        guard command.isEmpty != (agent == nil) else {
            throw ValidationError("Give either a command after -- or --agent with --prompt.")
        }
        guard agent == nil || prompt != nil else { throw ValidationError("--agent needs --prompt TEXT or @FILE.") }
        _ = try KeyValue.parse(labels, option: "--label")
        _ = try KeyValue.parse(environment, option: "--env")
    }

    func ask(_ hub: HubClient) async throws {
        let spawned = try await hub.call("coord.spawn", try input())
        let sessionId = spawned["sessionId"]?.stringValue ?? ""
        guard follow else {
            if client.json { return try Output.json(spawned) }
            let place = spawned["spokeId"]?.stringValue == nil ? "waits for a spoke (hub why)" : "on its way"
            return try Output.line("\(sessionId)  \(spawned.cell("branch"))  \(place)")
        }
        Output.note("session \(sessionId) on branch \(spawned.cell("branch"))")
        try await SessionFollower(hub: hub, sessionId: sessionId).follow(streams: "all")
    }

    private func input() throws -> JSONValue {
        var input: [String: JSONValue] = ["project": .string(project)]
        input["branch"] = branch.map(JSONValue.string)
        input["base"] = base.map(JSONValue.string)
        input["task"] = task.map(JSONValue.string)
        input["title"] = title.map(JSONValue.string)
        input["parentSessionId"] = parent.map(JSONValue.string)
        input["timeoutSeconds"] = timeout.map { .integer(Int64($0.seconds)) }
        if !grants.isEmpty { input["grants"] = .array(grants.map(JSONValue.string)) }
        let variables = try KeyValue.parse(environment, option: "--env")
        if !variables.isEmpty { input["env"] = .object(variables.mapValues(JSONValue.string)) }
        var target: [String: JSONValue] = [:]
        target["spokeName"] = spoke.map(JSONValue.string)
        let wanted = try KeyValue.parse(labels, option: "--label")
        if !wanted.isEmpty { target["labels"] = .object(wanted.mapValues(JSONValue.string)) }
        if !target.isEmpty { input["target"] = .object(target) }
        if let keep { input["worktree"] = .object(["mode": "new", "keep": .string(keep)]) }
        input["run"] = .object(try run())
        return .object(input)
    }

    private func run() throws -> [String: JSONValue] {
        guard let agent else { return ["command": .array(command.map(JSONValue.string))] }
        return ["agent": .string(agent), "prompt": .string(try TextArgument.read(prompt ?? ""))]
    }
}
