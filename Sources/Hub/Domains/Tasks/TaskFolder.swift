import HubCore
import Protocol

/// Reads tasks from the Markdown files of a worktree, through the spoke that has it.
struct TaskFolder: Sendable {
    let composed: ComposedCalls

    /// Reading files is all that an import may do on a spoke.
    private static let authority = ["fs:read"]
    /// A task's file is not longer than a page or two; what is longer is no task.
    private static let bytesMost = 256 << 10

    /// The tasks of all `*.md` files below a folder, by path.
    ///
    /// - Throws: `VALIDATION_ERROR` that names the file; `NOT_FOUND` where there are none; what the spoke refuses.
    func entries(
        below directory: String,
        workspace: WorkspaceID?,
        session: SessionID?,
        for caller: Caller
    ) async throws(Fault) -> [TaskEntry] {
        guard workspace != nil || session != nil else {
            throw .invalid("workspaceId", "is required with directory, or sessionId.")
        }
        guard !directory.hasPrefix("/"), !directory.split(separator: "/").contains("..") else {
            throw .invalid("directory", "must be a path below the worktree, without “..”.")
        }
        let glob = GlobFiles(
            workspaceId: workspace,
            sessionId: session,
            pattern: "**/*.md",
            path: directory.isEmpty ? nil : directory,
            limit: Limits.tasksPerImport
        )
        let found = try await composed.ask(glob, on: nil, for: caller, authority: Self.authority)
        guard !found.hasMore else {
            throw Fault(.tooLarge, "There are more than \(Limits.tasksPerImport) files; import folders of it.")
        }
        let paths = found.paths.filter { !$0.split(separator: "/").contains { $0.hasPrefix(".") } }
        guard !paths.isEmpty else { throw Fault(.notFound, "No *.md is below “\(directory)” in that worktree.") }
        let prefix = directory.isEmpty || directory.hasSuffix("/") ? directory : directory + "/"
        var entries: [TaskEntry] = []
        for path in paths {
            let read = ReadFile(workspaceId: workspace, sessionId: session, path: path, maxBytes: Self.bytesMost)
            let file = try await composed.ask(read, on: nil, for: caller, authority: Self.authority)
            guard let text = file.text, file.nextOffset == nil else {
                throw .invalid(path, "is no text, or longer than \(Self.bytesMost) bytes.")
            }
            let below = path.hasPrefix(prefix) ? String(path.dropFirst(prefix.count)) : path
            do throws(Fault) {
                entries.append(try TaskFile.entry(from: text, path: below))
            } catch {
                throw .invalid(path, error.message)
            }
        }
        return entries
    }
}
