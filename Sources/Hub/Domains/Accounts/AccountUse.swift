import Postgres
import Protocol

/// What stands in the way of removing an account: what it answers for, and what it did.
struct AccountUse: RowDecodable {
    var organizations: [String] = []
    var clients: [String] = []
    /// Spokes that were admitted by its join tokens: their credentials are the account's.
    var spokes: [String] = []
    /// Lines of the audit trail.
    var audit: Int64 = 0

    init() {}

    init(_ row: Row) throws(Fault) {
        organizations = try row["organizations"]
        clients = try row["clients"]
        spokes = try row["spokes"]
        audit = try row["audit"]
    }

    var isEmpty: Bool { organizations.isEmpty && clients.isEmpty && spokes.isEmpty && audit == 0 }

    /// What to do about it, in one sentence.
    func fault(_ account: AccountRecord) -> Fault {
        var ways: [String] = []
        if !organizations.isEmpty {
            ways.append("it answers for \(Wording.naming(organizations)): hand them on with org.transferOwnership")
        }
        if !clients.isEmpty {
            ways.append("it owns the clients \(Wording.naming(clients)): give them on with client.update")
        }
        if !spokes.isEmpty {
            ways.append("it let in the spokes \(Wording.naming(spokes)): remove those or let them join anew")
        }
        if audit > 0 { ways.append("\(audit) lines of the trail are its: give it up with account.deactivate instead") }
        return Fault(
            .conflict,
            "“\(account.email)” is in use; \(ways.joined(separator: "; ")).",
            details: [
                "field": "account", "organizations": .array(organizations.map(JSONValue.string)),
                "clients": .array(clients.map(JSONValue.string)), "spokes": .array(spokes.map(JSONValue.string)),
                "auditEntries": .integer(audit),
            ]
        )
    }
}
