import Foundation
import Protocol
import SpokeCore

/// What this spoke answers about programs.
struct ProcessAnswers: Sendable {
    let premises: Premises
    let runner: ProgramRunner
    let surroundings: ProgramSurroundings

    func register(in table: inout SpokeOperations) {
        table.stream(RunProcess.self, provesItsEnd: true) { (request, call, writer) async throws(Fault) in
            try await run(request, call, writer)
        }
    }

    private func run(
        _ request: RunProcess,
        _ call: SpokeCall,
        _ writer: SpokeWriter<RunProcess.Output>
    ) async throws(Fault) {
        let program = try ProgramWords.check(request)
        let path = try RelativePath(request.directory ?? ".", field: "directory")
        let environment = request.environment ?? [:]
        let objection = try await premises.policy.current()
            .objection(toCall: program, environment: environment)
        if let objection { throw objection }
        let timeout = try Bounds.check(
            request.timeoutSeconds,
            "timeoutSeconds",
            1...Limits.programSecondsMost,
            usual: Limits.programSecondsUsual
        )
        let patterns = await premises.secrets()
        try await premises.within(request.workspaceId, request.sessionId) { (record) async throws(Fault) -> Void in
            let directory = try await premises.directory(path, in: record)
            let output = ProgramOutput(patterns, writer)
            let end = try await runner.run(
                Program(
                    command: request.command,
                    environment: await surroundings.variables(environment, in: record, for: call),
                    directory: directory.path,
                    input: request.input.map { Array($0.utf8) },
                    timeoutSeconds: timeout
                )
            ) { (news) async throws(Fault) -> Void in try await output.tell(news) }
            withExtendedLifetime(directory) {}
            if let failure = end.failure { throw failure }
            try await output.finish(end)
        }
    }
}

/// A folder of a worktree as a program's working directory: named by a descriptor that is open here, so that it is
/// the one that was looked at, whatever its path leads to when the program starts.
final class WorkingDirectory: Sendable {
    private let folder: Descriptor

    init(_ folder: Descriptor) { self.folder = folder }

    /// Good while this object lives.
    var path: String { "/proc/\(getpid())/fd/\(folder.number)" }
}

/// The variables that a program sees: little of the spoke's own, what was asked for, and where it is.
struct ProgramSurroundings: Sendable {
    /// The spoke's own environment.
    let own: [String: String]
    /// How a process of a session shows whose it is; nothing for a session that does not run here.
    var proof: @Sendable (SessionID) async -> [String: String] = { _ in [:] }

    func variables(
        _ asked: [String: String],
        in record: WorktreeRecord?,
        for call: SpokeCall?
    ) async -> [String: String] {
        var variables = own.filter { SessionEnvironment.inherited.contains($0.key) || $0.key.hasPrefix("LC_") }
        if variables["PATH"] == nil { variables["PATH"] = "/usr/local/bin:/usr/bin:/bin" }
        variables.merge(asked) { _, asked in asked }
        // What it calls itself is called within this call, in the same trace.
        if let call { variables[LocalOrigin.requestVariable] = call.requestId }
        if let trace = call?.traceparent { variables[TraceContext.variable] = trace }
        // What a session has run here may call as the session does.
        if let session = call?.session { variables.merge(await proof(session)) { _, proof in proof } }
        guard let record else { return variables }
        variables["NAVE_WORKTREE"] = record.directory
        variables["NAVE_BRANCH"] = record.branch
        return variables
    }
}

/// What of a caller's words may become a program's command line and environment.
enum ProgramWords {
    /// - Returns: the program.
    /// - Throws: `VALIDATION_ERROR` for what no process can be given, `TOO_LARGE` for too much.
    static func check(_ request: RunProcess) throws(Fault) -> String {
        guard let program = request.command.first, !program.isEmpty else {
            throw Fault.invalid("command", "needs at least the name of a program.")
        }
        let variables = request.environment ?? [:]
        guard request.command.count <= Limits.programWords, variables.count <= Limits.programWords else {
            throw Fault(.tooLarge, "A program takes at most \(Limits.programWords) arguments and variables.")
        }
        for (index, word) in request.command.enumerated() where word.utf8.contains(0) {
            throw Fault.invalid("command[\(index)]", "must not contain a NUL byte.")
        }
        for (name, value) in variables.sorted(by: { $0.key < $1.key }) {
            guard !name.isEmpty, !name.contains("="), !name.utf8.contains(0), !value.utf8.contains(0) else {
                throw Fault.invalid("environment.\(name)", "must have a name without = and no NUL byte.")
            }
        }
        let bytes =
            request.command.reduce(0) { $0 + $1.utf8.count + 1 }
            + variables.reduce(0) { $0 + $1.key.utf8.count + $1.value.utf8.count + 2 }
        guard bytes <= Limits.programBytes else {
            throw Fault(.tooLarge, "Arguments and variables take more than \(Limits.programBytes) bytes; use input.")
        }
        return program
    }
}

/// Carries a program's output to its caller: without secrets, also across pieces, and without cutting characters.
actor ProgramOutput {
    private let writer: SpokeWriter<RunProcess.Output>
    private var redactors: [RunProcess.Output.Stream: Redactor]
    private var held: [RunProcess.Output.Stream: [UInt8]] = [:]

    init(_ patterns: SecretPatterns, _ writer: SpokeWriter<RunProcess.Output>) {
        self.writer = writer
        redactors = [.stdout: Redactor(patterns), .stderr: Redactor(patterns)]
    }

    func tell(_ news: ProgramNews) async throws(Fault) {
        switch news {
        case .started(let pid): try await writer.send(RunProcess.Output(pid: pid))
        case .output(let stream, let bytes):
            let name: RunProcess.Output.Stream = stream == .stderr ? .stderr : .stdout
            try await send(redactors[name]?.redact(bytes) ?? bytes, of: name, isLast: false)
        }
    }

    func finish(_ end: ProcessEnd) async throws(Fault) {
        for stream in [RunProcess.Output.Stream.stdout, .stderr] {
            try await send(redactors[stream]?.finish() ?? [], of: stream, isLast: true)
        }
        try await writer.send(
            RunProcess.Output(
                exitCode: end.exitCode,
                exitSignal: end.exitSignal,
                reason: end.reason,
                swept: end.swept.map { SweptProcess(pid: $0.pid, command: $0.command) }
            )
        )
    }

    private func send(_ bytes: [UInt8], of stream: RunProcess.Output.Stream, isLast: Bool) async throws(Fault) {
        let all = (held[stream] ?? []) + bytes
        let whole = UTF8Cut.length(of: all, isLast: isLast)
        held[stream] = Array(all[whole...])
        guard whole > 0 else { return }
        let piece = Array(all[..<whole])
        let text = String(validating: piece, as: UTF8.self)
        try await writer.send(
            RunProcess.Output(stream: stream, text: text, base64: text == nil ? Data(piece) : nil)
        )
    }
}
