import Foundation
import Protocol
import Testing

/// Spawns that cannot be, and what is said of each; spawns that wait, and why.
@Suite struct SpawnCasesTests {
    @Test func aSpawnThatCannotBeIsRefusedInWords() async throws {
        try await withFleet { fleet in
            try await fleet.startHub()
            try await fleet.addProject("demo")
            try await waitingIsExplainedAndCanBeGivenUp(fleet)
            try await fleet.addSpoke("one")
            try await namesThatMeanSomethingElseAreRefused(fleet)
            try await whatDoesNotExistIsNamed(fleet)
            try await whatOnlyTheSpokeCanKnowComesBackAsItsFailure(fleet)
            try await aBranchBelongsToOneWorktree(fleet)
            try await whatIsOverIsOver(fleet)
        }
    }

    private func namesThatMeanSomethingElseAreRefused(_ fleet: Fleet) async throws {
        let long = String(repeating: "a", count: 300)
        for branch in ["--upload-pack=x", "-x", "a\u{1}b", "a..b", "a b~", "x.lock", long] {
            let spawn = ["spawn", "--project", "demo", "--branch=\(branch)", "--", "true"]
            try await fleet.refused(spawn, "VALIDATION_ERROR", saying: "branch: must")
        }
        for base in ["--upload-pack=x", "a b", "HEAD:README"] {
            let spawn = ["spawn", "--project", "demo", "--base=\(base)", "--", "true"]
            try await fleet.refused(spawn, "VALIDATION_ERROR", saying: "base: must")
        }
        for name in ["--upload-pack=x", "-x", "a\u{1}b", long, " "] {
            let add = ["project", "add", "--repo", "/srv/x", "--", name]
            try await fleet.refused(add, "VALIDATION_ERROR", saying: "name: must")
        }
        for repository in ["--upload-pack=x", "ext::sh -c id", "ftp://x/y", "https://u:p@host/x", "/a/../b"] {
            let add = ["project", "add", "bad", "--repo=\(repository)"]
            try await fleet.refused(add, "VALIDATION_ERROR", saying: "repoUrl: must")
        }
        try await fleet.refused(
            ["spawn", "--project", "demo", "--timeout", "0s", "--", "true"],
            "VALIDATION_ERROR",
            saying: "timeoutSeconds"
        )
    }

    private func whatDoesNotExistIsNamed(_ fleet: Fleet) async throws {
        try await fleet.refused(["spawn", "--project", "dem", "--", "true"], "NOT_FOUND", saying: "did you mean demo?")
        let spoke = ["spawn", "--project", "demo", "--spoke", "onr", "--", "true"]
        try await fleet.refused(spoke, "NOT_FOUND", saying: "onr")
        try await fleet.refused(["project", "add", "demo", "--repo", "/srv/x"], "CONFLICT", saying: "demo")
        for command in ["logs", "abort", "status", "why"] {
            try await fleet.refused([command, "nosuch"], "NOT_FOUND", saying: "There is no session")
        }
        try await fleet.refused(["message", "nosuch", "hello"], "NOT_FOUND", saying: "There is no session")
        try await fleet.refused(["logs", "nosuch", "-f"], "NOT_FOUND", saying: "There is no session")
        try await fleet.refused(["restore", "nosuch"], "NOT_FOUND", saying: "salvage")
        try await fleet.refused(["call", "nope.nope"], "OPERATION_NOT_FOUND", saying: "operation.list")
        try await fleet.refused(["call", "coord.spawn", "{}", "--json"], "VALIDATION_ERROR", saying: "project")
    }

    private func whatOnlyTheSpokeCanKnowComesBackAsItsFailure(_ fleet: Fleet) async throws {
        let folder = fleet.folder.appending(path: "plain")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let empty = fleet.folder.appending(path: "empty")
        try FileManager.default.createDirectory(at: empty, withIntermediateDirectories: true)
        try await fleet.git(["init", "-q", "-b", "main"], in: empty)
        let repositories = ["gone": "/nowhere/at/all", "plain": folder.path, "empty": empty.path]
        for (name, path) in repositories {
            try await fleet.ask("project", "add", name, "--repo", path)
        }
        func follow(_ project: String, _ options: [String] = [], _ command: [String] = ["true"]) -> [String] {
            ["spawn", "--project", project, "--follow"] + options + (command.isEmpty ? [] : ["--"] + command)
        }
        try await fleet.refused(follow("gone"), "EXECUTION_ERROR", saying: "does not appear to be a git repository")
        try await fleet.refused(follow("plain"), "EXECUTION_ERROR", saying: folder.path)
        try await fleet.refused(follow("empty"), "NOT_FOUND", saying: "is empty")
        try await fleet.refused(follow("demo", ["--base", "mian"]), "NOT_FOUND", saying: "main")
        try await fleet.refused(follow("demo", [], ["/no/such"]), "EXECUTION_ERROR", saying: "/no/such")
        try await fleet.refused(follow("demo", [], ["no-such"]), "EXECUTION_ERROR", saying: "no-such")
        try await fleet.refused(follow("demo", [], ["./README"]), "EXECUTION_ERROR", saying: "README")
    }

    private func aBranchBelongsToOneWorktree(_ fleet: Fleet) async throws {
        let holder = try await fleet.spawn("demo", ["sleep", "600"], ["--branch", "taken"])
        _ = try await eventually("it runs") { try await fleet.status(of: holder)["session"]?["startedAt"]?.stringValue }
        let second = ["spawn", "--project", "demo", "--branch", "taken", "--follow", "--", "true"]
        try await fleet.refused(second, "CONFLICT", saying: "choose another branch")
        try await fleet.ask("abort", holder, "--grace", "100ms")
    }

    private func waitingIsExplainedAndCanBeGivenUp(_ fleet: Fleet) async throws {
        let none = try await fleet.spawn("demo", ["true"])
        #expect(try await fleet.ask("why", none)["message"]?.stringValue?.contains("No spoke has joined") == true)
        #expect(try await fleet.ask("abort", none)["outcome"] == "stopped")
        #expect(try await fleet.ask("abort", none)["outcome"] == "stopped")
        #expect(try await fleet.hub("logs", none, "-f").exitCode == 130)

        try await fleet.addSpoke("drained", ["--label", "os=linux"])
        let labels = try await fleet.spawn("demo", ["true"], ["--label", "os=plan9"])
        #expect(try await reason(of: labels, at: "drained", fleet) == "labels")
        #expect(try await fleet.ask("abort", labels)["outcome"] == "stopped")

        #expect(try await fleet.local("drained", "drain", "--deadline", "10s").exitCode == 0)
        let draining = try await fleet.spawn("demo", ["echo", "at last"], ["--spoke", "drained"])
        _ = try await eventually("it waits for a draining spoke") {
            try await reason(of: draining, at: "drained", fleet) == "paused" ? true : nil
        }
        #expect(try await fleet.local("drained", "drain", "--undo").exitCode == 0)
        #expect(try await fleet.end(of: draining)["mapping"]?["status"] == "completed")
        await stop("drained", fleet)
        let away = try await fleet.spawn("demo", ["true"], ["--spoke", "drained"])
        _ = try await eventually("it waits for a spoke that is away") {
            try await reason(of: away, at: "drained", fleet) == "disconnected" ? true : nil
        }
        #expect(try await fleet.ask("abort", away)["outcome"] == "stopped")
    }

    private func reason(of session: String, at spoke: String, _ fleet: Fleet) async throws -> String? {
        let why = try await fleet.ask("why", session)
        return why["spokes"]?.arrayValue?.first { $0["name"]?.stringValue == spoke }?["reason"]?.stringValue
    }

    private func stop(_ spoke: String, _ fleet: Fleet) async {
        fleet.spoke(spoke)?.signal(SIGTERM)
        _ = await fleet.spoke(spoke)?.exit()
    }

    private func whatIsOverIsOver(_ fleet: Fleet) async throws {
        let ended = try await fleet.spawn("demo", ["true"])
        #expect(try await fleet.end(of: ended)["mapping"]?["status"] == "completed")
        try await fleet.refused(["message", ended, "hello"], "INVALID_TRANSITION", saying: "over")
        #expect(try await fleet.ask("abort", ended)["outcome"] == "stopped")
        #expect(try await fleet.status(of: ended)["mapping"]?["status"] == "completed")
        #expect(try await fleet.ask("why", ended)["message"]?.stringValue?.contains("over") == true)
    }
}
