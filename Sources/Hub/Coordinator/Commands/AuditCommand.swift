import ArgumentParser
import Foundation
import Protocol

/// `hub audit`
struct AuditCommand: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit",
        abstract: "Who changed what, newest first."
    )

    @OptionGroup var client: ClientOptions
    @Option(help: "Only what this account asked for, by email or id.") var account: String?
    @Option(help: "Only this operation, or a namespace such as key.*.") var action: String?
    @Option(help: "Only what ended so: succeeded, failed or denied.") var outcome: String?
    @Option(help: "Only what was about this organisation, by slug or id.") var org: String?
    @Option(help: "Only what this session asked for.") var session: String?
    @Option(help: "Only what this request carried.") var request: String?
    @Option(help: "Only the last while, such as 2h.") var since: DurationArgument?
    @Option(help: "At most so many lines.") var limit = 100

    func validate() throws {
        guard limit > 0 else { throw ValidationError("--limit takes a number of lines.") }
    }

    func ask(_ hub: HubClient) async throws {
        var input: [String: JSONValue] = [:]
        input["account"] = account.map(JSONValue.string)
        input["action"] = action.map(JSONValue.string)
        input["outcome"] = outcome.map(JSONValue.string)
        input["org"] = org.map(JSONValue.string)
        input["sessionId"] = session.map(JSONValue.string)
        input["requestId"] = request.map(JSONValue.string)
        input["since"] = since.map { .string(Date(timeIntervalSinceNow: -$0.seconds).wireText) }
        let entries = try await entries(hub, input)
        if client.json { return try Output.json(["entries": .array(entries)]) }
        var table = Table("WHEN", "ACTION", "ABOUT", "OUTCOME", "CODE", "ACCOUNT", "SESSION", "FROM", "REQUEST")
        for entry in entries {
            table.add(
                entry.cell("createdAt"),
                entry.cell("action"),
                Self.about(entry),
                entry.cell("outcome"),
                entry.cell("details.code"),
                entry.cell("email"),
                entry.cell("sessionId"),
                entry.cell("details.from"),
                entry.cell("requestId")
            )
        }
        try Output.line(table.text(empty: "No lines."))
    }

    /// What it was about takes at most this many characters of a line; `--json` has all of it.
    private static let aboutWidth = 60

    /// The names in an entry's input, as `name=site repoUrl=/srv/site`.
    private static func about(_ entry: JSONValue) -> String {
        guard case .object(let names)? = entry.at("details.about"), !names.isEmpty else { return "-" }
        return names.keys.sorted().map { "\($0)=\(entry.cell("details.about.\($0)"))" }.joined(separator: " ")
            .cut(to: aboutWidth)
    }

    /// Page after page, until there are enough.
    private func entries(_ hub: HubClient, _ input: [String: JSONValue]) async throws -> [JSONValue] {
        var (input, found): ([String: JSONValue], [JSONValue]) = (input, [])
        while found.count < limit {
            input["limit"] = .integer(Int64(min(500, limit - found.count)))
            let page = try await hub.call("audit.list", .object(input))
            found += page["entries"]?.arrayValue ?? []
            guard let cursor = page["nextCursor"], cursor != .null else { break }
            input["cursor"] = cursor
        }
        return found
    }
}
