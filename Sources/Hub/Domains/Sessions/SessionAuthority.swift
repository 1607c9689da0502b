public import Postgres
public import Protocol

/// As whom a session may call, when its spoke vouches for it.
public struct SessionAuthority: Sendable {
    let database: Database

    public init(database: Database) { self.database = database }

    /// The session with what its spawn granted and nothing else.
    ///
    /// - Throws: `ACCESS_DENIED` for a session whose active mapping does not name this spoke: a spoke vouches for its
    ///   own sessions only, and for none that is over.
    public func principal(of session: SessionID, on spoke: SpokeID) async throws(Fault) -> Principal {
        guard let known = try await database.first(SQL.authority, [session, spoke]) else {
            throw Fault(
                .accessDenied,
                "The session \(session) does not run on this spoke, or its account is locked; it cannot ask."
            )
        }
        return Principal(
            identity: Identity(id: session.rawValue, scopes: known.grants),
            accountId: known.account,
            sessionId: session,
            spokeId: spoke
        )
    }

    struct Authority: RowDecodable {
        let account: AccountID
        let grants: [String]

        init(_ row: Row) throws(Fault) {
            account = try row["account_id"]
            grants = try row["grants"]
        }
    }

    enum SQL {
        /// Read anew for each call: a session that was aborted or placed elsewhere, or whose account is locked, may ask
        /// nothing from then on.
        static let authority = Statement<Authority>(
            """
            SELECT sessions.account_id, sessions.grants
              FROM nave.sessions
              JOIN nave.mappings ON mappings.session_id = sessions.id AND mappings.status = 'active'
              JOIN nave.accounts ON accounts.id = sessions.account_id AND accounts.status = 'active'
             WHERE sessions.id = $1 AND mappings.spoke_id = $2
             LIMIT 1
            """
        )
    }
}
