public import Protocol
import SpokeCore

/// A stream between its spool and the journal.
struct OutputState: Sendable {
    var redactor: Redactor
    /// The next byte of the spool that the redactor wants.
    var wanted: Int64
}

extension Journal {
    /// Takes output as it was read from the session's spool and journals what the redactor lets go of.
    ///
    /// The chunk's offset counts the spool's bytes; redaction keeps lengths, so they are the journal's too. Bytes
    /// that came before are skipped, so feeding a chunk again is harmless. Wait for each append of a stream before
    /// the next; streams do not wait for each other.
    ///
    /// - Returns: where the stream stands. After a fault, or a restart, go on from ``position(of:)``.
    /// - Fails with `conflict` if bytes before the chunk are missing, with `unavailable` while the disk refuses.
    @discardableResult
    public func append(output chunk: OutputChunk) async throws(Fault) -> OutputPosition {
        let key = OutputKey(sessionId: chunk.sessionId, fence: chunk.fence, stream: chunk.stream)
        var output = try await output(of: key)
        guard chunk.offset <= output.wanted else {
            throw Fault(
                .conflict,
                "Bytes \(output.wanted) to \(chunk.offset) of \(chunk.stream.rawValue) are missing; send them first."
            )
        }
        let known = output.wanted - chunk.offset
        guard known < chunk.bytes.count else { return position(output) }
        let released = output.redactor.redact(chunk.bytes.dropFirst(Int(known)))
        output.wanted = chunk.offset + Int64(chunk.bytes.count)
        outputs[key] = output
        try await write(released, of: key, endingAt: output.wanted - Int64(output.redactor.heldCount))
        return position(output)
    }

    /// The stream has ended: what was held back is journaled as well.
    ///
    /// - Returns: the sum that `session.exited` carries.
    public func finish(output key: OutputKey) async throws(Fault) -> OutputSum {
        var output = try await output(of: key)
        let released = output.redactor.finish()
        outputs[key] = output
        try await write(released, of: key, endingAt: output.wanted)
        return try await perform(.look) { ledger, db in try ledger.sum(of: key, in: db) }.value
    }

    /// How far a stream has come: where to go on reading its spool.
    public func position(of key: OutputKey) async throws(Fault) -> OutputPosition {
        position(try await output(of: key))
    }

    /// The sums of all streams that one placement of a session has had.
    public func sums(of session: SessionID, fence: Int64) async throws(Fault) -> [OutputSum] {
        try await database.read { db in try OutputSums.all(session, fence: fence, in: db) }
    }

    /// The session is over and its spool gone: its streams need no positions any more.
    public func forget(output session: SessionID) async throws(Fault) {
        for key in outputs.keys where key.sessionId == session { outputs[key] = nil }
        _ = try await perform(.state(0)) { ledger, db in
            for key in ledger.sums.keys where key.sessionId == session { ledger.sums[key] = nil }
            try OutputSums.forget(session, in: db)
        }
    }

    private func write(_ bytes: [UInt8], of key: OutputKey, endingAt end: Int64) async throws(Fault) {
        guard !bytes.isEmpty else { return }
        let now = clock()
        do throws(Fault) {
            _ = try await perform(.bulk(bytes.count)) { ledger, db in
                guard try ledger.sum(of: key, in: db).bytes + Int64(bytes.count) == end else {
                    throw Fault(.conflict, "Output before this was not journaled; go on from the stream's position.")
                }
                try ledger.append(bytes[...], to: key, at: now, in: db)
            }
        } catch {
            // The redactor is ahead of the journal now: begin again from what is durable.
            outputs[key] = nil
            throw error
        }
    }

    private func output(of key: OutputKey) async throws(Fault) -> OutputState {
        if let known = outputs[key] { return known }
        let sum = try await perform(.look) { ledger, db in try ledger.sum(of: key, in: db) }.value
        // Someone else may have asked for the same meanwhile.
        if let known = outputs[key] { return known }
        let fresh = OutputState(redactor: Redactor(patterns), wanted: sum.bytes)
        outputs[key] = fresh
        return fresh
    }

    private func position(_ output: OutputState) -> OutputPosition {
        let held = output.redactor.heldCount
        return OutputPosition(journaled: output.wanted - Int64(held), held: held)
    }
}
