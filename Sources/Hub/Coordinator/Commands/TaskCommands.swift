import ArgumentParser
import Foundation
import Protocol

/// `hub tasks list|show|add|ready|claim|step|after|import|export|graph`
struct TasksCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tasks",
        abstract: "What is to be done, and what has to be done before it.",
        subcommands: [
            List.self, Show.self, Add.self, Ready.self, Claim.self, Step.self, After.self, TaskImportCommand.self,
            TaskExportCommand.self, TaskGraphCommand.self,
        ],
        defaultSubcommand: List.self
    )

    struct List: ClientCommand {
        static let configuration = CommandConfiguration(abstract: "Tasks, newest first.")

        @OptionGroup var client: ClientOptions
        @Option(help: "Only those of this project, by name or id.") var project: String?
        @Option(help: "Only those in this state; may be repeated.") var status: [String] = []
        @Option(name: .customLong("tag"), help: "Only those with this tag; may be repeated.") var tags: [String] = []
        @Option(help: "Only those of this assignee.") var assignee: String?
        @Option(help: "Only those whose path begins so.") var path: String?

        func ask(_ hub: HubClient) async throws {
            var filter: [String: JSONValue] = [:]
            if !status.isEmpty { filter["status"] = .array(status.map(JSONValue.string)) }
            if !tags.isEmpty { filter["tags"] = .array(tags.map(JSONValue.string)) }
            filter["assignee"] = assignee.map(JSONValue.string)
            filter["pathPrefix"] = path.map(JSONValue.string)
            var input: [String: JSONValue] = ["filter": .object(filter)]
            input["projectId"] = project.map(JSONValue.string)
            let answer = try await hub.pages("task.list", "tasks", .object(input))
            if client.json { return try Output.json(answer) }
            try Output.line(TasksCommand.table(answer["tasks"], empty: "No tasks. Add one with `hub tasks add NAME`."))
        }
    }

    struct Show: ClientCommand {
        static let configuration = CommandConfiguration(abstract: "One task.")

        @OptionGroup var client: ClientOptions
        @Argument(help: "The task, by id; with --project also by slug.") var task: String
        @Option(help: "The project, by name or id.") var project: String?

        func ask(_ hub: HubClient) async throws {
            let answer = try await hub.call("task.get", TasksCommand.named(task, project))
            if client.json { return try Output.json(answer) }
            guard case .object(let fields) = answer else { return }
            for key in fields.keys.sorted() where key != "body" { try Output.line("\(key): \(answer.cell(key))") }
            if let body = answer["body"]?.stringValue { try Output.line("\n" + body) }
        }
    }

    struct Add: ClientCommand {
        static let configuration = CommandConfiguration(abstract: "Add a task.")

        @OptionGroup var client: ClientOptions
        @Argument(help: "What it is, in a line.") var name: String
        @Option(help: "The project, by name or id.") var project: String
        @Option(help: "Its slug; made from the name if absent.") var slug: String?
        @Option(help: "The slug of a task that must be completed before; may be repeated.") var after: [String] = []
        @Option(help: "low, medium, high or critical.") var priority: String?
        @Option(help: "single, narrow, moderate, broad or system.") var scope: String?
        @Option(help: "trivial, low, medium, high or critical.") var risk: String?
        @Option(help: "isolated, component, phase or project.") var impact: String?
        @Option(help: "planning, decomposition, implementation, review or research.") var level: String?
        @Option(name: .customLong("tag"), help: "A word to find it by; may be repeated.") var tags: [String] = []
        @Option(help: "Who is to do it.") var assignee: String?
        @Option(help: "What is to be done: a text, @FILE, or - for standard input.") var body: String?

        func ask(_ hub: HubClient) async throws {
            var input: [String: JSONValue] = ["projectId": .string(project), "name": .string(name)]
            let texts = [
                "slug": slug, "priority": priority, "scope": scope, "risk": risk, "impact": impact, "level": level,
                "assignee": assignee, "body": try body.map(TextArgument.read),
            ]
            for (key, text) in texts { input[key] = text.map(JSONValue.string) }
            if !after.isEmpty { input["dependsOn"] = .array(after.map(JSONValue.string)) }
            if !tags.isEmpty { input["tags"] = .array(tags.map(JSONValue.string)) }
            let task = try await hub.call("task.create", .object(input))
            if client.json { return try Output.json(task) }
            try Output.line("\(task.cell("id"))  \(task.cell("slug"))")
        }
    }

    struct Ready: ClientCommand {
        static let configuration = CommandConfiguration(abstract: "The tasks that can be begun, most urgent first.")

        @OptionGroup var client: ClientOptions
        @Option(help: "The project, by name or id.") var project: String

        func ask(_ hub: HubClient) async throws {
            let answer = try await hub.call("task.ready", ["projectId": .string(project), "limit": 500])
            if client.json { return try Output.json(answer) }
            try Output.line(TasksCommand.table(answer["tasks"], empty: "No task can be begun."))
        }
    }

    struct Claim: ClientCommand {
        static let configuration = CommandConfiguration(
            abstract: "Take the most urgent task that can be begun, or the first few.",
            discussion: "Prints nothing if there is none."
        )

        @OptionGroup var client: ClientOptions
        @Option(help: "The project, by name or id.") var project: String
        @Option(help: "Who does it; the key's owner if absent.") var assignee: String?
        @Option(name: .customLong("tag"), help: "Only tasks with this tag; may be repeated.") var tags: [String] = []
        @Option(help: "How many at most, 1 to 100.") var count = 1

        func ask(_ hub: HubClient) async throws {
            var input: [String: JSONValue] = ["projectId": .string(project), "count": .integer(Int64(count))]
            input["assignee"] = assignee.map(JSONValue.string)
            if !tags.isEmpty { input["tags"] = .array(tags.map(JSONValue.string)) }
            let answer = try await hub.call("task.claim", .object(input))
            if client.json { return try Output.json(answer) }
            for task in answer["tasks"]?.arrayValue ?? [] {
                try Output.line("\(task.cell("id"))  \(task.cell("slug"))  \(task.cell("name"))")
            }
        }
    }
}

extension TasksCommand {
    struct Step: ClientCommand {
        static let configuration = CommandConfiguration(abstract: "Move a task on by hand.")

        enum Deed: String, ExpressibleByArgument, CaseIterable {
            case start, complete, fail, block, unblock, retry, leave
        }

        @OptionGroup var client: ClientOptions
        @Argument(help: "The task, by id; with --project also by slug.") var task: String
        @Argument(help: "start, complete, fail, block, unblock, retry or leave.") var deed: Deed
        @Option(help: "The project, by name or id.") var project: String?
        @Option(help: "What came of it, or with leave why it cannot be done.") var note: String?

        func validate() throws {
            guard deed != .leave || note != nil else { throw ValidationError("leave needs --note with the reason.") }
            guard note == nil || [.leave, .complete, .fail].contains(deed) else {
                throw ValidationError("--note goes with complete, fail and leave.")
            }
        }

        func ask(_ hub: HubClient) async throws {
            guard case .object(var input) = TasksCommand.named(task, project) else { return }
            input[deed == .leave ? "reason" : "summary"] = note.map(JSONValue.string)
            let operation = deed == .leave ? "task.safeExit" : "task.\(deed.rawValue)"
            let answer = try await hub.call(operation, .object(input))
            if client.json { return try Output.json(answer) }
            try Output.line("\(answer.cell("slug"))  \(answer.cell("status"))")
        }
    }

    struct After: ClientCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a task wait for another, or no longer.",
            discussion: "hub tasks after deploy build --project demo: deploy begins once build is completed."
        )

        @OptionGroup var client: ClientOptions
        @Argument(help: "The task that waits.") var task: String
        @Argument(help: "The task that must be completed first.") var first: String
        @Option(help: "The project, by name or id.") var project: String
        @Flag(help: "It no longer waits.") var remove = false

        func ask(_ hub: HubClient) async throws {
            let operation = remove ? "task.dependency.remove" : "task.dependency.add"
            let answer = try await hub.call(
                operation,
                ["projectId": .string(project), "taskId": .string(task), "dependsOn": .string(first)]
            )
            if client.json { return try Output.json(answer) }
            try Output.line("\(answer.cell("dependsOn")) → \(answer.cell("dependent"))")
        }
    }

    static func named(_ task: String, _ project: String?) -> JSONValue {
        var input: [String: JSONValue] = ["taskId": .string(task)]
        input["projectId"] = project.map(JSONValue.string)
        return .object(input)
    }

    static func table(_ tasks: JSONValue?, empty: String) -> String {
        var table = Table("TASK", "STATUS", "PRIORITY", "RISK", "SCOPE", "ASSIGNEE", "AFTER", "NAME")
        for task in tasks?.arrayValue ?? [] {
            let isHeld = task["safeExit"].map { $0 != .null } ?? false
            table.add(
                task.cell("slug"),
                task.cell("status") + (isHeld ? " (held)" : ""),
                task.cell("priority"),
                task.cell("risk"),
                task.cell("scope"),
                task.cell("assignee"),
                task.cell("dependsOn"),
                task.cell("name")
            )
        }
        return table.text(empty: empty)
    }
}
