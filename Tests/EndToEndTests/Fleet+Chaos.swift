import Foundation
import Protocol
import Testing

/// What resilience tests ask of a fleet besides.
extension Fleet {
    var marks: RunMarks { RunMarks(file: folder.appending(path: "marks")) }

    /// Spawns many with one call, asked again until it is answered: by their keys each is spawned once.
    ///
    /// - Returns: the sessions, in order.
    func spawnMany(
        _ project: String,
        _ commands: [[String]],
        key: String,
        within limit: Duration = .seconds(60)
    ) async throws -> [String] {
        let tasks = commands.enumerated().map { index, command -> JSONValue in
            [
                "title": .string("\(key)-\(index)"), "idempotencyKey": .string("\(key)-\(index)"),
                "run": ["command": .array(command.map(JSONValue.string))],
            ]
        }
        let input: JSONValue = ["project": .string(project), "tasks": .array(tasks)]
        let file = folder.appending(path: "\(key).json")
        try Data(WireCoder.bytes(of: input)).write(to: file)
        return try await eventually("\(commands.count) sessions are spawned", within: limit) {
            let finished = try await hub("call", "coord.spawn", "@\(file.path)", "--json")
            guard finished.exitCode == 0 else { return nil }
            let answer = try finished.json()
            let spawned = answer["spawned"]?.arrayValue?.compactMap { $0["sessionId"]?.stringValue } ?? []
            guard answer["errors"]?.arrayValue?.isEmpty == true else {
                guard spawned.count < commands.count, "\(answer)".contains("UNAVAILABLE") else {
                    throw Unexpected(what: "coord.spawn", finished: finished)
                }
                return nil
            }
            return spawned
        }
    }

    /// The mappings by session, whichever page they are on.
    func mappings() async throws -> [String: JSONValue] {
        let entries = try await ask("status")["mappings"]?.arrayValue ?? []
        return Dictionary(entries.map { ($0["session"]?["id"]?.stringValue ?? "", $0) }) { first, _ in first }
    }

    /// Waits until none of these sessions is active; the hub may be away meanwhile.
    func ends(of sessions: [String], within limit: Duration = .seconds(120)) async throws -> [String: JSONValue] {
        var last: [String: JSONValue] = [:]
        do {
            return try await eventually("all of \(sessions.count) sessions end", within: limit) {
                guard let all = try? await mappings() else { return nil }
                last = all
                let ended = sessions.allSatisfy { session in
                    guard let status = all[session]?["mapping"]?["status"]?.stringValue else { return false }
                    return status != "active"
                }
                return ended ? all : nil
            }
        } catch {
            let open = sessions.filter { last[$0]?["mapping"]?["status"]?.stringValue == "active" }
            throw Late(what: "sessions \(open) end; \(open.first.flatMap { last[$0] } ?? .null)", limit: limit)
        }
    }

    /// Checks one session from its first byte to its end.
    func check(_ work: CountingWork, of session: String, ended entry: JSONValue?) async throws {
        let (stdout, stderr) = work.output
        let (stored, errors) = (try await logs(session), try await logs(session, stream: "stderr"))
        #expect(stored == stdout, "\(session): stdout has \(stored.count) bytes of \(stdout.count)")
        #expect(errors == stderr, "\(session): stderr has \(errors.count) bytes of \(stderr.count)")
        let wanted = work.exitCode == 0 ? "completed" : "failed"
        #expect(entry?["mapping"]?["status"]?.stringValue == wanted, "\(session): \(entry ?? .null)")
        #expect(entry?["session"]?["exitCode"]?.integerValue == Int64(work.exitCode), "\(session): \(entry ?? .null)")
        #expect(marks.pids[session]?.count == 1, "\(session) ran as \(marks.pids[session] ?? [])")
    }

    /// Checks that both ends can prove that they are whole.
    func checkProofs(spokes: [String]) async throws {
        let verified = try await hub("verify")
        #expect(verified.exitCode == 0, "\(verified.text)\(verified.errors)")
        for spoke in spokes {
            let journal = try await run("spoke", ["journal", "verify", "--data-dir", directory(of: spoke).path])
            #expect(journal.exitCode == 0, "\(journal.text)\(journal.errors)")
        }
    }

    /// The sessions that a spoke knows, with the process of each that runs; empty while it cannot answer.
    func sessions(on spoke: String) async throws -> [String: Int32?] {
        let finished = try await run("spoke", ["sessions", "--json", "--data-dir", directory(of: spoke).path])
        guard finished.exitCode == 0 else { return [:] }
        let rows = try finished.json()["sessions"]?.arrayValue ?? []
        return Dictionary(
            rows.map { ($0["sessionId"]?.stringValue ?? "", $0["pid"]?.integerValue.map { Int32($0) }) },
            uniquingKeysWith: { first, _ in first }
        )
    }

    /// What a spoke says of itself.
    func localStatus(of spoke: String) async throws -> JSONValue? {
        let finished = try await run("spoke", ["status", "--json", "--data-dir", directory(of: spoke).path])
        return finished.exitCode == 0 ? try finished.json() : nil
    }

    /// Waits until the spoke runs none of its sessions any more, whether the hub knows or not.
    func untilIdle(_ spoke: String, within limit: Duration = .seconds(60)) async throws {
        _ = try await eventually("spoke \(spoke) is idle", within: limit) {
            try await localStatus(of: spoke)?["sessions"]?.integerValue == 0 ? true : nil
        }
    }

    /// Copies the data directory of a spoke that does not run.
    func copy(_ spoke: String, to copy: String) async throws {
        _ = try await shell("cp -a '\(directory(of: spoke).path)' '\(directory(of: copy).path)'")
    }

    /// What a line of shell prints; anything but success is an error.
    func shell(_ line: String) async throws -> String {
        let name = "shell-\(UUID().uuidString.prefix(8))"
        let program = try FleetProgram("/bin/sh", ["-c", line], environment: environment, folder: folder, name: name)
        let finished = Finished(
            exitCode: await program.exit(),
            output: try Data(contentsOf: program.output),
            errors: program.logText
        )
        guard finished.exitCode == 0 else { throw Unexpected(what: line, finished: finished) }
        return finished.text
    }

    /// The processes that serve the hub's connections.
    var backends: [Int32] {
        guard let postmaster else { return [] }
        return ProcessTree.children(of: postmaster).filter { ProcessTree.title(of: $0).contains("nave nave") }
    }
}

/// What `/proc` tells of processes.
enum ProcessTree {
    static func children(of parent: Int32) -> [Int32] {
        all.filter { field(3, of: $0) == "\(parent)" }
    }

    static func parent(of pid: Int32) -> Int32? { field(3, of: pid).flatMap { Int32($0) } }

    /// Neither gone nor waiting to be reaped.
    static func lives(_ pid: Int32) -> Bool {
        guard let state = field(2, of: pid) else { return false }
        return state != "Z" && state != "X"
    }

    static func title(of pid: Int32) -> String {
        text("/proc/\(pid)/cmdline").replacing("\0", with: " ")
    }

    private static var all: [Int32] {
        // Without /proc there are no processes to be seen.
        ((try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []).compactMap { Int32($0) }
    }

    /// By its number in proc(5), from the state (3, here 2) on.
    private static func field(_ number: Int, of pid: Int32) -> String? {
        let stat = text("/proc/\(pid)/stat")
        guard let name = stat.lastIndex(of: ")") else { return nil }
        let fields = stat[stat.index(after: name)...].split(separator: " ")
        return fields.count > number - 2 ? String(fields[number - 2]) : nil
    }

    private static func text(_ path: String) -> String {
        // A process that went meanwhile has nothing to tell.
        String(decoding: (try? Data(contentsOf: URL(filePath: path))) ?? Data(), as: UTF8.self)
    }
}
