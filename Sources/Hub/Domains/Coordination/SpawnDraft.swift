import Foundation
import HubCore
import Protocol

/// A spawn that was checked: nothing in it can be refused any more but by what the database knows.
struct SpawnDraft: Sendable {
    var sessionId = SessionID.random()
    var mappingId = MappingID.random()
    var workspaceId = WorkspaceID.random()
    var project: ProjectRecord
    var repository: String
    var order: SpawnOrder
    var run: RunOrder
    var title: String
    var name: String
    /// As asked for; `nil` lets the hub choose one that nobody works on.
    var branch: String?
    var account: AccountID
    var parent: SessionID?
    /// The trace of the call, for the session's own calls.
    var traceparent: String?
    /// What it is to do, once it is held.
    private(set) var task: HeldTask?

    /// The eight digits that tell sessions of one name apart.
    var tag: String { String(sessionId.rawValue.suffix(8)) }
    var keep: WorkspaceOrder.Keep { order.worktree?.keep ?? .onFailure }
    var mode: WorkspaceOrder.Mode { order.worktree?.mode ?? .new }

    /// Checks everything that can be checked without the database and says all that is wrong at once.
    init(_ order: SpawnOrder, project: ProjectRecord, caller: Caller) throws(Fault) {
        var violations = Self.violations(order)
        guard let repository = project.repoUrl ?? project.directory else {
            throw Fault(.conflict, "The project “\(project.name)” has no repository; give it one with project.update.")
        }
        if let run = order.run { violations += Self.violations(run) }
        guard violations.isEmpty, let run = order.run else {
            if order.run == nil { violations.append(.init(path: "run", message: "is required.")) }
            throw .invalid(violations)
        }
        let grants = order.grants ?? []
        guard caller.identity.covers(scopes: grants, resources: nil) else {
            throw Fault(
                .accessDenied,
                "A session cannot be granted more than its spawner may do; ask for fewer grants."
            )
        }
        self.project = project
        self.repository = repository
        self.order = order
        self.run = run
        title = order.title ?? order.task ?? run.agent ?? (run.command ?? []).joined(separator: " ")
        title = String(AlertStore.cleaned(title, Limits.nameBytes / 4))
        let words = order.task ?? order.title ?? (run.command?.first).map { URL(filePath: $0).lastPathComponent }
        let suggested = BranchName.suggested(for: words ?? run.agent ?? "session")
        name = suggested.map { String($0.dropFirst(3)) } ?? "session"
        branch = order.branch.map { Self.folded($0) }
        account = caller.accountId
        parent = order.parentSessionId ?? caller.sessionId
        traceparent = caller.traceparent.flatMap { TraceContext.isSound($0) ? $0 : nil }
    }

    /// Has the session work on a task: what the order leaves open follows from it.
    mutating func take(_ task: HeldTask) {
        self.task = task
        if order.title == nil { title = String(AlertStore.cleaned(task.name, Limits.nameBytes / 4)) }
        guard order.task == nil, order.title == nil else { return }
        name = BranchName.suggested(for: task.slug).map { String($0.dropFirst(3)) } ?? name
    }

    /// 0 low … 3 critical: the order's, or its task's.
    var priority: Int { order.priority?.rank ?? (task?.priority ?? .medium).rank }

    /// Lower-cased, spaces to `-` (coordination.md).
    static func folded(_ branch: String) -> String {
        String(branch.lowercased().map { $0.isWhitespace ? "-" : $0 })
    }

    private static func violations(_ order: SpawnOrder) -> [Fault.Violation] {
        var found: [Fault.Violation] = []
        func check(_ path: String, _ message: String?) {
            if let message { found.append(.init(path: path, message: message)) }
        }
        check("branch", order.branch.flatMap { BranchName.violation(of: folded($0)) })
        check("base", order.base.flatMap { BranchName.violation(ofBase: $0) })
        check("timeoutSeconds", (order.timeoutSeconds ?? 1) > 0 ? nil : "must be at least 1.")
        if let title = order.title { found += Wording.violations(ofText: title, at: "title", bytes: Limits.nameBytes) }
        for (key, value) in order.env ?? [:] {
            let isName = !key.isEmpty && !key.contains("=") && !Wording.hasControl(key)
            check("env.\(key)", isName && !value.utf8.contains(0) ? nil : "must be a name and a text without U+0000.")
        }
        for grant in order.grants ?? [] where !Wording.isScope(grant) {
            check("grants", "“\(grant.prefix(64))” is not a scope.")
        }
        let policy = order.disconnectPolicy
        for (name, seconds) in [
            ("keepRunningSeconds", policy?.keepRunningSeconds), ("replaceAfterSeconds", policy?.replaceAfterSeconds),
            ("stopSelfAfterSeconds", policy?.stopSelfAfterSeconds),
        ] {
            let isPossible = (1...Limits.disconnectSeconds).contains(seconds ?? 1)
            check("disconnectPolicy.\(name)", isPossible ? nil : "must be 1 to \(Limits.disconnectSeconds).")
        }
        let isReuse = order.worktree?.mode == .reuse
        if isReuse, policy?.replaceAfterSeconds != nil {
            check("disconnectPolicy.replaceAfterSeconds", "cannot be with mode reuse: that worktree is on one spoke.")
        }
        if isReuse != (order.worktree?.workspaceId != nil) {
            check("worktree.workspaceId", "goes with mode reuse, and mode reuse needs it.")
        }
        if isReuse, order.branch != nil { check("branch", "is the worktree's own with mode reuse.") }
        if let key = order.idempotencyKey, !(1...200).contains(key.utf8.count) {
            check("idempotencyKey", "must have 1 to 200 bytes.")
        }
        return found
    }

    private static func violations(_ run: RunOrder) -> [Fault.Violation] {
        switch (run.command, run.agent) {
        case (let command?, nil):
            if command.isEmpty || command[0].isEmpty {
                return [.init(path: "run.command", message: "must name a program.")]
            }
            if command.contains(where: { $0.utf8.contains(0) }) {
                return [.init(path: "run.command", message: "must not contain U+0000.")]
            }
            return run.prompt == nil ? [] : [.init(path: "run.prompt", message: "goes with an agent.")]
        case (nil, let agent?):
            if agent.isEmpty { return [.init(path: "run.agent", message: "must not be empty.")] }
            let prompt = run.prompt ?? ""
            return prompt.isEmpty || prompt.utf8.contains(0)
                ? [.init(path: "run.prompt", message: "must be a text without U+0000.")] : []
        case (nil, nil), (_?, _?):
            return [.init(path: "run", message: "must have either a command or an agent.")]
        }
    }
}
