import ArgumentParser
import Foundation
import Protocol

/// Which spoke shall answer.
struct TargetOptions: ParsableArguments {
    @Option(help: "Ask the spoke of this name.") var spoke: String?
    @Option(name: .customLong("label"), help: "Ask a spoke with this label (k=v); may be repeated.")
    var labels: [String] = []
    @Option(help: "Ask the spoke on which this session runs.") var session: String?

    func target() throws -> CallTarget {
        CallTarget(
            spokeName: spoke,
            labels: labels.isEmpty ? nil : try KeyValue.parse(labels, option: "--label"),
            sessionId: session.map { SessionID($0) }
        )
    }
}

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
    @Option(help: "How long the call may take, at most an hour; a minute if absent.") var timeout: DurationArgument?
    @OptionGroup var target: TargetOptions

    func ask(_ hub: HubClient) async throws {
        let answer = try await hub.call(
            operation,
            try TextArgument.readJSON(input),
            deadline: timeout?.duration ?? .seconds(60),
            idempotencyKey: idempotencyKey,
            target: try target.target()
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
    @Option(help: "End it after this long, at most an hour; without an end if absent.") var timeout: DurationArgument?
    @OptionGroup var target: TargetOptions

    func ask(_ hub: HubClient) async throws {
        try await hub.subscribe(
            operation,
            try TextArgument.readJSON(input),
            target: try target.target(),
            deadline: timeout?.duration
        ) { value in
            try Output.json(value)
            return true
        }
    }
}
