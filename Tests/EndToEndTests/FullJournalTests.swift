import Foundation
import Protocol
import TestSupport
import Testing

/// A spoke without room: nothing is lost without a word, and it works again when there is some.
@Suite(.serialized) struct FullJournalTests {
    /// Lines of 16 bytes, each with its number: a gap shows where it is.
    private static func numbers(_ lines: Int) -> [String] {
        ["sh", "-c", "seq -f %015.0f 1 \(lines)"]
    }

    private static func text(_ lines: Int) -> Data {
        var text = Data(capacity: lines * 16)
        for line in 1...lines {
            let digits = String(line)
            text.append(Data((String(repeating: "0", count: 15 - digits.count) + digits + "\n").utf8))
        }
        return text
    }

    @Test func whatAFullJournalDropsIsNamedToTheByte() async throws {
        try await withFleet { fleet in
            try await fleet.startHub()
            try await fleet.addProject("demo")
            try await fleet.join("one")
            try Data("journalSoftBytes: 500000\njournalHardBytes: 1000000\n".utf8)
                .write(to: fleet.directory(of: "one").appending(path: "spoke.yaml"))
            try fleet.startSpoke("one")
            try await fleet.untilConnected("one")
            let gate = fleet.folder.appending(path: "gate")
            let (lines, wait) = (300_000, "until [ -e \(gate.path) ]; do sleep 0.05; done")
            let command = ["sh", "-c", "\(wait); seq -f %015.0f 1 \(lines)"]
            let session = try await fleet.spawn("demo", command)
            _ = try await eventually("it runs") {
                try await fleet.sessions(on: "one")[session].flatMap { $0 } == nil ? nil : true
            }
            await fleet.hubProgram?.crash()
            _ = FileManager.default.createFile(atPath: gate.path, contents: nil)
            try await fleet.untilIdle("one")
            try await fleet.startHub()
            let end = try await fleet.ends(of: [session])[session]
            #expect(end?["mapping"]?["status"]?.stringValue == "completed", "\(end ?? .null)")
            let logs = try await fleet.hub("logs", session)
            let gaps = try Self.gaps(in: logs.errors)
            #expect(!gaps.isEmpty, "\(logs.errors)")
            #expect(logs.output == Self.text(lines, without: gaps), "\(logs.errors)")
            let verified = try await fleet.hub("verify")
            #expect(verified.exitCode == 1)
            #expect(verified.text.contains("output.gap"), "\(verified.text)")
            #expect(!verified.text.contains("output.missing") && !verified.text.contains("output.hash"))
            let next = try await fleet.spawn("demo", Self.numbers(1_000))
            #expect(try await fleet.ends(of: [next])[next]?["mapping"]?["status"]?.stringValue == "completed")
            #expect(try await fleet.logs(next) == Self.text(1_000))
        }
    }

    private static func text(_ lines: Int, without gaps: [Range<Int>]) -> Data {
        var text = text(lines)
        for gap in gaps.reversed() { text.removeSubrange(gap) }
        return text
    }

    /// The holes that `hub logs` tells of on stderr.
    private static func gaps(in notes: String) throws -> [Range<Int>] {
        notes.split(separator: "\n").compactMap { line in
            let numbers = line.split(whereSeparator: { !$0.isNumber }).compactMap { Int($0) }
            guard line.contains("are missing"), numbers.count >= 2 else { return nil }
            return numbers[0]..<numbers[1]
        }
    }

    @Test(.enabled(if: SmallDisk.canBeMade, "a small file system of its own may not be mounted here"))
    func aFullDiskHoldsUpWhoFillsItAndNothingIsLost() async throws {
        try await withFleet { fleet in
            let directory = fleet.directory(of: "one")
            try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
            let mounted = mount("tmpfs", directory.path, "tmpfs", 0, "size=48m,mode=0700")
            try #require(mounted == 0, "a tmpfs at \(directory.path): errno \(errno)")
            defer { umount2(directory.path, Int32(MNT_DETACH)) }
            try await fleet.startHub()
            try await fleet.addProject("demo")
            try await fleet.addSpoke("one")
            let gate = fleet.folder.appending(path: "gate")
            // 64 MB: more than there is room for.
            let lines = 4_000_000
            let command = ["sh", "-c", "until [ -e \(gate.path) ]; do sleep 0.05; done; seq -f %015.0f 1 \(lines)"]
            let session = try await fleet.spawn("demo", command)
            _ = try await eventually("it runs") {
                try await fleet.sessions(on: "one")[session].flatMap { $0 } == nil ? nil : true
            }
            await fleet.hubProgram?.crash()
            _ = FileManager.default.createFile(atPath: gate.path, contents: nil)
            // Output stops a sixth before the end, so that the journal can still be written.
            _ = try await eventually("the disk is full") {
                let free = try await fleet.localStatus(of: "one")?["disk"]?["freeBytes"]?.integerValue
                return (free ?? .max) < 9 << 20 ? true : nil
            }
            #expect(try await fleet.localStatus(of: "one") != nil, "the spoke answers")
            // It is found again on a disk that is full, too.
            await fleet.spoke("one")?.crash()
            try fleet.startSpoke("one")
            try await fleet.startHub()
            let end = try await fleet.ends(of: [session], within: .seconds(180))[session]
            #expect(end?["mapping"]?["status"]?.stringValue == "completed", "\(end ?? .null)")
            let stored = try await fleet.logs(session)
            #expect(stored == Self.text(lines), "\(stored.count) bytes of \(lines * 16)")
            let next = try await fleet.spawn("demo", Self.numbers(1_000))
            #expect(try await fleet.ends(of: [next])[next]?["mapping"]?["status"]?.stringValue == "completed")
            #expect(try await fleet.logs(next) == Self.text(1_000))
            try await fleet.checkProofs(spokes: ["one"])
        }
    }
}
