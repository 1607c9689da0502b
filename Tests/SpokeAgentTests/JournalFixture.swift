import Foundation
import GRDB
import Protocol
import SpokeCore
import Testing

@testable import SpokeAgent

/// A directory that lives as long as a test.
final class Scratch: Sendable {
    let path = FileManager.default.temporaryDirectory.appending(path: "journal-\(UUID().uuidString)").path

    init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }

    deinit {
        // A directory left behind harms no other test.
        try? FileManager.default.removeItem(atPath: path)
    }

    var file: String { path + "/spoke.sqlite" }

    func open(_ limits: JournalLimits = .small, secrets: SecretPatterns = .none) async throws -> Journal {
        try await Journal(try SpokeDatabase.open(file, limits: limits), limits: limits, secrets: secrets)
    }
}

extension JournalLimits {
    /// Large enough for nothing to be dropped, with no room taken from the disk.
    static let small = JournalLimits(ballastBytes: 0)
}

extension Journal {
    func close() throws { try database.close() }
}

/// What a hub does with a journal: checks every number and hash, and puts output together again.
struct FakeLedger {
    var mark: StreamMark
    var records: [StreamRecord] = []
    var ends: [OutputKey: OutputSum] = [:]
    var output: [OutputKey: [UInt8?]] = [:]

    init(epoch: Int64 = 1) { mark = .start(of: epoch) }

    mutating func apply(_ batch: [StreamRecord]) throws {
        for record in batch {
            #expect(record.epoch == mark.epoch && record.seq == mark.seq + 1)
            #expect(record.isChained(to: mark.hash))
            mark = StreamMark(after: record)
            records.append(record)
            switch JournalRecordType(rawValue: record.type) {
            case .sessionOutput: try apply(try #require(OutputChunk(decoding: record.payload)))
            case .outputGap: try apply(try WireCoder.value(OutputGap.self, from: record.payload))
            default: break
            }
        }
    }

    private mutating func apply(_ chunk: OutputChunk) throws {
        let key = OutputKey(sessionId: chunk.sessionId, fence: chunk.fence, stream: chunk.stream)
        var end = ends[key] ?? OutputSum(stream: key.stream, bytes: 0, hash: .origin)
        #expect(chunk.offset == end.bytes)
        end.bytes += Int64(chunk.bytes.count)
        end.hash = end.hash.appending(chunk.bytes)
        ends[key] = end
        output[key, default: []] += chunk.bytes.map { Optional($0) }
    }

    private mutating func apply(_ gap: OutputGap) throws {
        let key = OutputKey(sessionId: gap.sessionId, fence: gap.fence, stream: gap.stream)
        #expect(gap.from == ends[key]?.bytes ?? 0)
        #expect(gap.to > gap.from)
        ends[key] = OutputSum(stream: gap.stream, bytes: gap.to, hash: gap.hash)
        output[key, default: []] += [UInt8?](repeating: nil, count: Int(gap.to - gap.from))
    }

    /// Takes all there is.
    mutating func drain(_ journal: Journal, acknowledging: Bool = true) async throws {
        while true {
            let batch = try await journal.records(after: mark.seq)
            if batch.isEmpty { return }
            try apply(batch)
            if acknowledging { try await journal.acknowledged(upTo: mark) }
        }
    }

    func alerts() throws -> [AlertRaised] {
        try records.filter { $0.type == JournalRecordType.alertRaised.rawValue }.map {
            try WireCoder.value(AlertRaised.self, from: $0.payload)
        }
    }
}

func note(_ text: String) -> JournalDraft { .alert(.info, "test", text) }

func chunk(_ bytes: [UInt8], at offset: Int64, session: SessionID = "s", stream: Protocol.OutputStream = .stdout)
    -> OutputChunk
{
    OutputChunk(sessionId: session, fence: 1, stream: stream, offset: offset, bytes: bytes)
}
