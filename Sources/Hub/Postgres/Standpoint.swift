/// In whose place statements are run: a role of the database, bound by its policies, and one setting that they ask.
///
/// Statements that a task sends while this is ``current`` run so, also in transactions, and so do those of its child
/// tasks; nothing of it outlasts the statement or transaction. It costs no round trip: role and setting travel in front
/// of the statement and share its implicit transaction.
public struct Standpoint: Sendable, Hashable {
    /// The standpoint of this task; `nil` for the database's own user.
    @TaskLocal public static var current: Standpoint?

    /// A role that the database's user is a member of.
    public let role: String
    /// The name of a setting, with a dot in it, and its value.
    public let setting: String
    public let value: String

    public init(role: String, setting: String, value: String) {
        (self.role, self.setting, self.value) = (role, setting, value)
    }

    /// Sent in front of a statement, with ``parameters``.
    static let sql = "SELECT set_config('role', $1, true), set_config($2, $3, true)"

    var parameters: [Parameter] { [role, setting, value].map { Parameter(form: .text($0)) } }
}
