import Foundation
import GRDB
import Protocol
import TestSupport
import Testing

@testable import SpokeAgent

#if canImport(Glibc)
    import Glibc
#endif

struct JournalDamageTests {
    private static let key = OutputKey(sessionId: "s", fence: 1, stream: .stdout)

    private func filled(_ scratch: Scratch, records: Int = 20) async throws -> Journal {
        let journal = try await scratch.open()
        for index in 0..<records / 2 {
            try await journal.append([note("\(index)")])
            try await journal.append(output: chunk([UInt8](repeating: 99, count: 3_000), at: Int64(index) * 3_000))
        }
        return journal
    }

    private func tamper(_ scratch: Scratch, _ sql: String) throws {
        let queue = try DatabaseQueue(path: scratch.file)
        try queue.write { try $0.execute(sql: sql) }
        try queue.close()
    }

    @Test func aFlippedByteCutsTheTailAndTheAlertSaysWhatWasLost() async throws {
        let scratch = try Scratch()
        try await filled(scratch).close()
        try tamper(scratch, "UPDATE journal SET payload = CAST(substr(payload, 1, 2000) || 'x' AS BLOB) WHERE seq = 12")
        let journal = try await scratch.open()
        #expect(try await journal.database.verify().outcome == .complete)
        // The spool is read again from the last chunk that is left.
        #expect(try await journal.position(of: Self.key).journaled == 15_000)
        var hub = FakeLedger()
        #expect(try await journal.resume(from: hub.mark) == hub.mark)
        try await hub.drain(journal)
        #expect(hub.records.count == 12)
        let alert = try #require(try hub.alerts().last)
        #expect(alert.kind == "journal.tail_cut")
        #expect(alert.details?["records"] == 9)
    }

    @Test func aHoleIsDamageToo() async throws {
        let scratch = try Scratch()
        try await filled(scratch).close()
        try tamper(scratch, "DELETE FROM journal WHERE seq = 5")
        let reader = try SpokeDatabase.openReadOnly(scratch.file)
        #expect(try await reader.verify().outcome == .broken(from: 5, cause: "record 5 is missing"))
        try reader.close()
        let journal = try await scratch.open()
        #expect(await journal.state.next == 6)
    }

    @Test func ifTheHubHasWhatWasCutTheRestGoesOutUnderANewEpochOnce() async throws {
        let scratch = try Scratch()
        var journal = try await filled(scratch)
        var hub = FakeLedger()
        try await hub.drain(journal, acknowledging: false)
        try await journal.close()
        try tamper(scratch, "UPDATE journal SET hash = zeroblob(32) WHERE seq = 15")
        journal = try await scratch.open()
        try await journal.append([note("new")])
        let start = try await journal.resume(from: hub.mark)
        #expect(start == .start(of: 2))
        var fresh = FakeLedger(epoch: 2)
        try await fresh.drain(journal)
        #expect(try fresh.alerts().map(\.kind) == ["journal.tail_cut", "test", "journal.new_epoch"])
        try await journal.close()
        #expect(try await scratch.open().state.epoch == 2)
    }

    @Test func aHubThatWasSetBackGetsANewEpoch() async throws {
        let scratch = try Scratch()
        let journal = try await filled(scratch)
        var hub = FakeLedger()
        try await hub.drain(journal)
        try await journal.append([note("new")])
        #expect(try await journal.resume(from: .start(of: 1)) == .start(of: 2))
        var fresh = FakeLedger(epoch: 2)
        try await fresh.drain(journal)
        #expect(try fresh.alerts().map(\.kind) == ["test", "journal.new_epoch"])
    }

    @Test func aFileThatIsNoneIsMovedAsideAndANewEpochBegins() async throws {
        let scratch = try Scratch()
        try await filled(scratch).close()
        try Data("not a database at all, sorry".utf8).write(to: URL(filePath: scratch.file))
        let journal = try await scratch.open()
        #expect(await journal.state.epoch == 2)
        var hub = FakeLedger(epoch: 2)
        try await hub.drain(journal)
        #expect(try hub.alerts().map(\.kind) == ["journal.lost"])
        let names = try FileManager.default.contentsOfDirectory(atPath: scratch.path)
        #expect(names.contains { $0.hasPrefix("spoke.sqlite.corrupt-") })
    }

    /// Whatever happens to the files, the spoke starts, the journal's chain is whole and takes new records.
    @Test func noDamageKeepsTheSpokeFromStarting() async throws {
        for seed in 1...40 as ClosedRange<UInt64> {
            var generator = SeededGenerator(state: seed)
            let scratch = try Scratch()
            let first = try await filled(scratch, records: 60)
            if Bool.random(using: &generator) {
                try await first.close()
            } else {
                // As a power cut leaves it: the log was not folded into the file.
                let copy = scratch.path + "/copy"
                try FileManager.default.copyItem(atPath: scratch.file + "-wal", toPath: copy + "-wal")
                try FileManager.default.copyItem(atPath: scratch.file, toPath: copy)
                try await first.close()
                for suffix in ["", "-wal"] {
                    let data = try #require(FileManager.default.contents(atPath: copy + suffix))
                    try data.write(to: URL(filePath: scratch.file + suffix))
                }
            }
            let damaged = FileManager.default.fileExists(atPath: scratch.file + "-wal") ? "-wal" : ""
            var bytes = try #require(FileManager.default.contents(atPath: scratch.file + damaged))
            if Bool.random(using: &generator) {
                bytes = bytes.prefix(Int.random(in: 0..<bytes.count, using: &generator))
            } else {
                for _ in 0..<Int.random(in: 1...200, using: &generator) {
                    bytes[Int.random(in: 0..<bytes.count, using: &generator)] ^= UInt8.random(
                        in: 1...255,
                        using: &generator
                    )
                }
            }
            try bytes.write(to: URL(filePath: scratch.file + damaged))
            do {
                let journal = try await scratch.open()
                try await journal.append([note("alive")])
                #expect(try await journal.database.verify().outcome == .complete, "seed \(seed)")
                var hub = FakeLedger(epoch: await journal.state.epoch)
                try await hub.drain(journal)
                #expect(try hub.alerts().last?.message == "alive", "seed \(seed)")
            } catch {
                Issue.record("seed \(seed): \(error)")
            }
        }
    }

    #if canImport(Glibc)
        @Test(.enabled(if: SmallDisk.canBeMade, "A small file system of its own may not be mounted here."))
        func onAFullDiskStateGetsInAndOutputWaits() async throws {
            let scratch = try Scratch()
            try #require(mount("tmpfs", scratch.path, "tmpfs", 0, "size=3m") == 0)
            defer { umount2(scratch.path, Int32(MNT_DETACH)) }
            let limits = JournalLimits(ballastBytes: 512 << 10)
            let journal = try await scratch.open(limits)
            let filler = scratch.path + "/filler"
            #expect(FileManager.default.createFile(atPath: filler, contents: nil))
            let handle = try #require(FileHandle(forWritingAtPath: filler))
            fill: while true {
                do { try handle.write(contentsOf: Data(count: 4_096)) } catch { break fill }
            }
            var (offset, refused) = (Int64(0), 0)
            for _ in 0..<40 where refused == 0 {
                do {
                    try await journal.append(output: chunk([UInt8](repeating: 1, count: 60_000), at: offset))
                    offset += 60_000
                } catch {
                    #expect(error.code == .unavailable)
                    refused += 1
                }
            }
            #expect(refused == 1)
            for index in 0..<20 { try await journal.append([note("state \(index)")]) }
            await #expect(throws: Fault.self) {
                try await journal.append(output: chunk([UInt8](repeating: 1, count: 60_000), at: offset))
            }
            try handle.truncate(atOffset: 0)
            try handle.close()
            #expect(try await journal.position(of: Self.key).journaled == offset)
            try await journal.append(output: chunk([UInt8](repeating: 1, count: 60_000), at: offset))
            #expect(try await journal.database.verify().outcome == .complete)
            var hub = FakeLedger()
            try await hub.drain(journal)
            #expect(hub.ends[Self.key]?.bytes == offset + 60_000)
            #expect(try hub.alerts().filter { $0.kind == "disk.full" }.count == 1)
            #expect(FileManager.default.fileExists(atPath: scratch.file + ".ballast"))
            try await journal.close()
        }
    #endif
}
