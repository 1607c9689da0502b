public import Foundation
public import Postgres
public import Protocol

/// What a link heard of its spoke since the last flush.
public struct SpokeBeat: Hashable, Sendable {
    public var spokeId: SpokeID
    public var incarnation: String
    public var at: Date
    public var load: HostLoad

    public init(spokeId: SpokeID, incarnation: String, at: Date, load: HostLoad) {
        self.spokeId = spokeId
        self.incarnation = incarnation
        self.at = at
        self.load = load
    }
}

extension SpokeStore {
    /// The spoke's link is gone. `false` if another incarnation or another hub holds one by now: then nothing changes.
    @discardableResult
    public func disconnected(
        _ spoke: SpokeID,
        incarnation: String,
        hub: HubID,
        reason: String
    ) async throws(Fault) -> Bool {
        try await database.execute(SQL.disconnect, [spoke, incarnation, hub, AlertStore.cleaned(reason, 400)]) == 1
    }

    /// The agents of a spoke have changed. Nothing of an incarnation that was taken over counts.
    public func keep(_ agents: [AgentOffer], of spoke: SpokeID, incarnation: String) async throws(Fault) {
        try await database.execute(SQL.keepAgents, [spoke, incarnation, JSON(agents)])
    }

    /// Writes what was heard of many spokes, one statement whatever their number.
    public func heard(_ beats: [SpokeBeat]) async throws(Fault) {
        guard !beats.isEmpty else { return }
        try await database.execute(
            SQL.heard,
            [beats.map(\.spokeId), beats.map(\.incarnation), beats.map(\.at), beats.map { JSON($0.load) }]
        )
    }
}

/// The hubs that share the database. Who finds a lease expired marks that hub's spokes disconnected.
public struct HubStore: Sendable {
    let database: Database

    public init(database: Database) { self.database = database }

    /// How long a lease lasts; renew it well before.
    public static let lease = Duration.seconds(15)

    /// Enters this hub, or enters it again after a restart under the same id: links that it held are gone.
    public func register(_ hub: HubID, url: String, version: String) async throws(Fault) {
        try await database.transaction { transaction async throws(Fault) in
            try await transaction.execute(SQL.register, [hub, url, version, Self.lease.milliseconds])
            try await transaction.execute(SQL.releaseSpokes, [[hub], "its hub was restarted"])
        }
    }

    /// Renews this hub's lease; `false` if another hub found it expired and struck it off: then register again.
    public func renew(_ hub: HubID) async throws(Fault) -> Bool {
        try await database.execute(SQL.renew, [hub, Self.lease.milliseconds]) == 1
    }

    /// Strikes off the hubs whose lease expired and marks their spokes disconnected; answers how many spokes.
    @discardableResult
    public func expire() async throws(Fault) -> Int {
        try await database.transaction { transaction async throws(Fault) -> Int in
            let expired = try await transaction.query(SQL.expired)
            guard !expired.isEmpty else { return 0 }
            let released = try await transaction.execute(SQL.releaseSpokes, [expired, "its hub is gone"])
            try await transaction.execute(SQL.strike, [expired])
            return released
        }
    }

    /// This hub ends in order: its spokes are disconnected and its row goes.
    public func retire(_ hub: HubID) async throws(Fault) {
        try await database.transaction { transaction async throws(Fault) in
            try await transaction.execute(SQL.releaseSpokes, [[hub], "its hub was stopped"])
            try await transaction.execute(SQL.strike, [[hub]])
        }
    }

    enum SQL {
        static let register = Statement<Void>(
            """
            INSERT INTO nave.hubs (id, url, version, started_at, lease_until)
            VALUES ($1, $2, $3, now(), now() + make_interval(secs => $4::bigint / 1000.0))
            ON CONFLICT (id) DO UPDATE
               SET url = excluded.url, version = excluded.version, started_at = now(),
                   lease_until = excluded.lease_until
            """
        )

        static let renew = Statement<Void>(
            "UPDATE nave.hubs SET lease_until = now() + make_interval(secs => $2::bigint / 1000.0) WHERE id = $1"
        )

        /// Of two hubs that look at the same time, one finds nothing.
        static let expired = Statement<String>(
            "SELECT id FROM nave.hubs WHERE lease_until < now() ORDER BY id FOR UPDATE SKIP LOCKED"
        )

        static let releaseSpokes = Statement<Void>(
            """
            WITH held AS MATERIALIZED (
                SELECT id FROM nave.spokes WHERE hub_id = ANY ($1::text[]) AND status = 'connected'
                 ORDER BY id FOR NO KEY UPDATE
            )
            UPDATE nave.spokes s
               SET status = 'disconnected', disconnected_at = now(), disconnect_reason = $2, hub_id = NULL
              FROM held WHERE s.id = held.id AND s.status = 'connected' AND s.hub_id = ANY ($1)
            """
        )

        static let strike = Statement<Void>("DELETE FROM nave.hubs WHERE id = ANY ($1::text[])")
    }
}

extension SpokeStore.SQL {
    static let disconnect = Statement<Void>(
        """
        UPDATE nave.spokes
           SET status = 'disconnected', disconnected_at = now(), disconnect_reason = $4, hub_id = NULL
         WHERE id = $1 AND incarnation = $2 AND hub_id = $3 AND status = 'connected'
        """
    )

    static let keepAgents = Statement<Void>(
        """
        UPDATE nave.spokes SET agents = $3::jsonb
         WHERE id = $1 AND incarnation = $2 AND agents IS DISTINCT FROM $3::jsonb
        """
    )

    /// Locked in order of id like every statement that takes many spokes, so that no two of them can deadlock.
    static let heard = Statement<Void>(
        """
        WITH beats AS (
            SELECT *
              FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::jsonb[]) AS b (id, incarnation, at, load)
        ), held AS MATERIALIZED (
            SELECT s.id FROM nave.spokes s JOIN beats b ON b.id = s.id ORDER BY s.id FOR NO KEY UPDATE OF s
        )
        UPDATE nave.spokes s
           SET last_heartbeat = greatest(s.last_heartbeat, b.at), load = b.load
          FROM held JOIN beats b ON b.id = held.id
         WHERE s.id = held.id AND s.incarnation = b.incarnation
        """
    )
}
