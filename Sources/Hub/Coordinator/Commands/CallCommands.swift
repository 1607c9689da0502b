import ArgumentParser
import Foundation
import Protocol

/// `hub calls list|get|tree|lineage|abort|latency`
struct CallsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "calls",
        abstract: "Who called what, what that triggered, and how long it took.",
        subcommands: [List.self, Get.self, Tree.self, Lineage.self, Abort.self, Latency.self],
        defaultSubcommand: List.self
    )

    struct List: ClientCommand {
        static let configuration = CommandConfiguration(abstract: "Calls, newest first.")

        @OptionGroup var client: ClientOptions
        @Option(help: "Only calls of this operation.") var operation: String?
        @Option(help: "Only those that are pending, running, completed, failed or aborted.") var status: String?
        @Option(help: "Only those made by this session.") var session: String?
        @Option(help: "Only those of this account.") var account: String?
        @Option(help: "Only those that came in at most this long ago.") var within: DurationArgument?
        @Option(help: "At most this many.") var limit = 50

        func ask(_ hub: HubClient) async throws {
            var input: [String: JSONValue] = ["limit": .integer(Int64(limit))]
            input["operation"] = operation.map(JSONValue.string)
            input["status"] = status.map(JSONValue.string)
            input["sessionId"] = session.map(JSONValue.string)
            input["accountId"] = account.map(JSONValue.string)
            input["since"] = within.map { .string(Date(timeIntervalSinceNow: -$0.seconds).wireText) }
            let answer = try await hub.call("call.list", .object(input))
            if client.json { return try Output.json(answer) }
            var table = Table("CALL", "OPERATION", "STATUS", "AGE", "TOOK", "ACCOUNT", "SESSION", "ERROR")
            for call in answer["calls"]?.arrayValue ?? [] {
                table.add(
                    call.cell("requestId"),
                    call.cell("operationId"),
                    call.cell("status"),
                    call.age("createdAt"),
                    call.took,
                    call.cell("callerAccountId"),
                    call.cell("sessionId"),
                    call.cell("error.code")
                )
            }
            try Output.line(table.text(empty: "No calls."))
        }
    }

    struct Get: ClientCommand {
        static let configuration = CommandConfiguration(abstract: "One call with all that is kept of it.")

        @OptionGroup var client: ClientOptions
        @Argument(help: "The call's request id.") var call: String

        func ask(_ hub: HubClient) async throws {
            let answer = try await hub.call("call.get", ["requestId": .string(call)])
            if client.json { return try Output.json(answer) }
            guard case .object(let fields) = answer else { return }
            for key in fields.keys.sorted() {
                switch fields[key] {
                case .object?, .array?:
                    try Output.line("\(key): \(String(decoding: fields[key]?.serialized() ?? [], as: UTF8.self))")
                default: try Output.line("\(key): \(answer.cell(key))")
                }
            }
        }
    }

    struct Tree: ClientCommand {
        static let configuration = CommandConfiguration(abstract: "A call and every call that it triggered.")

        @OptionGroup var client: ClientOptions
        @Argument(help: "The call at the root.") var call: String

        func ask(_ hub: HubClient) async throws {
            let answer = try await hub.call("call.tree", ["requestId": .string(call)])
            if client.json { return try Output.json(answer) }
            var table = Table("CALL", "STATUS", "TOOK", "OPERATION")
            for branch in answer["calls"]?.arrayValue ?? [] {
                let depth = Int(branch["depth"]?.integerValue ?? 0)
                table.add(
                    branch.cell("call.requestId"),
                    branch.cell("call.status"),
                    (branch["call"] ?? .null).took,
                    String(repeating: "  ", count: depth) + branch.cell("call.operationId")
                )
            }
            try Output.line(table.text(empty: "No calls."))
            if answer["truncated"] == .bool(true) { try Output.line("There are more calls than are shown.") }
        }
    }

    struct Lineage: ClientCommand {
        static let configuration = CommandConfiguration(
            abstract: "The calls within which a call was made, from the first on."
        )

        @OptionGroup var client: ClientOptions
        @Argument(help: "The call.") var call: String

        func ask(_ hub: HubClient) async throws {
            let answer = try await hub.call("call.lineage", ["requestId": .string(call)])
            if client.json { return try Output.json(answer) }
            var table = Table("CALL", "STATUS", "TOOK", "OPERATION")
            func add(_ call: JSONValue, _ mark: String) {
                table.add(call.cell("requestId"), call.cell("status"), call.took, mark + call.cell("operationId"))
            }
            for (depth, call) in (answer["calls"]?.arrayValue ?? []).enumerated() {
                add(call, String(repeating: "  ", count: depth))
            }
            for call in answer["dependsOn"]?.arrayValue ?? [] { add(call, "depends on ") }
            try Output.line(table.text(empty: "No calls."))
            if answer["truncated"] == .bool(true) { try Output.line("There are more calls than are shown.") }
        }
    }

    struct Abort: ClientCommand {
        static let configuration = CommandConfiguration(
            abstract: "End a call that is not over, and the calls below it."
        )

        @OptionGroup var client: ClientOptions
        @Argument(help: "The call.") var call: String
        @Flag(help: "Only what was not handed to anyone yet; what runs goes on.") var continueRunning = false
        @Flag(help: "Only show what would be ended.") var preview = false

        func ask(_ hub: HubClient) async throws {
            let policy = continueRunning ? AbortPolicy.continueRunning : .abortDependents
            let input: JSONValue = ["requestId": .string(call), "policy": .string(policy.rawValue)]
            let answer = try await hub.call(preview ? "call.preview" : "call.abort", input)
            if client.json { return try Output.json(answer) }
            guard preview else {
                var table = Table("CALL", "OPERATION", "OUTCOME", "ENDED", "LEFT", "WAITED")
                for stop in answer["calls"]?.arrayValue ?? [] {
                    table.add(
                        stop.cell("requestId"),
                        stop.cell("operationId"),
                        stop.cell("outcome"),
                        "\(stop["processes"]?.arrayValue?.count ?? 0)",
                        "\(stop["remaining"]?.arrayValue?.count ?? 0)",
                        "\(stop["waitedMilliseconds"]?.integerValue ?? 0) ms"
                    )
                }
                return try Output.line(table.text(empty: "Nothing to abort."))
            }
            var table = Table("CALL", "STATUS", "OPERATION")
            for call in answer["calls"]?.arrayValue ?? [] {
                table.add(call.cell("requestId"), call.cell("status"), call.cell("operationId"))
            }
            try Output.line(table.text(empty: "Nothing to abort."))
        }
    }

    struct Latency: ClientCommand {
        static let configuration = CommandConfiguration(abstract: "How long calls took, by operation.")

        @OptionGroup var client: ClientOptions
        @Argument(help: "Only this operation.") var operation: String?
        @Option(help: "How far back to look.") var within: DurationArgument?

        func ask(_ hub: HubClient) async throws {
            var input: [String: JSONValue] = [:]
            input["operation"] = operation.map(JSONValue.string)
            input["windowSeconds"] = within.map { .integer(Int64(max(1, $0.seconds))) }
            let answer = try await hub.call("call.latency", .object(input))
            if client.json { return try Output.json(answer) }
            var table = Table("OPERATION", "CALLS", "FAILURES", "P50", "P90", "P99", "LONGEST")
            for row in answer["operations"]?.arrayValue ?? [] {
                table.add(
                    row.cell("operationId"),
                    row.cell("calls"),
                    row.cell("failures"),
                    row.milliseconds("p50Milliseconds"),
                    row.milliseconds("p90Milliseconds"),
                    row.milliseconds("p99Milliseconds"),
                    row.milliseconds("longestMilliseconds")
                )
            }
            try Output.line(table.text(empty: "No calls in that time."))
        }
    }
}

extension JSONValue {
    /// A number of milliseconds as `1.2 ms`; `-` where there is none.
    fileprivate func milliseconds(_ path: String) -> String {
        switch at(path) {
        case .number(let value)?: String(format: "%.1f ms", value)
        case .integer(let value)?: "\(value) ms"
        default: "-"
        }
    }

    /// From a call's start to its end; `-` if it has not come so far.
    fileprivate var took: String {
        guard let start = at("startedAt")?.stringValue.flatMap({ Date(wireText: $0) }),
            let end = at("completedAt")?.stringValue.flatMap({ Date(wireText: $0) })
        else { return "-" }
        return "\(max(0, end.milliseconds - start.milliseconds)) ms"
    }
}
