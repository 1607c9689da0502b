import Crypto
import Foundation
import Postgres
import Protocol
import TestSupport
import Testing

/// A hub is killed in the midst of `secret.rotate`: the next one goes on, and every secret is sealed anew once.
@Suite(.timeLimit(.minutes(10))) struct SecretRotationTests {
    /// Three batches and a part of one; in the third the hub is killed.
    private static let secrets = 330
    private static let batch = 100
    private static let lastSealed = 230
    private static let lock = "pg_advisory_xact_lock(4712)"

    @Test func aRotationWhoseHubIsKilledGoesOnAndTheOldKeyMayGo() async throws {
        let folder = try ThrowAwayCluster.makeDirectory()
        let keys = "\(folder)/data/secret.keys"
        let (second, third) = (Self.line(version: 2), Self.line(version: 3))

        var hub = try await HubUnderTest.start(directory: folder)
        try await Self.store(in: hub)
        #expect(await hub.stop() == 0)
        let first = try String(contentsOfFile: keys, encoding: .utf8)
        try Self.write("\(second)\n\(first)", to: keys)

        hub = try await HubUnderTest.start(directory: folder)
        try await killInTheMidst(hub, folder)

        hub = try await HubUnderTest.start(directory: folder)
        let rotated = try await hub.call("secret.rotate").data
        let left = Int64(Self.secrets - 2 * Self.batch)
        #expect(rotated == ["keyVersion": "v2", "rotated": .integer(left), "remaining": 0])
        try await checkAll(folder, key: second)
        #expect(try await hub.call("secret.rotate").data?["rotated"] == 0)
        #expect(await hub.stop() == 0)

        // The first key is gone; what it once sealed is opened by the second, and sealed by a third.
        try Self.write("\(third)\n\(second)\n", to: keys)
        hub = try await HubUnderTest.start(directory: folder)
        let again = try await hub.call("secret.rotate").data
        #expect(again == ["keyVersion": "v3", "rotated": .integer(Int64(Self.secrets)), "remaining": 0])
        #expect(await hub.stop() == 0)
        try FileManager.default.removeItem(atPath: folder)
    }

    // MARK: The story

    private static func store(in hub: HubUnderTest) async throws {
        let made = try await hub.call("client.create", #"{"name":"svc","type":"custom"}"#)
        #expect(made.status == 200, "\(made.body)")
        for start in stride(from: 0, to: secrets, by: 10) {
            try await withThrowingTaskGroup(of: UInt.self) { group in
                for number in start..<min(start + 10, secrets) {
                    let input = #"{"client":"svc","key":"k\#(number)","value":"\#(plain("k\(number)"))"}"#
                    group.addTask { try await hub.call("secret.set", input).status }
                }
                for try await status in group { #expect(status == 200) }
            }
        }
    }

    /// Begins a rotation, which comes to wait in its third batch, for a row that a trigger holds; there the hub dies.
    private func killInTheMidst(_ hub: HubUnderTest, _ folder: String) async throws {
        let database = Self.database(folder)
        try await Self.watch(database)
        let (held, hold) = AsyncStream<Void>.makeStream()
        let rotation = Task {
            for await _ in held { break }
            _ = try? await hub.call("secret.rotate")  // It gets no answer.
        }
        try await database.transaction { transaction async throws(Fault) in
            _ = try await transaction.first(Statement<String>("SELECT \(Self.lock)::text"))
            hold.yield()
            try await Self.until(
                """
                SELECT count(*) = 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = 4712 AND NOT granted
                """,
                transaction
            )
            #expect(await hub.stop(SIGKILL) == -SIGKILL)
        }
        _ = await rotation.value
        // The server finds out that nobody waits for the batch any more, and takes it back.
        _ = try await eventually("the killed hub's connections are gone") {
            try await database.first(
                Statement<Bool>(
                    """
                    SELECT true WHERE NOT EXISTS (
                        SELECT FROM pg_stat_activity
                         WHERE backend_type = 'client backend' AND application_name <> 'rotation test')
                    """
                )
            )
        }
        let sealed = Int64(2 * Self.batch)
        #expect(try await Self.count(database, "value ->> 'keyVersion' = 'v2'") == sealed)
        #expect(try await Self.count(database, "true") == Int64(Self.secrets))
        await database.close()
    }

    /// Has the database note every change of a secret, and wait for a lock before one of them.
    private static func watch(_ database: Database) async throws {
        for sql in [
            "CREATE SCHEMA probe",
            "CREATE TABLE probe.sealed (id text NOT NULL, version text NOT NULL)",
            """
            CREATE TABLE probe.held AS
            SELECT id FROM nave.client_secrets ORDER BY id OFFSET \(lastSealed) LIMIT 1
            """,
            """
            CREATE FUNCTION probe.note() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                INSERT INTO probe.sealed VALUES (NEW.id, NEW.value ->> 'keyVersion');
                IF EXISTS (SELECT FROM probe.held h WHERE h.id = NEW.id) THEN
                    PERFORM \(lock);
                END IF;
                RETURN NEW;
            END $$
            """,
            """
            CREATE TRIGGER trg_probe BEFORE UPDATE ON nave.client_secrets
                FOR EACH ROW EXECUTE FUNCTION probe.note()
            """,
        ] {
            try await database.execute(Statement<Void>(sql))
        }
    }

    private static func until(_ sql: String, _ transaction: Transaction) async throws(Fault) {
        let end = ContinuousClock.now + patience
        while try await transaction.first(Statement<Bool>(sql)) != true {
            guard ContinuousClock.now < end else { throw Fault(.timeout, "The rotation never came to the row.") }
            // A cancelled pause is a short one.
            try? await Task.sleep(for: .milliseconds(10))
        }
    }

    /// Each secret is there, was sealed anew once, and opens under the new key alone.
    private func checkAll(_ folder: String, key line: String) async throws {
        let database = Self.database(folder)
        let sealed = try await database.query(
            Statement<String>(
                """
                SELECT json_build_object('client', client_id, 'key', key, 'value', value)::text
                  FROM nave.client_secrets
                """
            )
        )
        #expect(sealed.count == Self.secrets)
        var names: Set<String> = []
        for text in sealed {
            let row = try JSONValue(parsing: Array(text.utf8))
            let name = row["key"]?.stringValue ?? ""
            #expect(try Self.opened(row, by: line) == Self.plain(name))
            names.insert(name)
        }
        #expect(names.count == Self.secrets)
        let noted = try await database.query(
            Statement<String>("SELECT version FROM probe.sealed GROUP BY id, version HAVING count(*) = 1")
        )
        #expect(noted.count == Self.secrets && Set(noted) == ["v2"])
        #expect(try await database.first(Statement<Int64>("SELECT count(*) FROM probe.sealed")) == Int64(Self.secrets))
        await database.close()
    }

    // MARK: Parts

    private static func database(_ folder: String) -> Database {
        var configuration = DatabaseConfiguration(
            "host='\(folder)/data/postgres/socket' port=5432 user=nave dbname=nave"
        )
        configuration.applicationName = "rotation test"
        configuration.waitLongest = patience
        return Database(configuration, logger: .quiet)
    }

    private static func count(_ database: Database, _ condition: String) async throws -> Int64? {
        try await database.first(Statement<Int64>("SELECT count(*) FROM nave.client_secrets WHERE \(condition)"))
    }

    private static func plain(_ name: String) -> String { "secret of \(name)" }

    private static func line(version: Int) -> String {
        "v\(version):\(SymmetricKey(size: .bits256).withUnsafeBytes { Data($0) }.base64EncodedString())"
    }

    private static func write(_ text: String, to path: String) throws {
        try Data(text.utf8).write(to: URL(filePath: path))
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
    }

    /// As docs/access.md says it: AES-256-GCM, bound to client and key.
    private static func opened(_ row: JSONValue, by line: String) throws -> String {
        func bytes(_ text: String?) throws -> Data { try #require(text.flatMap { Data(base64Encoded: $0) }) }
        let (client, name) = (row["client"]?.stringValue ?? "", row["key"]?.stringValue ?? "")
        let data = try bytes(row["value"]?["data"]?.stringValue)
        let box = try AES.GCM.SealedBox(
            nonce: AES.GCM.Nonce(data: bytes(row["value"]?["nonce"]?.stringValue)),
            ciphertext: data.dropLast(16),
            tag: data.suffix(16)
        )
        let key = SymmetricKey(data: try bytes(line.split(separator: ":").last.map(String.init)))
        let place = Data("\(client.utf8.count):\(client)\(name)".utf8)
        return String(decoding: try AES.GCM.open(box, using: key, authenticating: place), as: UTF8.self)
    }
}
