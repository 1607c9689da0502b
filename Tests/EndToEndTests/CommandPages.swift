import Foundation
import Protocol
import TestSupport

/// `docs/commands.md`, from what the built programs say of themselves (`--experimental-dump-help`).
enum CommandPages {
    static func page(_ programs: [JSONValue]) -> String {
        var page = head
        for program in programs {
            guard let command = program["command"], let name = command["commandName"]?.stringValue else { continue }
            page += "\n## \(name)\n\n\(command["abstract"]?.stringValue ?? "")\n"
            for child in children(of: command) { page += section(child, after: name) }
        }
        return page
    }

    private static let head = """
        # Commands

        <!-- Written by `make docs` from the built programs; a test keeps it true. Do not edit. -->

        What stands in `[ ]` may be left out, what ends in `…` may be repeated. Every command takes `--help`. The client
        commands of `hub` also take `--url URL`, `--key-file FILE` and `--json`, those of `spoke` `--data-dir DIR`
        and `--json`. Exit codes: 0 done · 1 answered with an error · 64 usage · 69 not reachable · 77 not allowed ·
        78 bad configuration; `hub spawn --follow` and `hub logs -f` end with the session's own code, 130 when aborted.
        Completions: `hub --generate-completion-script zsh` (or `bash`, `fish`).

        """

    /// Options that the head of the page tells of once.
    private static let common: Set<String> = ["--help", "--version", "--url", "--key-file", "--json"]

    private static func section(_ command: JSONValue, after parent: String) -> String {
        let name = "\(parent) \(command["commandName"]?.stringValue ?? "")"
        let below = children(of: command)
        var text = ""
        if below.isEmpty || command["defaultSubcommand"]?.stringValue == nil && !arguments(of: command).isEmpty {
            let shown = arguments(of: command).filter { $0["shouldDisplay"] != .bool(false) }
            text += "\n### \(name)\n\n\(command["abstract"]?.stringValue ?? "")"
            if let more = command["discussion"]?.stringValue { text += "\n\n" + more }
            text += "\n\n```\n\(([name] + shown.map(usage)).joined(separator: " "))\n```\n"
            let rows = shown.map { ["`\(title($0))`", $0["abstract"]?.stringValue ?? "", standard($0)] }
            if !rows.isEmpty { text += "\n" + WrittenPage.table(["", "means", "default"], rows) }
        }
        return text + below.map { section($0, after: name) }.joined()
    }

    private static func children(of command: JSONValue) -> [JSONValue] {
        (command["subcommands"]?.arrayValue ?? []).filter { $0["commandName"]?.stringValue != "help" }
    }

    private static func arguments(of command: JSONValue) -> [JSONValue] {
        (command["arguments"]?.arrayValue ?? []).filter { argument in
            !names(argument).contains { common.contains($0) }
        }
    }

    private static func names(_ argument: JSONValue) -> [String] {
        (argument["names"]?.arrayValue ?? []).map { name in
            (name["kind"]?.stringValue == "long" ? "--" : "-") + (name["name"]?.stringValue ?? "")
        }
    }

    /// As it is typed: `--label LABEL`, `-f`, `SESSION`.
    private static func title(_ argument: JSONValue) -> String {
        let value = (argument["valueName"]?.stringValue ?? "").uppercased()
        switch argument["kind"]?.stringValue {
        case "positional"?: return value
        case "flag"?: return names(argument).joined(separator: ", ")
        default: return names(argument).joined(separator: ", ") + " \(value)"
        }
    }

    private static func usage(_ argument: JSONValue) -> String {
        let repeats = argument["isRepeating"] == .bool(true) ? " …" : ""
        let name = names(argument).last.map { argument["kind"]?.stringValue == "flag" ? $0 : title(argument) }
        let text = (names(argument).count > 1 ? name ?? "" : title(argument)) + repeats
        return argument["isOptional"] == .bool(true) ? "[\(text)]" : text
    }

    private static func standard(_ argument: JSONValue) -> String {
        argument["defaultValue"]?.stringValue.map { "`\($0)`" } ?? ""
    }
}
