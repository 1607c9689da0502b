import Foundation
import Postgres
import Protocol

/// What the operator should know.
struct AlertNote: Sendable, Hashable {
    enum Severity: String, CaseIterable, Sendable, Bindable { case info, warning, error, critical }

    var severity: Severity
    /// Stable words for programs, such as `journal.payload`.
    var kind: String
    /// Which component says so: `spoke:<id>` or `hub`.
    var source: String
    var message: String
    var context: JSONValue = .object([:])
    /// While an alert with this key is not acknowledged, another one counts it up.
    var dedupKey: String?
}

/// What the hub remembers of alerts.
struct AlertStore: Sendable {
    /// Stores an alert, or counts up the one that says the same.
    static func raise(_ note: AlertNote, in transaction: Transaction) async throws(Fault) {
        try await transaction.execute(SQL.raise, values(note))
    }

    static func raise(_ note: AlertNote, in database: Database) async throws(Fault) {
        try await database.execute(SQL.raise, values(note))
    }

    private static func values(_ note: AlertNote) -> [(any Bindable)?] {
        [
            Ids.sortable(), note.severity, cleaned(note.kind, 200), note.source, cleaned(note.message, 4_000),
            JSON(note.context), note.dedupKey,
        ]
    }

    /// A peer's words, bounded and without what Postgres cannot hold.
    static func cleaned(_ text: String, _ characters: Int) -> String {
        String(text.prefix(characters)).replacing("\0", with: "\u{fffd}")
    }

    enum SQL {
        static let raise = Statement<Void>(
            """
            INSERT INTO nave.alerts (id, severity, alert_type, source, message, context, dedup_key)
            VALUES ($1, $2, $3, $4, $5, $6::jsonb, $7)
            ON CONFLICT (dedup_key) WHERE NOT acknowledged DO UPDATE
               SET occurrence_count = alerts.occurrence_count + 1, last_at = now(),
                   message = excluded.message, context = excluded.context
            """
        )
    }
}
