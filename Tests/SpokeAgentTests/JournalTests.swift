import Foundation
import GRDB
import Protocol
import SpokeCore
import Synchronization
import Testing

@testable import SpokeAgent

struct JournalTests {
    @Test func everyCommitIsOnTheDiskBeforeItReturns() async throws {
        let scratch = try Scratch()
        let journal = try await scratch.open()
        let (synchronous, mode) = try await journal.database.read { db in
            (try Int.fetchOne(db, sql: "PRAGMA synchronous"), try String.fetchOne(db, sql: "PRAGMA journal_mode"))
        }
        #expect(synchronous == 2)
        #expect(mode == "wal")
    }

    @Test func theFileIsItsOwnersAlone() async throws {
        let scratch = try Scratch()
        let journal = try await scratch.open()
        try await journal.append([note("one")])
        for suffix in ["", "-wal", "-shm"] {
            let attributes = try FileManager.default.attributesOfItem(atPath: scratch.file + suffix)
            #expect((attributes[.posixPermissions] as? Int) == 0o600, "spoke.sqlite\(suffix)")
        }
    }

    @Test func recordsAreNumberedChainedAndStillThereAfterARestart() async throws {
        let scratch = try Scratch()
        var journal = try await scratch.open()
        let mark = try await journal.append([note("one"), note("two")])
        #expect(mark.seq == 2)
        try await journal.close()
        journal = try await scratch.open()
        #expect(try await journal.append([note("three")]).seq == 3)
        var hub = FakeLedger()
        try await hub.drain(journal)
        #expect(try hub.alerts().map(\.message) == ["one", "two", "three"])
        let state = await journal.state
        #expect(state.first == 4 && state.next == 4 && state.bytes == 0)
        #expect(state.headHash == hub.mark.hash)
        try await journal.close()
        journal = try await scratch.open()
        #expect(try await journal.append([note("four")]).seq == 4)
        try await hub.drain(journal)
        #expect(hub.mark.seq == 4)
    }

    @Test func manyAppendsAtOnceShareCommitsAndKeepOneOrder() async throws {
        let scratch = try Scratch()
        let journal = try await scratch.open()
        let marks = try await withThrowingTaskGroup(of: StreamMark.self) { group in
            for index in 0..<500 { group.addTask { try await journal.append([note("\(index)")]) } }
            return try await group.reduce(into: Set<Int64>()) { $0.insert($1.seq) }
        }
        #expect(marks == Set(1...500))
        var hub = FakeLedger()
        try await hub.drain(journal)
        #expect(hub.mark.seq == 500)
    }

    @Test func anErrorOfOneAppendIsNotThatOfItsNeighbours() async throws {
        let scratch = try Scratch()
        let journal = try await scratch.open()
        let failures = await withTaskGroup(of: Bool.self) { group in
            for index in 0..<100 {
                group.addTask {
                    do {
                        try await journal.append([note("\(index)")]) { db in
                            if index % 10 == 0 { try db.execute(sql: "INSERT INTO nowhere VALUES (1)") }
                        }
                        return false
                    } catch { return true }
                }
            }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(failures == 10)
        var hub = FakeLedger()
        try await hub.drain(journal)
        #expect(hub.mark.seq == 90)
    }

    @Test func theBellRingsForWhoeverSends() async throws {
        let scratch = try Scratch()
        let journal = try await scratch.open()
        try await journal.append([note("one")])
        var bell = journal.appended.makeAsyncIterator()
        #expect(await bell.next() != nil)
    }

    @Test func onlyOneAgentMayHaveTheFile() async throws {
        let scratch = try Scratch()
        let journal = try await scratch.open()
        #expect(throws: Fault.self) { try SpokeDatabase.open(scratch.file) }
        let reader = try SpokeDatabase.openReadOnly(scratch.file)
        #expect(try await reader.verify().outcome == .complete)
        #expect(await journal.state.epoch == 1)
    }

    @Test func aMarkOfAnotherJournalDeletesNothing() async throws {
        let scratch = try Scratch()
        let journal = try await scratch.open()
        try await journal.append([note("one")])
        await #expect(throws: Fault.self) {
            try await journal.acknowledged(upTo: StreamMark(epoch: 1, seq: 1, hash: .origin))
        }
        await #expect(throws: Fault.self) { try await journal.records(after: 7) }
        #expect(await journal.state.first == 1)
    }

    @Test func outputIsRedactedAndGoesOnWhereItWasJournaled() async throws {
        let scratch = try Scratch()
        let secrets = SecretPatterns([Array("opensesame".utf8)])
        let spool = Array("one opensesame two open three opense".utf8)
        var journal = try await scratch.open(secrets: secrets)
        let key = OutputKey(sessionId: "s", fence: 1, stream: .stdout)
        try await journal.append(output: chunk(Array(spool[..<9]), at: 0))
        try await journal.close()
        journal = try await scratch.open(secrets: secrets)
        var position = try await journal.position(of: key)
        #expect(position == OutputPosition(journaled: 4, held: 0))
        while position.wanted < Int64(spool.count) {
            let start = Int(position.wanted)
            let part = Array(spool[start..<min(start + 5, spool.count)])
            position = try await journal.append(output: chunk(part, at: position.wanted))
        }
        #expect(position.held == 6)
        await #expect(throws: Fault.self) { try await journal.append(output: chunk([1], at: 99)) }
        let sum = try await journal.finish(output: key)
        var hub = FakeLedger()
        try await hub.drain(journal)
        #expect(hub.output[key]?.compactMap { $0 } == Array("one ********** two open three opense".utf8))
        #expect(hub.ends[key] == sum)
        #expect(try await journal.sums(of: "s", fence: 1) == [sum])
    }

    @Test func ordersAreReceivedOnceAndCarriedOutOnce() async throws {
        let scratch = try Scratch()
        var journal = try await scratch.open()
        var inbox = Inbox(journal)
        var records: [StreamRecord] = []
        for seq in 1...3 {
            let payload = WireCoder.bytes(of: DrainSpoke(commandId: CommandID("c\(seq)"), draining: true))
            records.append(
                StreamRecord(
                    epoch: 1,
                    seq: Int64(seq),
                    at: 0,
                    type: CommandType.spokeDrain.rawValue,
                    payload: payload,
                    after: records.last?.hash ?? .origin
                )
            )
        }
        await #expect(throws: Fault.self) { try await inbox.receive(Array(records[1...])) }
        #expect(try await inbox.receive(Array(records[..<2])).seq == 2)
        #expect(try await inbox.receive(records) == StreamMark(after: records[2]))
        #expect(try await inbox.pending().map(\.id) == ["c1", "c2", "c3"])
        #expect(try await inbox.completed("c1", result: "done"))
        #expect(try await !inbox.completed("c1", result: "again"))
        try await journal.close()
        journal = try await scratch.open()
        inbox = Inbox(journal)
        #expect(try await inbox.pending().map(\.id) == ["c2", "c3"])
        #expect(try await inbox.mark().seq == 3)
        // The same orders under a new epoch, as after a loss at the hub, are known by their ids.
        let again = StreamRecord(
            epoch: 2,
            seq: 1,
            at: 0,
            type: records[0].type,
            payload: records[0].payload,
            after: .origin
        )
        #expect(try await inbox.receive([again]) == StreamMark(after: again))
        #expect(try await inbox.pending().count == 2)
        var hub = FakeLedger()
        try await hub.drain(journal)
        #expect(hub.records.map(\.type) == ["command.completed"])
    }

    @Test func tablesGiveBackWhatTheyWereGiven() async throws {
        let scratch = try Scratch()
        let journal = try await scratch.open()
        let at = Date(milliseconds: 1_000)
        let session = SessionRow(
            id: "s",
            fence: 2,
            state: .running,
            workspaceId: "w",
            supervisorPid: 4,
            pid: 5,
            startedAt: at,
            spec: [1, 2]
        )
        try await journal.append([note("all")]) { db in try SessionTable.save(session, in: db) }
        var older = session
        older.fence = 1
        try await journal.write { [older] db in try SessionTable.save(older, in: db) }
        #expect(try await SessionTable(journal.database).one("s") == session)
        #expect(try await SessionTable(journal.database).all([.ended]).isEmpty)
    }

    @Test func recordsOfGitComeBackWhole() async throws {
        let scratch = try Scratch()
        let journal = try await scratch.open()
        let tables = WorktreeTables(journal)
        let at = Date(milliseconds: 1_000)
        var workspace = WorktreeRecord(
            id: "w",
            projectId: "p",
            repository: "r",
            defaultBranch: "main",
            branch: "b",
            directory: "/w",
            adminName: "w",
            state: .preparing,
            keep: .onFailure,
            leaseSession: "s",
            lastUsedAt: at
        )
        try await tables.save(workspace)
        workspace.state = .ready
        workspace.headCommit = "c"
        try await tables.save(workspace)
        let mirror = MirrorRecord(repository: "r", directory: "/m", fetchedAt: at)
        try await tables.save(mirror)
        let salvage = SalvagedWork(
            id: "v",
            workspaceId: "w",
            projectId: "p",
            repository: "r",
            ref: "refs/x",
            commit: "c",
            parents: ["d", "e"],
            branch: "b",
            files: 1,
            expiresAt: at
        )
        try await tables.save(salvage)
        #expect(try await tables.workspaces() == [workspace])
        #expect(try await tables.workspace("w") == workspace)
        #expect(try await tables.mirrors() == [mirror])
        #expect(try await tables.salvages() == [salvage])
        try await tables.delete(WorkspaceID("w"))
        try await tables.delete(SalvageID("v"))
        #expect(try await tables.workspaces().isEmpty)
        #expect(try await tables.salvages().isEmpty)
    }

    /// Numbers decide the order, never the clock: it jumps by hours within a run and between runs.
    @Test func aClockThatJumpsChangesNoOrder() async throws {
        let scratch = try Scratch()
        var hub = FakeLedger()
        for (run, hours) in [0, -2, 3, -1].enumerated() {
            let clock = Mutex(Int64(1_700_000_000_000 + hours * 3_600_000))
            let database = try SpokeDatabase.open(scratch.file, limits: .small)
            let journal = try await Journal(database, limits: .small, clock: { clock.withLock { $0 } })
            for step in 0..<5 {
                try await journal.append([note("\(run).\(step)")])
                clock.withLock { $0 += step.isMultiple(of: 2) ? -7_200_000 : 7_200_000 }
            }
            try await hub.drain(journal)
            try await journal.close()
        }
        #expect(hub.records.count == 20)
        #expect(hub.records.map(\.seq) == Array(1...20))
        #expect(hub.records.map(\.at) != hub.records.map(\.at).sorted())
    }
}
