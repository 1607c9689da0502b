import Foundation
import Logging
import Protocol
import SpokeCore

/// Programs of this machine as operations (`operations:` in `spoke.yaml`).
struct CommandAnswers: Sendable {
    let premises: Premises
    let runner: ProgramRunner
    let surroundings: ProgramSurroundings
    /// Folders for programs that need one of their own.
    let scratch: String

    /// Offers each of them.
    ///
    /// - Throws: `VALIDATION_ERROR` for one that cannot be understood, `CONFLICT` for a name that is taken.
    func register(_ commands: [String: CommandOperation], in table: inout SpokeOperations) throws(Fault) {
        for (name, command) in commands.sorted(by: { $0.key < $1.key }) {
            let order = try Order(name, command)
            var entry = SpokeOperations.Entry(spec: order.spec, violations: order.input.violations(in:))
            entry.provesItsEnd = true
            if order.spec.type == .subscription {
                entry.streaming = { (input, call, deliver) async throws(Fault) -> Void in
                    try await stream(order, input, call, deliver)
                }
            } else {
                entry.answering = { (input, call) async throws(Fault) -> SpokeAnswer in
                    try await answer(order, input, call)
                }
            }
            try table.offer(entry)
        }
    }

    /// One operation, ready to be called.
    private struct Order: Sendable {
        let command: CommandOperation
        let template: ArgumentTemplate
        let input: SchemaContract
        let spec: OperationSpec

        init(_ name: String, _ command: CommandOperation) throws(Fault) {
            self.command = command
            template = try ArgumentTemplate(command.command)
            input = try SchemaContract(command.schema, "input")
            let namespace = String(name.prefix { $0 != "." })
            let type = command.type ?? .mutation
            let scope = "\(namespace):\(type == .query ? "read" : "write")"
            let output: JSONValue
            switch (type, command.prints ?? .text) {
            case (.subscription, _): output = Self.schema(of: RunProcess.Output.self)
            case (_, .text): output = Self.schema(of: CommandPrinted.self)
            case (_, .json): output = command.output ?? [:]
            }
            spec = OperationSpec(
                namespace: namespace,
                name: String(name.dropFirst(namespace.count + 1)),
                type: type,
                description: command.description,
                tags: command.tags,
                inputSchema: command.schema,
                outputSchema: output,
                accessControl: AccessControl(requiredScopes: command.scopes ?? [scope])
            )
        }

        private static func schema<Value: Decodable>(of type: Value.Type) -> JSONValue {
            SchemaProbe.shape(of: type).schema(closed: false)
        }
    }

    private func answer(
        _ order: Order,
        _ input: JSONValue,
        _ call: SpokeCall
    ) async throws(Fault) -> SpokeAnswer {
        let printed = CommandOutput()
        let end = try await run(order, input, call) { (news) async throws(Fault) -> Void in
            if case .output(let stream, let bytes) = news { try await printed.take(bytes, of: stream) }
        }
        // Hidden before anything is cut: half a secret would not be known for one.
        let patterns = await premises.secrets()
        let (stdout, stderr) = await (printed.text(.stdout, patterns), printed.text(.stderr, patterns))
        guard end.exitCode == 0 else {
            let how = end.exitCode.map { "returned \($0)" } ?? "was ended (\(end.reason.rawValue))"
            throw Fault(
                end.reason == .timeout ? .timeout : .execution,
                "\(order.template.program) \(how); what it said is in the details.",
                details: .object([
                    "exitCode": end.exitCode.map { .integer(Int64($0)) } ?? .null,
                    "exitSignal": end.exitSignal.map { .integer(Int64($0)) } ?? .null,
                    "stdout": .string(String(stdout.suffix(4_000))),
                    "stderr": .string(String(stderr.suffix(4_000))),
                ])
            )
        }
        guard order.command.prints == .json else {
            return SpokeAnswer(data: try JSONValue(answering: CommandPrinted(stdout: stdout, stderr: stderr)))
        }
        do throws(Fault) {
            return SpokeAnswer(data: try JSONValue(parsing: await printed.bytes(.stdout)))
        } catch {
            throw Fault(.execution, "\(order.template.program) did not print JSON: \(error.message)")
        }
    }

    private func stream(
        _ order: Order,
        _ input: JSONValue,
        _ call: SpokeCall,
        _ deliver: @escaping @Sendable (SpokeAnswer) async throws(Fault) -> Void
    ) async throws(Fault) {
        let patterns = await premises.secrets()
        let output = ProgramOutput(patterns, SpokeWriter(deliver: deliver))
        let end = try await run(order, input, call) { (news) async throws(Fault) -> Void in
            try await output.tell(news)
        }
        try await output.finish(end)
    }

    private func run(
        _ order: Order,
        _ input: JSONValue,
        _ call: SpokeCall,
        tell: @escaping @Sendable (ProgramNews) async throws(Fault) -> Void
    ) async throws(Fault) -> ProcessEnd {
        let command = try order.template.command(for: input)
        let environment = order.command.environment ?? [:]
        let objection = try await premises.policy.current().objection(toCall: command[0], environment: [:])
        if let objection { throw objection }
        var program = Program(
            command: command,
            environment: await surroundings.variables(environment, in: nil, for: call),
            directory: order.command.directory ?? "/",
            input: nil,
            timeoutSeconds: order.command.timeoutSeconds ?? Limits.commandSecondsUsual
        )
        if order.command.directory == CommandOperation.worktree {
            let workspace = input["workspaceId"]?.stringValue.map { WorkspaceID($0) }
            let named = input["sessionId"]?.stringValue.map { SessionID($0) }
            let session = named ?? call.session
            return try await premises.within(workspace, session) {
                [program] (record) async throws(Fault) -> ProcessEnd in
                let directory = try await premises.directory(.here, in: record)
                var inside = program
                inside.directory = directory.path
                inside.environment = await surroundings.variables(environment, in: record, for: call)
                defer { withExtendedLifetime(directory) {} }
                return try await Self.ended(try await runner.run(inside, tell: tell))
            }
        }
        guard order.command.directory == nil else {
            return try await Self.ended(try await runner.run(program, tell: tell))
        }
        let own = "\(scratch)/call-\(UUID().uuidString.lowercased())"
        try Folder.make(own)
        defer { Folder.remove(own) }
        program.directory = own
        return try await Self.ended(try await runner.run(program, tell: tell))
    }

    private static func ended(_ end: ProcessEnd) async throws(Fault) -> ProcessEnd {
        if let failure = end.failure { throw failure }
        return end
    }
}

/// What a program printed, for operations that answer with text.
struct CommandPrinted: Codable, Sendable, Described {
    static let fields = [
        "stdout": "What it printed.",
        "stderr": "What it complained of.",
    ]
    var stdout: String
    var stderr: String
}

/// Gathers a bounded amount of output.
private actor CommandOutput {
    private var printed: [Protocol.OutputStream: [UInt8]] = [:]

    /// - Throws: `TOO_LARGE` for more than an answer may hold; the program is then ended.
    func take(_ bytes: [UInt8], of stream: Protocol.OutputStream) throws(Fault) {
        printed[stream, default: []] += bytes
        guard printed.values.reduce(0, { $0 + $1.count }) <= Limits.commandOutputBytes else {
            throw Fault(
                .tooLarge,
                "The program printed more than \(Limits.commandOutputBytes) bytes and was ended: a subscription may."
            )
        }
    }

    func bytes(_ stream: Protocol.OutputStream) -> [UInt8] { printed[stream] ?? [] }

    func text(_ stream: Protocol.OutputStream, _ secrets: SecretPatterns) -> String {
        String(decoding: Redactor.redact(bytes(stream), with: secrets), as: UTF8.self)
    }
}
