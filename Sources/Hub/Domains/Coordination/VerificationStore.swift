import Foundation
import HubCore
import Postgres
import Protocol

/// Proves again that what is stored is whole: reads everything, believes nothing.
struct VerificationStore: Sendable {
    let database: Database

    /// Findings that are listed; more are only said to exist.
    static let findingsMax = 1_000
    private static let pageRows = 64
    private static let pageSessions = 500

    /// Everything, or one session.
    func verify(_ session: SessionID?) async throws(Fault) -> VerifyHub.Output {
        var report = Report()
        if session == nil {
            try await verifyCommands(&report)
            try await verifyTasks(&report)
            try await verifyStates(&report)
        }
        try await verifySessions(session, &report)
        return report.output
    }

    struct Report {
        var findings: [VerifyHub.Finding] = []
        var isTruncated = false
        var spokes = 0
        var sessions = 0
        var bytes: Int64 = 0

        mutating func find(_ kind: String, _ subject: String, _ message: String, isGap: Bool = false) {
            guard findings.count < VerificationStore.findingsMax else {
                isTruncated = true
                return
            }
            findings.append(.init(kind: kind, subject: subject, message: message, isGap: isGap))
        }

        var output: VerifyHub.Output {
            .init(
                complete: findings.isEmpty,
                findings: findings,
                truncated: isTruncated,
                spokes: spokes,
                sessions: sessions,
                bytes: bytes
            )
        }
    }

    // MARK: Commands

    private func verifyCommands(_ report: inout Report) async throws(Fault) {
        for chain in try await database.query(SQL.chains) {
            report.spokes += 1
            var mark = StreamMark(epoch: chain.epoch, seq: chain.pruned, hash: chain.prunedHash)
            reading: while true {
                let rows = try await database.query(SQL.commands, [chain.spokeId, mark.seq, Self.pageRows])
                for row in rows {
                    let record = row.record
                    guard record.seq == mark.seq + 1, record.epoch == mark.epoch else {
                        report.find(
                            "commands.missing",
                            chain.spokeId.rawValue,
                            "Command \(mark.seq + 1) of epoch \(mark.epoch) is missing before \(record.seq)."
                        )
                        mark = StreamMark(after: record)
                        continue
                    }
                    if !record.isChained(to: mark.hash) {
                        report.find(
                            "commands.hash",
                            chain.spokeId.rawValue,
                            "Command \(record.seq) is not what it was when it was written."
                        )
                    }
                    mark = StreamMark(after: record)
                }
                if rows.count < Self.pageRows { break reading }
            }
            if mark.seq + 1 != chain.next || mark.hash != chain.head {
                report.find(
                    "commands.head",
                    chain.spokeId.rawValue,
                    "The stored commands end at \(mark.seq), the stream at \(chain.next - 1)."
                )
            }
        }
    }

    // MARK: Sessions

    private func verifySessions(_ only: SessionID?, _ report: inout Report) async throws(Fault) {
        var after = ""
        while true {
            let rows = try await database.query(SQL.sessions, [after, Self.pageSessions, only])
            for row in rows {
                report.sessions += 1
                verifyStates(row, &report)
                // What retention took away was there for its time.
                if !row.isPruned { try await verifyOutput(row, &report) }
                after = row.id.rawValue
            }
            if rows.count < Self.pageSessions { return }
        }
    }

    private func verifyStates(_ row: SessionRow, _ report: inout Report) {
        guard let mapping = row.mapping else {
            report.find("state.mapping", row.id.rawValue, "The session has no mapping.")
            return
        }
        if !MappingLifecycle.agree(row.status, endedFor: row.reason, exitCode: row.exitCode, mapping: mapping) {
            let end = row.reason.map { ", ended: \($0.rawValue)" } ?? ""
            report.find(
                "state.combination",
                row.id.rawValue,
                "The session is \(row.status.rawValue)\(end), its mapping \(mapping.rawValue); both cannot be."
            )
        }
    }

    private func verifyOutput(_ row: SessionRow, _ report: inout Report) async throws(Fault) {
        let sums = Dictionary(row.sums.map { ($0.stream, $0) }, uniquingKeysWith: { first, _ in first })
        for stream in Protocol.OutputStream.allCases {
            let (end, hash) = try await chain(row.id, row.fence, stream, &report)
            guard let sum = sums[stream] else {
                if end > 0, row.hasSums {
                    report.find("output.sum", row.id.rawValue, "Its \(stream) is stored but has no sum.")
                }
                continue
            }
            if end != sum.bytes {
                report.find(
                    "output.length",
                    row.id.rawValue,
                    "Its \(stream) has \(sum.bytes) bytes; stored are \(end)."
                )
            } else if hash != sum.hash {
                report.find("output.hash", row.id.rawValue, "Its \(stream) is not what the process wrote.")
            }
        }
    }

    /// Where a stream ends and what its chain amounts to.
    private func chain(
        _ session: SessionID,
        _ number: Int64,
        _ stream: Protocol.OutputStream,
        _ report: inout Report
    ) async throws(Fault) -> (Int64, ChainHash) {
        var (end, hash) = (Int64(0), ChainHash.origin)
        while true {
            let rows = try await database.query(SQL.chunks, [session, number, stream, end, Self.pageRows])
            for chunk in rows {
                if chunk.offset != end {
                    let message = "Bytes \(end) to \(chunk.offset) of its \(stream) are missing without a word."
                    report.find("output.missing", session.rawValue, message)
                }
                if let gap = chunk.gap {
                    let message = "Bytes \(gap.from) to \(gap.to) of its \(stream) were dropped: \(gap.reason)"
                    report.find("output.gap", session.rawValue, message, isGap: true)
                    (end, hash) = (gap.to, gap.hash)
                } else {
                    end = chunk.offset + Int64(chunk.bytes.count)
                    hash = hash.appending(chunk.bytes)
                    report.bytes += Int64(chunk.bytes.count)
                }
            }
            if rows.count < Self.pageRows { return (end, hash) }
        }
    }
}
