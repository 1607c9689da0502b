import ArgumentParser
import Foundation
import Protocol
import SpokeAgent

/// What is asked of the hub from inside a worktree.
struct QuestionOptions: ParsableArguments {
    @Argument(help: "namespace.name") var operation: String
    @Argument(help: "The input as JSON, @FILE, or - for standard input.") var input: String?
    @Option(help: "Give up after this long, such as 90s or 10m.") var deadline: DurationArgument?

    /// What the running spoke is asked.
    func request(_ method: LocalRequest.Method) throws -> LocalRequest {
        var parameters: [String: JSONValue] = ["operation": .string(operation), "input": try value()]
        if let deadline { parameters["deadlineMilliseconds"] = .integer(deadline.duration.milliseconds) }
        return LocalRequest(
            method: method,
            parameters: .object(parameters),
            session: try InsideSession.identity(),
            origin: InsideSession.origin
        )
    }

    private func value() throws -> JSONValue {
        guard let input else { return .object([:]) }
        let text = try Self.text(input)
        do {
            return try WireCoder.value(from: text)
        } catch {
            throw ValidationError("The input is not JSON: \(error.message)")
        }
    }

    /// What stands for itself, in a file or on standard input, as with `hub call`.
    private static func text(_ argument: String) throws(Fault) -> [UInt8] {
        if argument == "-" { return Array(FileHandle.standardInput.readDataToEndOfFile()) }
        guard argument.hasPrefix("@") else { return Array(argument.utf8) }
        let path = String(argument.dropFirst())
        guard let data = FileManager.default.contents(atPath: path) else {
            throw Fault(.validation, "The file \(path) cannot be read.")
        }
        return Array(data)
    }
}

/// `spoke call OPERATION [JSON]`, from inside a worktree
struct CallCommand: LocalCommand {
    static let configuration = CommandConfiguration(
        commandName: "call",
        abstract: "Call an operation, with what this session was granted."
    )
    @OptionGroup var local: LocalOptions
    @OptionGroup var question: QuestionOptions

    func act() async throws { try InsideSession.ask(try question.request(.call), local) }
}

/// `spoke subscribe OPERATION [JSON]`, from inside a worktree
struct SubscribeCommand: LocalCommand {
    static let configuration = CommandConfiguration(
        commandName: "subscribe",
        abstract: "Follow a subscription, with what this session was granted: one value a line, until its end."
    )
    @OptionGroup var local: LocalOptions
    @OptionGroup var question: QuestionOptions

    func act() async throws {
        let request = try question.request(.subscribe)
        try InsideSession.refusing(local) { () throws(Fault) in
            try LocalSocket.follow(request, at: local.socket) { Output.json($0) }
        }
    }
}

/// `spoke notify MESSAGE`, from inside a worktree
struct NotifyCommand: LocalCommand {
    static let configuration = CommandConfiguration(
        commandName: "notify",
        abstract: "Tell the coordinator of this session something."
    )
    @OptionGroup var local: LocalOptions
    @Argument(help: "What to say.") var message: String
    @Option(help: "info, warning or blocking.") var level: String = "info"

    func validate() throws {
        guard ["info", "warning", "blocking"].contains(level) else {
            throw ValidationError("--level is info, warning or blocking.")
        }
    }

    func act() async throws {
        let request = LocalRequest(
            method: .notify,
            parameters: ["message": .string(message), "level": .string(level)],
            session: try InsideSession.identity(),
            origin: InsideSession.origin
        )
        try InsideSession.ask(request, local)
    }
}

/// What a process of a session knows of itself.
enum InsideSession {
    /// - Throws: `VALIDATION_ERROR` outside a session.
    static func identity() throws(Fault) -> LocalSession {
        let environment = ProcessInfo.processInfo.environment
        guard let id = environment["NAVE_SESSION_ID"], let file = environment["NAVE_TOKEN_FILE"],
            let token = FileManager.default.contents(atPath: file)
        else { throw Fault(.validation, "This works inside a session only; elsewhere use `hub call`.") }
        return LocalSession(id: SessionID(id), token: String(decoding: token, as: UTF8.self))
    }

    /// Within what it was started.
    static var origin: LocalOrigin { LocalOrigin(environment: ProcessInfo.processInfo.environment) }

    /// Asks for the session; an input that the hub refuses is an answer (1), not a bad configuration (78).
    static func ask(_ request: LocalRequest, _ local: LocalOptions) throws {
        try refusing(local) { () throws(Fault) in Output.json(try LocalSocket.ask(request, at: local.socket)) }
    }

    /// The same for anything that asks.
    static func refusing(_ local: LocalOptions, _ ask: () throws(Fault) -> Void) throws {
        do throws(Fault) {
            try ask()
        } catch  where error.code == .validation {
            Output.fail(error, json: local.json)
            throw ExitCode(1)
        }
    }
}
