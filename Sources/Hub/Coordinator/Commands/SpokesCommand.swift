import ArgumentParser
import Foundation
import Protocol

/// `hub spokes [list|keep|drain|remove]`
struct SpokesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "spokes",
        abstract: "The machines that work.",
        subcommands: [List.self, Keep.self, Drain.self, Remove.self],
        defaultSubcommand: List.self
    )

    struct List: ClientCommand {
        static let configuration = CommandConfiguration(abstract: "All spokes, connected or not.")

        @OptionGroup var client: ClientOptions

        func ask(_ hub: HubClient) async throws {
            let answer = try await hub.pages("spoke.list", "spokes")
            if client.json { return try Output.json(answer) }
            var table = Table(
                "SPOKE",
                "NAME",
                "STATUS",
                "SINCE",
                "SESSIONS",
                "SLOTS",
                "LABELS",
                "AGENTS",
                "VERSION",
                "REASON"
            )
            for spoke in answer["spokes"]?.arrayValue ?? [] {
                let connected = spoke["status"]?.stringValue == "connected"
                table.add(
                    spoke.cell("id"),
                    spoke.cell("name"),
                    Self.state(of: spoke),
                    spoke.age(connected ? "connectedAt" : "disconnectedAt"),
                    spoke.cell("busy"),
                    spoke.cell("slots"),
                    spoke.cell("labels"),
                    Self.agents(of: spoke),
                    spoke.cell("version"),
                    spoke.cell("disconnectReason")
                )
            }
            try Output.line(table.text(empty: "No spokes. Make a join token with `hub token create`."))
        }

        private static func agents(of spoke: JSONValue) -> String {
            let names = (spoke["agents"]?.arrayValue ?? []).map { $0.cell("name") }
            return names.isEmpty ? "-" : names.joined(separator: ",")
        }

        /// Connected or not and, of those that are, whether new sessions are kept away.
        private static func state(of spoke: JSONValue) -> String {
            guard spoke["status"]?.stringValue == "connected" else { return spoke.cell("status") }
            if spoke["draining"] == .bool(true) { return "draining" }
            return spoke["pausedReason"]?.stringValue == nil ? "connected" : "paused"
        }
    }

    struct Keep: ClientCommand {
        static let configuration = CommandConfiguration(abstract: "Keep a spoke for the sessions of one project.")

        @OptionGroup var client: ClientOptions
        @Argument(help: "The spoke, by name or id.") var spoke: String
        @Argument(help: "The project, by name or id; empty (\"\") to give it to all again.") var project: String

        func ask(_ hub: HubClient) async throws {
            let answer = try await hub.call("spoke.update", ["spoke": .string(spoke), "project": .string(project)])
            if client.json { return try Output.json(answer) }
            try Output.line("\(answer.cell("name")) \(project.isEmpty ? "works for all" : "is kept for \(project)")")
        }
    }

    struct Drain: ClientCommand {
        static let configuration = CommandConfiguration(abstract: "Give a spoke no new sessions.")

        @OptionGroup var client: ClientOptions
        @Argument(help: "The spoke, by name or id.") var spoke: String
        @Flag(help: "Give it sessions again.") var undo = false

        func ask(_ hub: HubClient) async throws {
            let answer = try await hub.call("spoke.drain", ["spoke": .string(spoke), "draining": .bool(!undo)])
            if client.json { return try Output.json(answer) }
            try Output.line("\(answer.cell("name")) \(undo ? "takes sessions again" : "takes no new sessions")")
        }
    }

    struct Remove: ClientCommand {
        static let configuration = CommandConfiguration(
            abstract: "Forget a disconnected spoke; its credential ends with it."
        )

        @OptionGroup var client: ClientOptions
        @Argument(help: "The spoke, by name or id.") var spoke: String
        @Flag(help: "The machine is gone for good: what ran there ends as lost.") var lost = false

        func ask(_ hub: HubClient) async throws {
            let answer = try await hub.call("spoke.remove", ["spoke": .string(spoke), "lost": .bool(lost)])
            if client.json { try Output.json(answer) }
        }
    }
}
