import ArgumentParser
import Foundation
import Protocol

/// `hub call OPERATION [JSON | @FILE | -]`
struct CallCommand: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "call",
        abstract: "Call any query or mutation.",
        discussion: "Prints the answer's data as JSON. The input is JSON, @FILE, or - for standard input."
    )

    @OptionGroup var client: ClientOptions
    @Argument(help: "namespace.name") var operation: String
    @Argument(help: "The input.") var input: String?
    @Option(help: "Answer the same under the same key for 24 hours.") var idempotencyKey: String?
    @Option(help: "How long to wait for the answer.") var timeout: DurationArgument?
    @Option(help: "Ask the spoke of this name.") var spoke: String?

    func ask(_ hub: HubClient) async throws {
        let answer = try await hub.call(
            operation,
            try TextArgument.readJSON(input),
            timeout: timeout?.duration ?? .seconds(60),
            idempotencyKey: idempotencyKey,
            spoke: spoke
        )
        try Output.json(answer)
    }
}

/// `hub subscribe OPERATION [JSON]`
struct SubscribeCommand: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "subscribe",
        abstract: "Follow any subscription; one JSON value a line."
    )

    @OptionGroup var client: ClientOptions
    @Argument(help: "namespace.name") var operation: String
    @Argument(help: "The input: JSON, @FILE, or - for standard input.") var input: String?
    @Option(help: "Ask the spoke of this name.") var spoke: String?

    func ask(_ hub: HubClient) async throws {
        try await hub.subscribe(operation, try TextArgument.readJSON(input), spoke: spoke) { value in
            try Output.json(value)
            return true
        }
    }
}
