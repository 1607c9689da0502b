import ArgumentParser
import Foundation
import Protocol

#if canImport(Glibc)
    import Glibc
#endif

/// `hub attach SESSION`
struct AttachCommand: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "attach",
        abstract: "Be at a session's side: see what it does, and talk to it.",
        discussion: """
            Shows what happens from now on, to the session's end, and exits with its exit code. Each line typed is sent
            as a message. The end of the input (Ctrl-D) or Ctrl-C leaves the session running; where the input is no
            terminal, its end only ends the talking.
            """
    )

    @OptionGroup var client: ClientOptions
    @Argument(help: "The session.") var session: String
    @Option(help: "Begin at this byte of its output, with all that was said.") var from: Int64?

    func ask(_ hub: HubClient) async throws {
        var input: [String: JSONValue] = ["sessionId": .string(session)]
        input["fromOffset"] = from.map(JSONValue.integer)
        let (order, id, isJSON) = (JSONValue.object(input), session, client.json)
        let isOver = try await withThrowingTaskGroup(of: Bool?.self) { group in
            defer { group.cancelAll() }
            group.addTask {
                try await Self.show(order, of: hub, asJSON: isJSON)
                return true
            }
            group.addTask {
                await Self.talk(to: id, over: hub)
                // A person who ends the input wants to leave; a script that has no more to say wants to see the end.
                return isatty(0) == 1 ? false : nil
            }
            while let end = try await group.next() {
                if let end { return end }
            }
            return true
        }
        if isOver { try await SessionFollower(hub: hub, sessionId: session).end() }
    }

    private static func show(_ input: JSONValue, of hub: HubClient, asJSON: Bool) async throws {
        var printer = SessionPrinter()
        try await hub.subscribe(AttachSession.name, input) { value in
            if asJSON { try Output.json(value) } else { try printer.show(value.decoded(as: AttachedNews.self)) }
            return true
        }
    }

    /// Sends what is typed, line by line.
    private static func talk(to session: String, over hub: HubClient) async {
        for await line in TypedLines.stream() where !line.isEmpty {
            let input: JSONValue = ["sessionId": .string(session), "message": .string(line)]
            do throws(CommandFailure) {
                _ = try await hub.call(MessageSession.name, input)
            } catch {
                Output.note("hub: \(error.fault.code.rawValue): \(error.fault.message)")
            }
        }
    }
}

/// Standard input as it is typed.
enum TypedLines {
    /// Lines without their ends, read by a thread of its own: reading a terminal waits as long as its person does.
    static func stream() -> AsyncStream<String> {
        let (lines, post) = AsyncStream<String>.makeStream()
        Thread.detachNewThread {
            while let line = readLine() { post.yield(line) }
            post.finish()
        }
        return lines
    }
}
