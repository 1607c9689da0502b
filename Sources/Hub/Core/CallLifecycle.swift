public import Protocol

/// Which states of a call follow which (calls.md), and what an outcome makes of it.
///
///     pending ──dispatched──▶ running ──▶ completed | failed
///        └──────────aborted──────┴──────▶ aborted
public enum CallLifecycle {
    public static func mayBecome(_ next: CallStatus, from status: CallStatus) -> Bool {
        switch (status, next) {
        case (.pending, .running), (.pending, .aborted): true
        case (.running, .completed), (.running, .failed), (.running, .aborted): true
        case (.pending, .pending), (.pending, .completed), (.pending, .failed), (.running, .pending),
            (.running, .running), (.completed, _), (.failed, _), (.aborted, _):
            false
        }
    }

    /// What a fault makes of a running call: given up, or failed.
    public static func status(after fault: Fault) -> CallStatus { fault.code == .aborted ? .aborted : .failed }

    /// Whether an abort under this policy takes a call that has come this far.
    public static func isReached(_ status: CallStatus, by policy: AbortPolicy) -> Bool {
        switch policy {
        case .abortDependents: !status.isOver
        case .continueRunning: status == .pending
        }
    }
}

/// How much of a namespace's calls is kept.
public enum RecordingLevel: String, CaseIterable, Hashable, Sendable {
    /// Every call.
    case all
    /// Mutations, whatever came of them.
    case mutations
    /// What failed or was aborted, of any kind. Mutations then are not written before they are dispatched.
    case failures

    /// Whether a call of this kind is written before it is dispatched.
    public func writesAhead(_ kind: OperationKind) -> Bool { self != .failures && kind == .mutation }

    /// Whether a call of this kind that has come this far is kept.
    public func keeps(_ kind: OperationKind, _ status: CallStatus) -> Bool {
        switch self {
        case .all: true
        case .mutations: kind == .mutation
        case .failures: status == .failed || status == .aborted
        }
    }
}

/// The recording level of each namespace, from the setting `calls.recording`: `{"*": "all", "fs": "failures"}`.
public struct RecordingLevels: Hashable, Sendable {
    private let levels: [String: RecordingLevel]
    private let usual: RecordingLevel

    /// Everything is kept.
    public init() { self.init(setting: nil) }

    /// Names that are no level mean the usual one, which is `*` or else all.
    public init(setting: JSONValue?) {
        guard case .object(let members)? = setting else {
            levels = [:]
            usual = .all
            return
        }
        let known = members.compactMapValues { $0.stringValue.flatMap(RecordingLevel.init) }
        usual = known["*"] ?? .all
        levels = known.filter { $0.key != "*" }
    }

    /// What is wrong with the setting; `nil` if nothing is.
    public static func complaint(about setting: JSONValue) -> String? {
        guard case .object(let members) = setting,
            members.values.allSatisfy({ $0.stringValue.flatMap(RecordingLevel.init) != nil })
        else {
            let levels = RecordingLevel.allCases.map(\.rawValue).joined(separator: ", ")
            return "must be a level for each namespace, or * for all others, as in {\"*\": \"all\"}: one of \(levels)."
        }
        return nil
    }

    /// The level of an operation `namespace.name`.
    public func level(of operation: String) -> RecordingLevel {
        levels.isEmpty ? usual : levels[String(operation.prefix { $0 != "." })] ?? usual
    }
}
