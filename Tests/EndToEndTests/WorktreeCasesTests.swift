import Foundation
import Protocol
import Testing

/// What becomes of worktrees, and of the work in them.
@Suite struct WorktreeCasesTests {
    @Test func noWorkIsLostWithItsWorktree() async throws {
        try await withFleet { fleet in
            try await fleet.startHub()
            try await fleet.addSpoke("one")
            try await fleet.addProject("demo", files: ["README": "hello\n", "old": "old\n", "moved": "moved\n"])
            try await aWorktreeIsKeptAsOrdered(fleet)
            try await aWorktreeIsUsedAgain(fleet)
            try await anOccupiedWorktreeStays(fleet)
            try await fleet.addSpoke("two")
            try await whatWasRemovedComesBackOnAnySpoke(fleet)
        }
    }

    private func aWorktreeIsKeptAsOrdered(_ fleet: Fleet) async throws {
        for (keep, command, isKept) in [
            ("always", "true", true), ("onFailure", "false", true), ("onFailure", "true", false),
            ("never", "false", false),
        ] {
            let script = "pwd; \(command)"
            let session = try await fleet.spawn("demo", ["sh", "-c", script], ["--keep", keep])
            let end = try await fleet.end(of: session)
            let directory = end["workspace"]?["directory"]?.stringValue ?? "?"
            #expect(try await fleet.logs(session) == Data("\(directory)\n".utf8))
            let wanted = isKept ? "ready" : "removed"
            _ = try await eventually("the worktree of \(keep) \(command) is \(wanted)") {
                try await fleet.status(of: session)["workspace"]?["state"]?.stringValue == wanted ? true : nil
            }
            #expect(FileManager.default.fileExists(atPath: directory) == isKept, "\(keep) \(command)")
        }
        try await fleet.refused(
            ["spawn", "--project", "demo", "--keep", "sometimes", "--", "true"],
            "VALIDATION_ERROR",
            saying: "keep"
        )
    }

    private func aWorktreeIsUsedAgain(_ fleet: Fleet) async throws {
        let first = try await fleet.spawn("demo", ["sh", "-c", "echo mine > mine"], ["--keep", "always"])
        let workspace = try await fleet.end(of: first)["workspace"]?["id"]?.stringValue ?? ""
        let again: JSONValue = [
            "project": "demo", "run": ["command": ["sh", "-c", "cat mine; sleep 600"]],
            "worktree": ["mode": "reuse", "workspaceId": .string(workspace), "keep": "always"],
        ]
        let order = String(decoding: WireCoder.bytes(of: again), as: UTF8.self)
        let second = try await fleet.ask("call", "coord.spawn", order)["sessionId"]?.stringValue ?? ""
        _ = try await eventually("it reads the file") {
            try await fleet.logs(second) == Data("mine\n".utf8) ? true : nil
        }
        try await fleet.refused(["call", "coord.spawn", order], "CONFLICT", saying: "free worktree")
        let remove = ["call", "workspace.remove", "{\"workspaceId\":\"\(workspace)\"}"]
        try await fleet.refused(remove, "CONFLICT", saying: "A session works in this workspace")
        try await fleet.ask("abort", second, "--grace", "100ms")
    }

    private func anOccupiedWorktreeStays(_ fleet: Fleet) async throws {
        let session = try await fleet.spawn("demo", ["sh", "-c", "echo x > x"], ["--keep", "always"])
        let entry = try await fleet.end(of: session)
        let directory = entry["workspace"]?["directory"]?.stringValue ?? ""
        let remove = "{\"workspaceId\":\"\(entry["workspace"]?["id"]?.stringValue ?? "")\"}"
        let squatter = try FleetProgram(
            "/bin/sh",
            ["-c", "cd '\(directory)' && exec sleep 600"],
            environment: fleet.environment,
            folder: fleet.folder,
            name: "squatter"
        )
        defer { squatter.signal(SIGKILL) }
        _ = try await eventually("somebody lives in it") {
            let place = URL(filePath: "/proc/\(squatter.pid)/cwd").resolvingSymlinksInPath().path
            return place == URL(filePath: directory).resolvingSymlinksInPath().path ? true : nil
        }
        try await fleet.ask("call", "workspace.remove", remove)
        _ = try await eventually("the removal is refused") {
            try await fleet.status(of: session)["workspace"]?["state"] == "ready" ? true : nil
        }
        #expect(FileManager.default.fileExists(atPath: directory + "/x"), "a process lives in it")
        await squatter.crash()
        try await fleet.ask("call", "workspace.remove", remove)
        _ = try await eventually("it is removed") { FileManager.default.fileExists(atPath: directory) ? nil : true }
    }

    private func whatWasRemovedComesBackOnAnySpoke(_ fleet: Fleet) async throws {
        let script = """
            echo committed > c; git add c; git -c user.name=t -c user.email=t@t commit -qm mine
            echo staged > s; git add s; echo more >> README; git add README; echo unstaged >> README
            rm old; git mv moved there; head -c 5000 /dev/urandom > 'binary file'; chmod +x 'binary file'
            mkdir -p deep/er; printf 'no newline' > deep/er/ü; ln -s ../c deep/link; : > empty
            """
        let spawn = ["--keep", "always", "--spoke", "one", "--branch", "work"]
        let session = try await fleet.spawn("demo", ["sh", "-ec", script], spawn)
        let entry = try await fleet.end(of: session)
        let complaints = String(decoding: try await fleet.logs(session, stream: "stderr"), as: UTF8.self)
        #expect(entry["mapping"]?["status"] == "completed", "\(complaints)")
        let workspace = entry["workspace"]?["id"]?.stringValue ?? ""
        let directory = entry["workspace"]?["directory"]?.stringValue ?? ""
        let before = try await picture(of: directory, fleet)
        #expect(before.count > 10, "\(before)")
        try await fleet.ask("call", "workspace.remove", "{\"workspaceId\":\"\(workspace)\"}")
        let salvage = try await eventually("it is saved") {
            try await fleet.ask("worktrees", "--salvaged")["salvages"]?.arrayValue?.first {
                $0["workspaceId"]?.stringValue == workspace
            }
        }
        #expect(!FileManager.default.fileExists(atPath: directory))
        for spoke in ["one", "two"] {
            let restored = try await fleet.ask("restore", salvage["id"]?.stringValue ?? "", "--spoke", spoke)
            let place = restored["directory"]?.stringValue ?? ""
            #expect(place.hasPrefix(fleet.directory(of: spoke).path), "\(restored)")
            #expect(try await picture(of: place, fleet) == before, "restored on \(spoke)")
        }
    }

    /// Every path below a worktree with its mode and bytes, and what git says of it.
    private func picture(of directory: String, _ fleet: Fleet) async throws -> [String] {
        let script = """
            cd '\(directory)' && git log --format=%H -1 && git status --porcelain -uall && git diff --cached
            git diff; find . -not -path './.git*' -printf '%P %y %m %l\\n' | sort
            find . -type f -not -path './.git' -print0 | sort -z | xargs -0 sha256sum
            """
        let program = try FleetProgram(
            "/bin/sh",
            ["-c", script],
            environment: fleet.environment,
            folder: fleet.folder,
            name: "picture-\(UUID().uuidString.prefix(8))"
        )
        #expect(await program.exit() == 0, "\(program.logText)")
        return program.outputText.split(separator: "\n").map(String.init)
    }
}
