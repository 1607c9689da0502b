public import Protocol

/// The journal of a spoke that does not run, read from its file.
public enum OfflineJournal {
    /// Recomputes every chain.
    ///
    /// - Throws: `NOT_FOUND` if there is no journal in the directory.
    public static func verify(_ paths: SpokePaths) async throws(Fault) -> JSONValue {
        try await value(SpokeDatabase.openReadOnly(paths.database).verifyJournal())
    }

    /// A verdict as the commands print it.
    static func value(_ verdict: JournalVerification) -> JSONValue {
        [
            "complete": .bool(verdict.isComplete), "records": .integer(Int64(verdict.records)),
            "gaps": .array(verdict.gaps.map { .string($0.description) }),
        ]
    }
}
