import Foundation
import Logging
import Protocol
import SpokeCore
import Synchronization
import Testing

@testable import SpokeAgent

/// A spoke's operations as the hub reaches them over a link: real git, real files, real processes, no link.
final class CallStage: Sendable {
    let git: GitFixture
    let worktrees: Worktrees
    let desk: OperationDesk
    let runner: OperationRunner
    let heard = HeardCalls()
    let programs: ProgramRunner
    let premises: Premises

    /// - Parameters:
    ///   - policy: the text of `policy.yaml`; none if absent.
    ///   - commands: operations of the owner's own.
    init(
        policy: String? = nil,
        secrets: [String] = [],
        commands: [String: CommandOperation] = [:],
        programsMost: Int = 8
    ) async throws {
        git = try await GitFixture()
        worktrees = try git.worktrees()
        let patterns = SecretPatterns(secrets.map { Array($0.utf8) })
        if let policy { try policy.write(toFile: git.data + "/policy.yaml", atomically: true, encoding: .utf8) }
        let policyFile = PolicyFile(path: git.data + "/policy.yaml")
        premises = Premises(
            worktrees: worktrees,
            policy: policyFile,
            workspaceOfSession: { $0 == "session" ? "one" : nil },
            secrets: { patterns }
        )
        programs = ProgramRunner(
            root: git.data + "/programs",
            supervisor: try SupervisorExecutable.find(),
            cgroups: nil,
            logger: Logger(label: "test"),
            most: programsMost
        )
        var table = SpokeOperations()
        let surroundings = ProgramSurroundings(own: ProcessInfo.processInfo.environment)
        FileAnswers(premises: premises).register(in: &table)
        GitAnswers(premises: premises).register(in: &table)
        ProcessAnswers(premises: premises, runner: programs, surroundings: surroundings).register(in: &table)
        HostAnswers(name: "stage", dataDirectory: git.data, sessionsRunning: { 3 }).register(in: &table)
        try CommandAnswers(
            premises: premises,
            runner: programs,
            surroundings: surroundings,
            scratch: git.data + "/programs"
        ).register(commands, in: &table)
        desk = OperationDesk(table, policy: policyFile, secrets: { patterns })
        let heard = heard
        runner = OperationRunner(desk: desk, logger: Logger(label: "test")) { heard.hear($0) }
    }

    /// What runs programs after a restart of the agent.
    func anotherRunner() throws -> ProgramRunner {
        ProgramRunner(
            root: programs.root,
            supervisor: programs.supervisor,
            cgroups: nil,
            logger: Logger(label: "test")
        )
    }

    /// The worktree `one`, made first if it is not there; its path.
    @discardableResult
    func worktree(_ id: String = "one") async throws -> String {
        try await worktrees.prepare(git.order(id)).directory
    }

    /// Who calls where the test does not say: somebody who may do everything.
    static let anybody = Identity(id: "anybody", scopes: ["*"])

    /// Calls as the hub does, and waits for the last word.
    func call(
        _ operation: String,
        _ input: JSONValue,
        by identity: Identity = anybody,
        session: SessionID? = nil,
        deadlineMilliseconds: Int64? = nil,
        traceparent: String? = nil
    ) async throws -> JSONValue {
        let id = try await begin(
            operation,
            input,
            by: identity,
            session: session,
            deadlineMilliseconds: deadlineMilliseconds,
            traceparent: traceparent
        )
        switch await heard.last(of: id) {
        case .responded(let answer):
            #expect(answer.output["meta"]?["operationId"] == .string(operation))
            #expect(answer.output["meta"]?["requestId"] == .string(id))
            return try #require(answer.output["data"])
        case .failed(let failure):
            throw Fault(failure.error.code, failure.error.message, details: failure.error.details)
        case let other: throw Fault(.unknown, "The call ended with \(other).")
        }
    }

    func ask<Request: RemoteOperation>(
        _ request: Request,
        by identity: Identity = anybody,
        session: SessionID? = nil
    ) async throws -> Request.Output {
        try await call(Request.name, JSONValue(encoding: request), by: identity, session: session).decoded()
    }

    /// Begins a call and returns its id at once.
    func begin(
        _ operation: String,
        _ input: JSONValue,
        by identity: Identity = anybody,
        session: SessionID? = nil,
        deadlineMilliseconds: Int64? = nil,
        traceparent: String? = nil
    ) async throws -> String {
        let id = UUID().uuidString
        // The asker's clock is a decade away: only the distance of the two times counts.
        await runner.deliver(
            .requested(
                CallRequested(
                    requestId: id,
                    operationId: operation,
                    input: input,
                    deadline: deadlineMilliseconds.map { 1_000_000_000_000 + $0 },
                    sessionId: session,
                    identity: identity,
                    traceparent: traceparent,
                    timestamp: 1_000_000_000_000
                )
            )
        )
        return id
    }

    func abort(_ id: String, wantsProof: Bool? = nil) async {
        await runner.deliver(.aborted(CallEnded(requestId: id, wantsProof: wantsProof, timestamp: 0)))
    }

    func grant(_ id: String, _ values: Int) async {
        await runner.deliver(.credit(CallCredit(requestId: id, values: values)))
    }

    /// Follows a subscription to its end, granting as it takes.
    func follow(_ request: RunProcess, traceparent: String? = nil) async throws -> [RunProcess.Output] {
        let id = try await begin(RunProcess.name, JSONValue(encoding: request), traceparent: traceparent)
        return try await follow(id)
    }

    func follow(_ id: String) async throws -> [RunProcess.Output] {
        var values: [RunProcess.Output] = []
        while true {
            switch await heard.next(of: id, behind: values.count) {
            case .responded(let answer):
                values.append(try #require(answer.output["data"]).decoded())
                await grant(id, 1)
            case .failed(let failure):
                throw Fault(failure.error.code, failure.error.message, details: failure.error.details)
            default: return values
            }
        }
    }
}

/// What the hub hears of its calls.
final class HeardCalls: Sendable {
    private struct State {
        var messages: [String: [CallMessage]] = [:]
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    func hear(_ message: CallMessage) {
        let waiters = state.withLock { state in
            state.messages[message.requestId, default: []].append(message)
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    func all(of id: String) -> [CallMessage] { state.withLock { $0.messages[id] ?? [] } }

    /// The message behind so many others.
    func next(of id: String, behind count: Int) async -> CallMessage {
        while true {
            if let found = state.withLock({ $0.messages[id, default: []].dropFirst(count).first }) { return found }
            await withCheckedContinuation { continuation in
                let isThere = state.withLock { state in
                    if state.messages[id, default: []].count > count { return true }
                    state.waiters.append(continuation)
                    return false
                }
                if isThere { continuation.resume() }
            }
        }
    }

    /// The first message of a query or mutation, which is the last, too.
    func last(of id: String) async -> CallMessage { await next(of: id, behind: 0) }
}

extension [RunProcess.Output] {
    func text(_ stream: RunProcess.Output.Stream) -> String {
        filter { $0.stream == stream }.compactMap(\.text).joined()
    }
}
