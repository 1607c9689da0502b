import Protocol

/// Sessions that are over, as callers may take them up again or put them away.
struct RevivalOperations: Sendable {
    let sessions: SessionStore
    let revivals: RevivalStore
    let bell: any Bell

    func register(in table: inout OperationTable) {
        table.answer(ArchiveSession.self, with: archive)
        table.answer(ResumeSession.self, with: resume)
    }

    private func archive(_ request: ArchiveSession, by caller: Caller) async throws(Fault) -> SessionRecord {
        let archived = try await revivals.archive(
            try await sessions.require(request.sessionId),
            by: caller.accountId
        )
        bell.ring([archived.id.rawValue])
        return archived
    }

    private func resume(_ request: ResumeSession, by caller: Caller) async throws(Fault) -> SpawnedSession {
        let prompt = request.prompt ?? "Continue."
        guard !prompt.isEmpty, !prompt.utf8.contains(0), prompt.utf8.count <= Limits.messageBytes else {
            throw .invalid("prompt", "must be a text of 1 to \(Limits.messageBytes) bytes without U+0000.")
        }
        let resumed = try await revivals.resume(try await sessions.require(request.sessionId), prompt: prompt)
        bell.ring([resumed.sessionId.rawValue])
        return resumed
    }
}
