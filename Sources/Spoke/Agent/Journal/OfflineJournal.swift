public import Protocol

/// The journal of a spoke that does not run, read from its file.
public enum OfflineJournal {
    /// Recomputes every chain.
    ///
    /// - Throws: `NOT_FOUND` if there is no journal in the directory.
    public static func verify(_ paths: SpokePaths) async throws(Fault) -> JSONValue {
        try await value(SpokeDatabase.openReadOnly(paths.database).verify())
    }

    /// A verdict as the commands print it.
    static func value(_ verdict: JournalVerification) -> JSONValue {
        [
            "complete": .bool(verdict.outcome == .complete && verdict.gaps.isEmpty),
            "epoch": .integer(verdict.epoch), "first": .integer(verdict.first),
            "records": .integer(Int64(verdict.records)), "gaps": .array(gaps(of: verdict)),
        ]
    }

    private static func gaps(of verdict: JournalVerification) -> [JSONValue] {
        var sentences = verdict.gaps.map { gap in
            let bytes = "bytes \(gap.from) to \(gap.to)"
            return "session \(gap.sessionId), \(gap.stream.rawValue): \(bytes) are missing: \(gap.reason)"
        }
        if case .broken(let from, let cause) = verdict.outcome {
            sentences.append("the chain breaks at record \(from): \(cause)")
        }
        return sentences.map(JSONValue.string)
    }
}
