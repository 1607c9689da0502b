import Foundation
import Protocol
import SpokeCore

/// What the running spoke answers at its socket.
struct LocalAnswers: Sendable {
    let paths: SpokePaths
    let credential: SpokeCredential
    let journal: Journal
    let worktrees: Worktrees
    let sessions: Sessions
    let link: LinkService
    let isDraining: @Sendable () async -> Bool
    let drain: @Sendable (Bool) async -> Void

    /// Answers with one line, or with several for a subscription. Cancelled, it aborts what it asked of the hub.
    ///
    /// - Parameter send: takes one line; suspends until there is room for it, and throws when the asker has left.
    func answer(
        _ request: LocalRequest,
        send: @Sendable (LocalResponse) async throws(Fault) -> Void
    ) async throws(Fault) {
        let last: LocalResponse
        do throws(Fault) {
            if request.method == .subscribe {
                try await link.follow(try await question(request)) { (value) async throws(Fault) -> Void in
                    try await send(LocalResponse(result: value.data, id: value.id))
                }
                last = .end
            } else {
                last = LocalResponse(result: try await result(of: request))
            }
        } catch {
            last = LocalResponse(error: error)
        }
        try await send(last)
    }

    /// What a process of a session asks of the hub: in the session's name, without what must not leave this machine.
    private func question(_ request: LocalRequest) async throws(Fault) -> HubQuestion {
        guard let operation = request.parameters?["operation"]?.stringValue else {
            throw Fault.invalid("operation", "is required.")
        }
        let session = try await authenticate(request)
        let input = await journal.redacted(asked: request.parameters?["input"] ?? .object([:]))
        let name = await journal.redacted(asked: .string(operation)).stringValue ?? operation
        let patience = request.parameters?["deadlineMilliseconds"]?.integerValue
        guard patience.map({ (1...Limits.callMilliseconds).contains($0) }) ?? true else {
            throw Fault.invalid("deadlineMilliseconds", "must be 1 to \(Limits.callMilliseconds).")
        }
        let lastEventId = request.parameters?["lastEventId"]?.stringValue
        if let violation = VisibleText.violation(lastEventId, at: "lastEventId") { throw .invalid([violation]) }
        return HubQuestion(
            operation: name,
            input: input,
            session: session,
            patience: patience.map { .milliseconds($0) },
            idempotencyKey: request.parameters?["idempotencyKey"]?.stringValue,
            origin: request.origin?.sound ?? LocalOrigin(),
            lastEventId: lastEventId
        )
    }

    private func result(of request: LocalRequest) async throws(Fault) -> JSONValue {
        switch request.method {
        case .status: return await status()
        case .sessions: return await sessions.overview()
        case .worktrees: return try await worktreeList()
        case .journal: return await journalState()
        case .verify: return OfflineJournal.value(try await journal.database.verify())
        case .drain:
            await drain(request.parameters?["draining"] != .bool(false))
            return ["draining": .bool(await isDraining())]
        case .call: return try await link.call(try await question(request))
        case .subscribe: throw Fault(.validation, "A subscription is answered with many lines.")
        case .notify:
            let session = try await authenticate(request)
            guard case .object(var input)? = request.parameters else { throw Fault.invalid("message", "is required.") }
            input["sessionId"] = .string(session.rawValue)
            let redacted = await journal.redacted(asked: .object(input))
            let origin = request.origin?.sound ?? LocalOrigin()
            let question = HubQuestion(operation: "coord.notify", input: redacted, session: session, origin: origin)
            return try await link.call(question)
        }
    }

    /// - Throws: `UNAUTHENTICATED` unless the token is the one that the session's own processes can read.
    private func authenticate(_ request: LocalRequest) async throws(Fault) -> SessionID {
        guard let session = request.session else {
            throw Fault(.unauthenticated, "Only a process of a session may ask this; run it inside a worktree.")
        }
        let fence = await sessions.running(session.id)?.order.fence ?? 1
        let folder = SessionFolder(root: paths.sessions, id: session.id, fence: fence)
        // No file means no such session; that is the same answer.
        let known = (try? PrivateFile.readSecret("\(folder.path)/token")) ?? []
        let given = Array(session.token.utf8)
        let differs = zip(known, given).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) }
        guard !known.isEmpty, known.count == given.count, differs == 0 else {
            throw Fault(.unauthenticated, "The token is not that of a session that runs here.")
        }
        return session.id
    }

    private func status() async -> JSONValue {
        let disk = Host.disk(at: paths.root)
        return [
            "name": .string(credential.name), "spokeId": .string(credential.spokeId.rawValue),
            "hub": .string(credential.hub), "link": .string(await link.state),
            "since": .string(await link.since.wireText), "sessions": .integer(Int64(await sessions.count)),
            "draining": .bool(await isDraining()), "journal": await journalState(),
            "disk": ["freeBytes": .integer(disk?.freeBytes ?? 0), "totalBytes": .integer(disk?.totalBytes ?? 0)],
            "version": .string(Release.version),
        ]
    }

    private func journalState() async -> JSONValue {
        let state = await journal.state
        return [
            "epoch": .integer(state.epoch), "first": .integer(state.first), "next": .integer(state.next),
            "waiting": .integer(state.next - state.first), "bytes": .integer(Int64(state.bytes)),
            "headHash": .string(state.headHash.hex),
        ]
    }

    private func worktreeList() async throws(Fault) -> JSONValue {
        let rows = try await worktrees.list().map { record -> JSONValue in
            [
                "workspaceId": .string(record.id.rawValue), "branch": .string(record.branch),
                "state": .string(record.state.rawValue), "directory": .string(record.directory),
                "repository": .string(record.repository), "lastUsedAt": .string(record.lastUsedAt.wireText),
            ]
        }
        return ["worktrees": .array(rows)]
    }
}
