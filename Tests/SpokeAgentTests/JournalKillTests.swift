import Foundation
import Protocol
import Subprocess
import SystemPackage
import Testing

@testable import SpokeAgent

struct JournalKillTests {
    /// The writer is the benchmark's second mode: it prints a mark only when the journal said that it is durable.
    private static var writer: String {
        let products = Bundle.allBundles.map(\.bundlePath) + [CommandLine.arguments[0]]
        let folders = products.map { URL(filePath: $0).deletingLastPathComponent().path } + [Bundle.main.bundlePath]
        return folders.map { $0 + "/JournalBench" }.first { FileManager.default.isExecutableFile(atPath: $0) } ?? ""
    }

    @Test(.enabled(if: !writer.isEmpty, "JournalBench was not built beside the tests."))
    func whatWasDurableSurvivesKillingTheWriter() async throws {
        let scratch = try Scratch()
        for round in 1...3 {
            let file = "\(scratch.path)/\(round).sqlite"
            let last = try await killed(file, after: 40 * round)
            let database = try SpokeDatabase.open(file)
            #expect(database.findings.isEmpty)
            let journal = try await Journal(database, limits: .small)
            #expect(try await database.verify().outcome == .complete)
            #expect(await journal.state.next > last.seq)
            let key = OutputKey(sessionId: "s", fence: 1, stream: .stdout)
            #expect(try await journal.position(of: key).journaled >= last.offset)
            var hub = FakeLedger()
            try await hub.drain(journal)
            #expect(try await journal.finish(output: key) == hub.ends[key])
            try await journal.close()
        }
    }

    /// Runs the writer, kills it behind that many lines, and returns the last mark that it printed.
    private func killed(_ file: String, after lines: Int) async throws -> (seq: Int64, offset: Int64) {
        let result = try await run(
            .path(.init(Self.writer)),
            arguments: ["write", file],
            input: .none,
            output: .sequence,
            error: .discarded
        ) { execution in
            var (seen, last) = (0, (seq: Int64(0), offset: Int64(0)))
            for try await line in execution.standardOutput.strings() {
                let words = line.split(whereSeparator: \.isWhitespace).compactMap { Int64($0) }
                // What comes behind the kill may be cut short.
                guard words.count == 2, seen < lines else { continue }
                last = (words[0], words[1])
                seen += 1
                if seen == lines { try execution.send(signal: .kill) }
            }
            return last
        }
        return result.closureResult
    }
}
