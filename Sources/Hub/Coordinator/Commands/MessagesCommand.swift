import ArgumentParser
import Foundation
import Protocol

/// `hub messages [list|send]`
struct MessagesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "messages",
        abstract: "What was said to, by and about a session.",
        subcommands: [List.self, Send.self],
        defaultSubcommand: List.self
    )

    struct List: ClientCommand {
        static let configuration = CommandConfiguration(abstract: "A session's messages, the newest last.")

        @OptionGroup var client: ClientOptions
        @Argument(help: "The session.") var session: String
        @Option(help: "At most so many, from the newest back.") var limit = 100
        @Flag(name: .shortAndLong, help: "All there are, then each as it comes or goes a step further, to the end.")
        var follow = false

        func validate() throws {
            guard 1...500 ~= limit else { throw ValidationError("--limit must be 1 to 500.") }
        }

        func ask(_ hub: HubClient) async throws {
            if follow { return try await follow(hub) }
            let answer = try await hub.call(
                ListMessages.name,
                ["sessionId": .string(session), "from": "newest", "limit": .integer(Int64(limit))]
            )
            let messages = Array((answer["messages"]?.arrayValue ?? []).reversed())
            if client.json { return try Output.json(["messages": .array(messages)]) }
            let said = try await said(hub)
            var table = Table("WHEN", "WHO", "STATE", "TEXT")
            for message in messages {
                let text = message["data"]?["text"]?.stringValue ?? said[message.cell("id")] ?? "-"
                table.add(message.age("createdAt"), message.cell("role"), Self.state(of: message), Self.line(text))
            }
            try Output.line(table.text(empty: "No messages."))
        }

        /// What agents say stands in the parts of their messages.
        private func said(_ hub: HubClient) async throws -> [String: String] {
            let input: JSONValue = ["sessionId": .string(session), "from": "newest", "limit": 500]
            let parts = try await hub.call(ListParts.name, input)["parts"]?.arrayValue ?? []
            var said: [String: String] = [:]
            for value in parts.reversed() {
                let part = try value.decoded(as: PartRecord.self)
                guard let text = SessionPrinter.text(of: part) else { continue }
                said[part.messageId.rawValue, default: ""] += (said[part.messageId.rawValue] == nil ? "" : " ") + text
            }
            return said
        }

        private func follow(_ hub: HubClient) async throws {
            let input: JSONValue = [
                "sessionId": .string(session), "fromOffset": 0, "kinds": ["message", "part", "state"],
            ]
            var printer = SessionPrinter()
            try await hub.subscribe(AttachSession.name, input) { value in
                if client.json {
                    if let message = value["message"], message != .null { try Output.json(message) }
                } else {
                    try printer.show(value.decoded(as: AttachedNews.self))
                }
                return true
            }
        }

        private static func state(of message: JSONValue) -> String {
            if message["status"] == "error" { return "error" }
            return message["delivery"]?.stringValue ?? message["data"]?["level"]?.stringValue ?? message.cell("status")
        }

        /// One row is one line.
        private static func line(_ text: String) -> String {
            let flat = text.split(whereSeparator: \.isNewline).joined(separator: " ")
            return flat.count > 160 ? flat.prefix(160) + "…" : flat
        }
    }

    struct Send: ClientCommand {
        static let configuration = CommandConfiguration(abstract: "Say something to a session.")

        @OptionGroup var client: ClientOptions
        @Argument(help: "The session.") var session: String
        @Argument(help: "The text, @FILE, or - for standard input.") var text: String

        func ask(_ hub: HubClient) async throws {
            try await MessageCommand.send(try TextArgument.read(text), to: session, over: hub, asJSON: client.json)
        }
    }
}
