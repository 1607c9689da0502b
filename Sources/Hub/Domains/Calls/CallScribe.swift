import Foundation
import HubCore
import Logging
import Postgres
import Protocol
import Synchronization

/// Brings batches of notes into the database, whatever single ones of them are like.
struct CallScribe: Sendable {
    let store: CallStore
    let hub: HubID
    let counts: CallRecorderCounts
    let logger: Logger

    /// Writes a batch.
    ///
    /// What the database refuses is looked for by halves, and written without its texts, or given up alone.
    ///
    /// - Parameter patiently: Tries again for as long as the database is away; otherwise fails with `unavailable`.
    func write(_ notes: [CallNote], patiently: Bool) async throws(Fault) {
        var backoff = Backoff(first: .milliseconds(50), longest: .seconds(1))
        var generator = SystemRandomNumberGenerator()
        while true {
            do throws(Fault) {
                try await halving(notes)
                if patiently { counts.isStuck.store(false, ordering: .relaxed) }
                return
            } catch {
                if patiently { counts.isStuck.store(true, ordering: .relaxed) }
                counts.failures.add(1, ordering: .relaxed)
                guard patiently, [.unavailable, .timeout].contains(error.code) else { throw error }
            }
            // A cancelled pause ends the writer: what it holds is counted as given up.
            do { try await Task.sleep(for: backoff.next(using: &generator)) } catch {
                throw Fault(.aborted, "The recorder was stopped before the database came back.")
            }
        }
    }

    private func halving(_ notes: [CallNote]) async throws(Fault) {
        do throws(Fault) {
            try await store.write(CallBatch(notes, keepsTexts: true), by: hub)
            counts.written.add(notes.count, ordering: .relaxed)
        } catch {
            guard ![.unavailable, .timeout, .aborted].contains(error.code) else { throw error }
            guard notes.count == 1 else {
                try await halving(Array(notes[..<(notes.count / 2)]))
                return try await halving(Array(notes[(notes.count / 2)...]))
            }
            try await bare(notes, refusedFor: error)
        }
    }

    private func bare(_ notes: [CallNote], refusedFor fault: Fault) async throws(Fault) {
        do throws(Fault) {
            try await store.write(CallBatch(notes, keepsTexts: false), by: hub)
            counts.written.add(1, ordering: .relaxed)
        } catch {
            guard ![.unavailable, .timeout, .aborted].contains(error.code) else { throw error }
            counts.dropped.add(1, ordering: .relaxed)
            logger.warning(
                "A call could not be recorded.",
                metadata: [
                    "operation": "\(notes[0].call.subject.operationId)", "request": "\(notes[0].call.requestId)",
                    "first": "\(fault)", "fault": "\(error)",
                ]
            )
        }
    }
}

/// Notes as columns, the way `unnest` takes them.
struct CallBatch: Sendable {
    /// Nodes that are not there yet.
    private(set) var entries = Columns()
    /// Changes of nodes that are.
    private(set) var changes = Columns()

    /// - Parameter keepsTexts: Whether payloads and what callers chose freely are stored; digests are in any case.
    init(_ notes: [CallNote], keepsTexts: Bool) {
        var identities = IdentityTexts()
        for note in notes {
            if note.isFirst {
                entries.add(note, identity: identities.text(of: note.call.caller.identity), keepsTexts: keepsTexts)
            } else {
                changes.add(note, identity: JSONText([]), keepsTexts: keepsTexts)
            }
        }
    }

    struct Columns: Sendable {
        var ids: [CallID] = []
        var requestIds: [String] = []
        var operations: [String] = []
        var parents: [String?] = []
        var identities: [JSONText] = []
        var accounts: [AccountID] = []
        var sessions: [SessionID?] = []
        var keys: [String?] = []
        var deadlines: [Date?] = []
        var arrivals: [Date] = []
        var inputs: [JSONText?] = []
        var providerTypes: [String?] = []
        var providers: [String?] = []
        var statuses: [CallStatus] = []
        var starts: [Date?] = []
        var ends: [Date?] = []
        var outputs: [JSONText?] = []
        var errors: [JSONText?] = []
        var metadata: [JSONText] = []

        var count: Int { ids.count }

        mutating func add(_ note: CallNote, identity: JSONText, keepsTexts: Bool) {
            let call = note.call
            var facts: [String: JSONValue] = [:]
            func kept(_ payload: CallPayload?, _ name: String) -> JSONText? {
                guard let payload = payload?.stored else { return nil }
                if case .json(let bytes) = payload, keepsTexts { return JSONText(bytes) }
                let rest = if case .json(let bytes) = payload { CallPayload.digest(of: bytes) } else { payload }
                guard case .digest(let digest, let count) = rest else { return nil }
                facts["\(name)Digest"] = .string("sha256:\(digest)")
                facts["\(name)Bytes"] = .integer(Int64(count))
                return nil
            }
            ids.append(call.id)
            statuses.append(note.status)
            starts.append(note.startedAt)
            ends.append(note.completedAt)
            providerTypes.append(note.provider?.type.rawValue)
            providers.append(note.provider?.id)
            outputs.append(kept(note.output, "output"))
            errors.append(note.fault.map { Self.text(of: $0, keepsDetails: keepsTexts) })
            if let values = note.values, note.status.isOver { facts["values"] = .integer(Int64(values)) }
            if note.isFirst {
                requestIds.append(call.requestId)
                operations.append(call.subject.operationId)
                parents.append(call.parentId)
                identities.append(identity)
                accounts.append(call.caller.accountId)
                sessions.append(call.caller.sessionId)
                keys.append(call.caller.idempotencyKey.flatMap { Self.sound($0, keepsTexts) })
                deadlines.append(call.caller.deadline)
                arrivals.append(call.arrivedAt)
                inputs.append(kept(call.input, "input"))
                if call.subject.answersSecret { facts["secret"] = true }
                if let trace = call.caller.traceparent.flatMap({ Self.sound($0, keepsTexts) }) {
                    facts["traceparent"] = .string(trace)
                }
                if call.requestId != call.caller.requestId, let given = Self.sound(call.caller.requestId, keepsTexts) {
                    facts["givenRequestId"] = .string(given)
                }
            }
            metadata.append(facts.isEmpty ? Self.nothing : JSONText(JSONValue.object(facts).serialized()))
        }

        private static let nothing = JSONText(Array("{}".utf8))

        private static func sound(_ text: String, _ keepsTexts: Bool) -> String? {
            keepsTexts && RunningCalls.isSound(text) ? text : nil
        }

        private static func text(of fault: Fault, keepsDetails: Bool) -> JSONText {
            var members: [String: JSONValue] = ["code": .string(fault.code.rawValue)]
            members["message"] = .string(keepsDetails ? fault.message : "The message could not be stored.")
            if let details = fault.details, keepsDetails, !details.isSurelyLarger(than: Limits.callPayloadBytes) {
                members["details"] = details
            }
            let bytes = JSONValue.object(members).serialized()
            if !JSONBytes.holdsNUL(bytes) { return JSONText(bytes) }
            return JSONText(JSONValue.object(["code": .string(fault.code.rawValue), "message": ""]).serialized())
        }
    }

    /// Identities written out once per batch: most calls of a batch are of the same few callers.
    private struct IdentityTexts {
        private var known: [Identity: JSONText] = [:]

        mutating func text(of identity: Identity) -> JSONText {
            if let text = known[identity] { return text }
            let text = JSONText(JSONValue(encoding: identity).serialized())
            known[identity] = text
            return text
        }
    }
}
