import ArgumentParser
import Foundation
import Protocol

/// `hub tasks import DIR`
struct TaskImportCommand: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Take in a directory of Markdown files with front matter.",
        discussion: """
            Every *.md below the directory is a task; its fields are id, name, status, depends_on, scope, risk, impact,
            level, priority, tags, assignee and due. Tasks that the hub knows keep their state. All or nothing, unless
            there are more than \(TaskImportCommand.most) files: then tasks first, dependencies afterwards.
            With --session or --workspace, the directory is one of that worktree, and its spoke reads it.
            """
    )
    static let most = 1_000

    @OptionGroup var client: ClientOptions
    @Argument(help: "The directory.") var directory: String
    @Option(help: "The project, by name or id.") var project: String
    @Option(help: "The session in whose worktree the directory is.") var session: String?
    @Option(help: "The workspace in whose worktree the directory is.") var workspace: String?

    func ask(_ hub: HubClient) async throws {
        if session != nil || workspace != nil { return try await importFromWorktree(hub) }
        let entries = try Self.entries(below: directory)
        guard !entries.isEmpty else { throw CommandFailure.configuration("There is no *.md below \(directory).") }
        var (created, updated, dependencies) = ([JSONValue](), [JSONValue](), Int64(0))
        for part in Self.parts(entries) {
            let answer = try await hub.call(
                "task.import",
                ["projectId": .string(project), "tasks": .array(part.map(JSONValue.init(encoding:)))],
                timeout: .seconds(300)
            )
            created += answer["created"]?.arrayValue ?? []
            updated += answer["updated"]?.arrayValue ?? []
            dependencies += answer["dependencies"]?.integerValue ?? 0
        }
        // In parts, each task comes a second time with its dependencies.
        let new = Set(created)
        updated = updated.filter { !new.contains($0) }
        if client.json {
            return try Output.json([
                "created": .array(created), "updated": .array(updated), "dependencies": .integer(dependencies),
            ])
        }
        try Output.line("\(created.count) added, \(updated.count) changed, \(dependencies) dependencies")
    }

    private func importFromWorktree(_ hub: HubClient) async throws {
        var input: [String: JSONValue] = ["projectId": .string(project), "directory": .string(directory)]
        input["sessionId"] = session.map(JSONValue.string)
        input["workspaceId"] = workspace.map(JSONValue.string)
        let answer = try await hub.call(ImportTasks.name, .object(input), timeout: .seconds(330))
        if client.json { return try Output.json(answer) }
        let counts = ["created", "updated"].map { answer[$0]?.arrayValue?.count ?? 0 }
        try Output.line("\(counts[0]) added, \(counts[1]) changed, \(answer.cell("dependencies")) dependencies")
    }

    /// What is sent at a time.
    private static func parts(_ entries: [TaskEntry]) -> [[TaskEntry]] {
        guard entries.count > most else { return [entries] }
        let bare = entries.map { entry in
            var entry = entry
            entry.dependsOn = nil
            return entry
        }
        return [bare, entries].flatMap { list in
            stride(from: 0, to: list.count, by: most).map { Array(list[$0..<min($0 + most, list.count)]) }
        }
    }

    /// The tasks of all files, by path.
    private static func entries(below directory: String) throws -> [TaskEntry] {
        let paths = FileManager.default.enumerator(atPath: directory)?.compactMap { $0 as? String } ?? []
        return try paths.filter { $0.hasSuffix(".md") && !$0.hasPrefix(".") && !$0.contains("/.") }.sorted().map {
            path in
            guard let data = FileManager.default.contents(atPath: directory + "/" + path) else {
                throw CommandFailure.configuration("The file \(directory)/\(path) cannot be read.")
            }
            do throws(Fault) {
                return try TaskFile.entry(from: String(decoding: data, as: UTF8.self), path: path)
            } catch {
                throw CommandFailure.configuration("\(path): \(error.message)")
            }
        }
    }
}

/// `hub tasks export DIR`
struct TaskExportCommand: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Write a project's tasks as Markdown files with front matter.",
        discussion: "Files of the same names are written over; others stay."
    )

    @OptionGroup var client: ClientOptions
    @Argument(help: "The directory; made if it is not there.") var directory: String
    @Option(help: "The project, by name or id.") var project: String

    func ask(_ hub: HubClient) async throws {
        let answer = try await hub.pages("task.export", "tasks", ["projectId": .string(project)])
        if client.json { return try Output.json(answer) }
        let tasks = answer["tasks"]?.arrayValue ?? []
        for task in tasks {
            let entry: TaskEntry = try task.decoded()
            let path = TaskFile.path(of: entry)
            guard TaskFile.staysBelow(path) else {
                throw CommandFailure.configuration("The task \(entry.id) has the path \(path), which leads elsewhere.")
            }
            let file = URL(filePath: directory).appending(path: path)
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(),
                withIntermediateDirectories: true
            )
            try Data(TaskFile.text(of: entry).utf8).write(to: file)
        }
        try Output.line("\(tasks.count) tasks in \(directory)")
    }
}

/// `hub tasks graph QUESTION`
struct TaskGraphCommand: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "graph",
        abstract: "Ask about a project's tasks as a whole.",
        discussion: """
            order, cycles, parallelGroups, criticalPath, weightedCriticalPath, riskPath, bottlenecks, riskDistribution,
            shouldDecompose, expectedValue, workflowCost
            """
    )

    enum Question: String, ExpressibleByArgument, CaseIterable {
        case order, cycles, parallelGroups, criticalPath, weightedCriticalPath, riskPath, bottlenecks
        case riskDistribution, shouldDecompose, expectedValue, workflowCost
    }

    @OptionGroup var client: ClientOptions
    @Argument(help: "The question.") var question: Question
    @Option(help: "The project, by name or id.") var project: String

    func ask(_ hub: HubClient) async throws {
        let input: JSONValue = ["projectId": .string(project)]
        let answer = try await hub.call("task.graph.\(question.rawValue)", input, timeout: .seconds(300))
        if client.json { return try Output.json(answer) }
        try Output.line(Self.text(question, answer))
    }

    private static func text(_ question: Question, _ answer: JSONValue) -> String {
        func lines(_ value: JSONValue?) -> String {
            (value?.arrayValue ?? []).compactMap(\.stringValue).joined(separator: "\n")
        }
        func joined(_ value: JSONValue?, _ separator: String) -> String {
            (value?.arrayValue ?? []).map {
                ($0.arrayValue ?? []).compactMap(\.stringValue).joined(separator: separator)
            }
            .joined(separator: "\n")
        }
        switch question {
        case .order: return lines(answer["order"])
        case .cycles: return joined(answer["cycles"], " → ")
        case .parallelGroups: return joined(answer["groups"], "  ")
        case .criticalPath: return lines(answer["path"])
        case .weightedCriticalPath: return lines(answer["path"]) + "\ntotal \(answer.cell("total"))"
        case .riskPath: return lines(answer["path"]) + "\ntotal risk \(answer.cell("totalRisk"))"
        case .bottlenecks:
            var table = Table("TASK", "SCORE")
            for task in answer["bottlenecks"]?.arrayValue ?? [] { table.add(task.cell("slug"), task.cell("score")) }
            return table.text(empty: "No tasks.")
        case .riskDistribution:
            var table = Table("RISK", "TASKS", "WHICH")
            for risk in TaskRisk.allCases.map(\.rawValue) + ["unspecified"] {
                table.add(risk, String(answer[risk]?.arrayValue?.count ?? 0), answer.cell(risk))
            }
            return table.text(empty: "")
        case .shouldDecompose:
            var table = Table("TASK", "BECAUSE")
            for task in answer["tasks"]?.arrayValue ?? [] { table.add(task.cell("slug"), task.cell("reasons")) }
            return table.text(empty: "Nothing needs to be taken apart.")
        case .expectedValue, .workflowCost: return costs(answer)
        }
    }

    private static func costs(_ answer: JSONValue) -> String {
        var table = Table("TASK", "EXPECTED", "P", "P EFFECTIVE", "SCOPE", "IMPACT", "NAME")
        for task in answer["tasks"]?.arrayValue ?? [] {
            table.add(
                task.cell("slug"),
                task.cell("ev"),
                task.cell("pIntrinsic"),
                task.cell("pEffective"),
                task.cell("scopeCost"),
                task.cell("impactWeight"),
                task.cell("name")
            )
        }
        let sum = "total \(answer.cell("totalEv")), average \(answer.cell("averageEv"))"
        return table.text(empty: "No tasks.") + "\n" + sum
    }
}
