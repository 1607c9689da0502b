import ArgumentParser
import Foundation
import Protocol

/// `hub worktrees [--salvaged]`
struct WorktreesCommand: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "worktrees",
        abstract: "Worktrees on the spokes, or what was saved from removed ones."
    )

    @OptionGroup var client: ClientOptions
    @Flag(help: "List salvaged work instead; bring it back with `hub restore`.") var salvaged = false

    func ask(_ hub: HubClient) async throws {
        let answer =
            salvaged
            ? try await hub.pages("salvage.list", "salvages") : try await hub.pages("workspace.list", "workspaces")
        if client.json { return try Output.json(answer) }
        try Output.line(salvaged ? Self.salvages(answer) : Self.workspaces(answer))
    }

    private static func workspaces(_ answer: JSONValue) -> String {
        var table = Table("WORKSPACE", "STATE", "SPOKE", "BRANCH", "HEAD", "DIRTY", "DIRECTORY")
        for workspace in answer["workspaces"]?.arrayValue ?? [] {
            table.add(
                workspace.cell("id"),
                workspace.cell("state"),
                workspace.cell("spokeId"),
                workspace.cell("branch"),
                String(workspace.cell("headCommit").prefix(10)),
                workspace.cell("dirty"),
                workspace.cell("directory")
            )
        }
        return table.text(empty: "No worktrees.")
    }

    private static func salvages(_ answer: JSONValue) -> String {
        var table = Table("SALVAGE", "WORKSPACE", "SPOKE", "FILES", "BYTES", "EXPIRES", "REF")
        for salvage in answer["salvages"]?.arrayValue ?? [] {
            table.add(
                salvage.cell("id"),
                salvage.cell("workspaceId"),
                salvage.cell("spokeId"),
                salvage.cell("files"),
                salvage.cell("bytes"),
                salvage.cell("expiresAt"),
                salvage.cell("ref")
            )
        }
        return table.text(empty: "Nothing salvaged.")
    }
}

/// `hub restore SALVAGE`
struct RestoreCommand: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore",
        abstract: "Bring salvaged work back as a worktree."
    )

    @OptionGroup var client: ClientOptions
    @Argument(help: "The salvage, from `hub worktrees --salvaged`.") var salvage: String
    @Option(help: "On this spoke instead of the one that saved it.") var spoke: String?

    func ask(_ hub: HubClient) async throws {
        var input: [String: JSONValue] = ["salvageId": .string(salvage)]
        input["spoke"] = spoke.map(JSONValue.string)
        let answer = try await hub.call("salvage.restore", .object(input), timeout: .seconds(180))
        if client.json { return try Output.json(answer) }
        try Output.line("\(answer.cell("directory"))  \(answer.cell("branch"))")
    }
}

/// `hub verify`
struct VerifyCommand: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Prove that nothing stored is missing or changed.",
        discussion: "Recomputes every chain and sum. Exits 0 when complete, 1 with each finding otherwise."
    )

    @OptionGroup var client: ClientOptions
    @Option(help: "Only this session.") var session: String?

    func ask(_ hub: HubClient) async throws {
        var input: [String: JSONValue] = [:]
        input["sessionId"] = session.map(JSONValue.string)
        let answer = try await hub.call("hub.verify", .object(input), timeout: .seconds(3_600))
        if client.json {
            try Output.json(answer)
        } else {
            try Output.line(answer["complete"] == .bool(true) ? "complete" : "incomplete")
            for finding in answer["findings"]?.arrayValue ?? [] {
                try Output.line("  \(finding.cell("kind"))  \(finding.cell("subject"))  \(finding.cell("message"))")
            }
        }
        if answer["complete"] != .bool(true) { throw ExitCode(1) }
    }
}
