import Foundation
import Postgres
import Protocol
import TestSupport
import Testing

/// Goal: a reader hears everything, or hears that it missed something. Method: a real server.
@Suite(.timeLimit(.minutes(5))) struct ListenTests {
    private let notify = Statement<Void>("SELECT pg_notify($1, $2)")

    @Test func aListenerHearsItsChannelsInOrder() async throws {
        let test = try await TestDatabase.make()
        var heard: [Database.Notification] = []
        for await notification in test.database.listen(["calls", "Odd \"name\""]) {
            heard.append(notification)
            if heard.count == 1 {
                for (channel, payload) in [("calls", "1"), ("other", "x"), ("Odd \"name\"", "ü"), ("calls", "")] {
                    try await test.database.execute(notify, [channel, payload])
                }
            }
            if heard.count == 4 { break }
        }
        let expected: [Database.Notification] = [
            .reconnected, .notified(channel: "calls", payload: "1"), .notified(channel: "Odd \"name\"", payload: "ü"),
            .notified(channel: "calls", payload: ""),
        ]
        #expect(heard == expected)
        await test.close()
    }

    @Test func aLostListenerComesBackAndSaysSo() async throws {
        let test = try await TestDatabase.make()
        let database = test.database
        var reconnections = 0
        for await notification in database.listen(["calls"]) {
            switch notification {
            case .reconnected:
                reconnections += 1
                let listeners = Statement<Bool>(
                    """
                    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                     WHERE datname = current_database() AND query LIKE 'LISTEN%'
                    """
                )
                if reconnections < 4 {
                    #expect(try await database.query(listeners) == [true])
                } else {
                    try await database.execute(notify, ["calls", "here"])
                }
            case .notified(_, let payload):
                #expect(payload == "here")
                #expect(reconnections == 4)
                await test.close()
                return
            }
        }
        Issue.record("The stream ended before the last notification")
    }

    @Test func streamsShareAConnectionAndEndWithTheDatabase() async throws {
        let test = try await TestDatabase.make()
        let database = test.database
        let counts = try await withThrowingTaskGroup(of: Int.self) { group in
            for number in 0..<5 {
                group.addTask {
                    var count = 0
                    for await notification in database.listen(["all", "own\(number)"]) {
                        if case .reconnected = notification {
                            try await database.execute(Statement<Void>("SELECT pg_notify($1, '')"), ["own\(number)"])
                        } else {
                            count += 1
                            return count
                        }
                    }
                    return count
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(counts == [1, 1, 1, 1, 1])
        let last = database.listen(["all"])
        var iterator = last.makeAsyncIterator()
        #expect(await iterator.next() == .reconnected)
        await database.close()
        #expect(await iterator.next() == nil)
        await test.close()
    }

    @Test func aSlowReaderLearnsThatItMissedSomething() async throws {
        let test = try await TestDatabase.make()
        var iterator = test.database.listen(["flood", "end"]).makeAsyncIterator()
        #expect(await iterator.next() == .reconnected)
        try await test.database.execute(
            Statement<Void>("SELECT pg_notify('flood', n::text) FROM generate_series(1, 5000) AS n")
        )
        // A later notification on the same connection: all of the flood was delivered before it is heard.
        var other = test.database.listen(["end"]).makeAsyncIterator()
        #expect(await other.next() == .reconnected)
        try await test.database.execute(notify, ["end", ""])
        #expect(await other.next() == .notified(channel: "end", payload: ""))
        var told = false
        var count = 0
        while let next = await iterator.next(), next != .notified(channel: "end", payload: "") {
            count += 1
            if next == .reconnected { told = true }
        }
        #expect(told)
        #expect(count <= 1_024)
        await test.close()
    }
}
