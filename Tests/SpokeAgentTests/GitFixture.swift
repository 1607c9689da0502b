import Foundation
import Logging
import Protocol
import SpokeAgent
import Subprocess
import SystemPackage
import Testing

/// A repository at home, a spoke's data directory, and a store that survives the spoke's “crashes”.
final class GitFixture: Sendable {
    let folder: String
    let store = MemoryWorktreeStore()
    var origin: String { folder + "/origin" }
    var data: String { folder + "/data" }

    init(files: Int = 12, bytesPerFile: Int = 40) async throws {
        folder = NSTemporaryDirectory() + "nave-git-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try await shell(
            """
            git init -q -b main origin && cd origin
            mkdir -p src/deep
            i=0; while [ $i -lt \(files) ]; do head -c \(bytesPerFile) /dev/urandom | base64 > src/file$i
            i=$((i+1)); done
            printf 'ignored/\\n*.tmp\\n' > .gitignore
            printf 'one\\ntwo\\nthree\\n' > conflict.txt
            printf '#!/bin/sh\\necho hi\\n' > run.sh; chmod +x run.sh
            ln -s src/file0 link
            git add -A && git commit -qm first
            git checkout -qb feature && echo feature > feature.txt && sed -i s/two/zwei/ conflict.txt
            git add -A && git commit -qm feature
            git checkout -q main && sed -i s/two/deux/ conflict.txt && git commit -qam second && git tag v1
            """
        )
    }

    deinit {
        // A folder that stays behind in the temporary directory harms nobody.
        try? FileManager.default.removeItem(atPath: folder)
    }

    func worktrees(
        warm: Int = 0,
        root: String? = nil,
        store: MemoryWorktreeStore? = nil,
        clock: @escaping @Sendable () -> Date = { Date() }
    ) throws -> Worktrees {
        try Worktrees(
            root: root ?? data,
            warm: warm,
            store: store ?? self.store,
            logger: Logger(label: "test"),
            clock: clock
        )
    }

    func order(_ id: String, branch: String? = nil, base: String? = nil, repository: String? = nil) -> WorkspaceOrder {
        WorkspaceOrder(
            workspaceId: WorkspaceID(id),
            projectId: "project",
            repository: repository ?? origin,
            defaultBranch: "main",
            branch: branch ?? "wt/\(id)",
            base: base
        )
    }

    /// Runs a script, by default in the fixture's folder, and returns what it printed.
    @discardableResult
    func shell(_ script: String, in directory: String? = nil) async throws -> String {
        let preamble = """
            set -e; export GIT_AUTHOR_NAME=T GIT_AUTHOR_EMAIL=t@x GIT_COMMITTER_NAME=T GIT_COMMITTER_EMAIL=t@x
            export GIT_CONFIG_GLOBAL=/dev/null GIT_EDITOR=true

            """
        let result = try await Subprocess.run(
            .path("/bin/sh"),
            arguments: ["-c", preamble + script],
            workingDirectory: FilePath(directory ?? folder),
            output: .string(limit: 64 << 20),
            error: .string(limit: 1 << 20)
        )
        guard result.terminationStatus.isSuccess else {
            throw Fault(.execution, "“\(script)” said: \(result.standardError)")
        }
        return result.standardOutput.trimmingCharacters(in: .newlines)
    }

    /// Every file below a directory except git's own, with kind, mode and content: what “byte for byte” compares.
    func contents(of directory: String) async throws -> String {
        try await shell(Self.listing, in: directory)
    }

    private static let listing = """
        find . -name .git -prune -o -type l -printf 'link %p %l\\n' | LC_ALL=C sort
        find . -name .git -prune -o -type f -executable -printf 'program %p\\n' | LC_ALL=C sort
        find . -name .git -prune -o -type f -print0 | LC_ALL=C sort -z | xargs -0 -r sha256sum
        """

    func mirror() throws -> String {
        let names = try FileManager.default.contentsOfDirectory(atPath: data + "/repos")
        let name = try #require(names.first { $0.hasSuffix(".git") })
        return "\(data)/repos/\(name)"
    }
}

/// The fault that `body` throws; an issue if it throws none.
func fault(_ body: () async throws -> some Any) async -> Fault? {
    do {
        let value = try await body()
        Issue.record("There was no fault but \(value)")
        return nil
    } catch let fault as Fault {
        return fault
    } catch {
        Issue.record("\(error)")
        return nil
    }
}

/// What a spoke's SQLite does, in memory.
actor MemoryWorktreeStore: WorktreeStore {
    private var workspaceRecords: [WorkspaceID: WorktreeRecord] = [:]
    private var mirrorRecords: [String: MirrorRecord] = [:]
    private var salvageRecords: [SalvageID: SalvagedWork] = [:]
    /// Saves that still succeed; the one after that fails, as if the spoke had died there.
    private var savesLeft = Int.max

    func fail(afterSaves count: Int) { savesLeft = count }

    private func spend() throws(Fault) {
        guard savesLeft > 0 else { throw Fault(.unavailable, "The spoke died here.") }
        savesLeft -= 1
    }

    func workspaces() async throws(Fault) -> [WorktreeRecord] { workspaceRecords.values.sorted { $0.id < $1.id } }
    func workspace(_ id: WorkspaceID) async throws(Fault) -> WorktreeRecord? { workspaceRecords[id] }
    func save(_ workspace: WorktreeRecord) async throws(Fault) {
        try spend()
        workspaceRecords[workspace.id] = workspace
    }
    func save(_ workspace: WorktreeRecord, telling created: WorkspaceCreated) async throws(Fault) {
        try await save(workspace)
    }
    func delete(_ workspace: WorkspaceID) async throws(Fault) {
        try spend()
        workspaceRecords[workspace] = nil
    }
    func mirrors() async throws(Fault) -> [MirrorRecord] { mirrorRecords.values.sorted { $0.directory < $1.directory } }
    func save(_ mirror: MirrorRecord) async throws(Fault) { mirrorRecords[mirror.repository] = mirror }
    func deleteMirror(of repository: String) async throws(Fault) { mirrorRecords[repository] = nil }
    func salvages() async throws(Fault) -> [SalvagedWork] {
        salvageRecords.values.sorted { $0.expiresAt < $1.expiresAt }
    }
    func save(_ salvage: SalvagedWork) async throws(Fault) {
        try spend()
        salvageRecords[salvage.id] = salvage
    }
    func save(_ salvage: SalvagedWork, telling salvaged: WorkspaceSalvaged) async throws(Fault) {
        try await save(salvage)
    }
    func delete(_ salvage: SalvageID) async throws(Fault) { salvageRecords[salvage] = nil }
}
