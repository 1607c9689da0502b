import Foundation
import Postgres
import Protocol

/// What sessions printed, read chunk by chunk.
struct OutputStore: Sendable {
    let database: Database

    /// Chunks of one page. At 64 KiB each they are what one reader may hold in memory.
    static let pageChunks = 32

    /// A stored chunk, or the gap where one was.
    struct Chunk: RowDecodable {
        var id: String
        var offset: Int64
        var bytes: [UInt8]
        var gap: OutputGap?

        /// The first byte behind it.
        var end: Int64 { gap.map { max($0.to, offset) } ?? offset + Int64(bytes.count) }

        init(_ row: Row) throws(Fault) {
            id = try row["id"]
            offset = try row["byte_offset"]
            bytes = try row["content"]
            gap = try row.json("gap")
        }
    }

    /// Chunks of one stream that end behind `offset`, in order.
    func page(
        _ session: SessionID,
        number: Int64,
        stream: Protocol.OutputStream,
        from offset: Int64
    ) async throws(Fault) -> [Chunk] {
        let chunks = try await database.query(SQL.page, [session, number, stream, offset, Self.pageChunks])
        return chunks.filter { $0.end > offset }
    }

    /// Takes the output of a few sessions away that ended longer ago than this; answers of how many.
    func prune(olderThanDays days: Int) async throws(Fault) -> Int {
        try await database.execute(SQL.prune, [days, Self.prunedSessions])
    }

    private static let prunedSessions = 20

    enum SQL {
        static let prune = Statement<Void>(
            """
            WITH old AS (
                SELECT id FROM nave.sessions
                 WHERE ended_at < now() - make_interval(days => $1::int) AND output_pruned_at IS NULL
                 ORDER BY ended_at LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED
            ), taken AS (
                DELETE FROM nave.session_output o USING old WHERE o.session_id = old.id
            )
            UPDATE nave.sessions s SET output_pruned_at = now() FROM old WHERE s.id = old.id
            """
        )

        /// Begins with the chunk in which the offset lies, if there is one.
        static let page = Statement<Chunk>(
            """
            SELECT id, byte_offset, content, gap
              FROM nave.session_output
             WHERE session_id = $1 AND session_number = $2 AND stream = $3
               AND byte_offset >= coalesce((
                    SELECT max(b.byte_offset) FROM nave.session_output b
                     WHERE b.session_id = $1 AND b.session_number = $2 AND b.stream = $3 AND b.byte_offset <= $4), 0)
             ORDER BY byte_offset
             LIMIT $5
            """
        )
    }
}

/// Merges a session's streams in the order in which their chunks came, without holding more than a page of each.
struct OutputMerge {
    /// Where each stream goes on.
    private(set) var offsets: [Protocol.OutputStream: Int64]
    private var pages: [Protocol.OutputStream: ArraySlice<OutputStore.Chunk>] = [:]
    private let streams: [Protocol.OutputStream]
    /// The placement of the session whose output it is.
    let fence: Int64

    /// - Parameter id: An ``eventId`` to go on behind; one of an earlier placement says nothing of this one's offsets.
    /// - Throws: `VALIDATION_ERROR` for an id that no value of these streams came with.
    init(
        _ selection: OutputSelection,
        from offset: Int64,
        resumeAt id: String? = nil,
        fence: Int64
    ) throws(Fault) {
        self.fence = fence
        streams = Protocol.OutputStream(rawValue: selection.rawValue).map { [$0] } ?? Protocol.OutputStream.allCases
        offsets = Dictionary(uniqueKeysWithValues: streams.map { ($0, offset) })
        guard let id else { return }
        let parts = id.split(separator: "/", omittingEmptySubsequences: false)
        let placement = parts.count == 2 ? Int64(parts[0]) : 1
        guard parts.count <= 2, let positions = parts.last, let placement, (1...fence).contains(placement) else {
            throw .notGivenOut
        }
        for part in positions.split(separator: ",", omittingEmptySubsequences: false) {
            let pair = part.split(separator: ":", omittingEmptySubsequences: false)
            guard pair.count == 2, let stream = Protocol.OutputStream(rawValue: String(pair[0])),
                let position = Int64(pair[1]), position >= 0, offsets[stream] != nil
            else { throw .notGivenOut }
            if placement == fence { offsets[stream] = position }
        }
    }

    /// Where to go on behind everything that was taken: `stdout:4096,stderr:17`, of a later placement `2/stdout:17`.
    var eventId: String {
        let positions = streams.compactMap { stream in offsets[stream].map { "\(stream.rawValue):\($0)" } }
        return (fence > 1 ? "\(fence)/" : "") + positions.joined(separator: ",")
    }

    /// Streams of which nothing is at hand: load their pages before the next chunk is taken.
    var wanting: [Protocol.OutputStream] { streams.filter { pages[$0]?.isEmpty ?? true } }

    mutating func fill(_ stream: Protocol.OutputStream, _ chunks: [OutputStore.Chunk]) { pages[stream] = chunks[...] }

    /// The earliest chunk at hand as a piece, cut to where its stream goes on.
    mutating func next() -> SessionOutputPiece? {
        let heads = streams.compactMap { stream in pages[stream]?.first.map { (stream: stream, chunk: $0) } }
        guard let (stream, chunk) = heads.min(by: { $0.chunk.id < $1.chunk.id }) else { return nil }
        pages[stream]?.removeFirst()
        let from = max(offsets[stream] ?? 0, chunk.offset)
        offsets[stream] = chunk.end
        if let gap = chunk.gap {
            return SessionOutputPiece(
                stream: stream,
                offset: from,
                nextOffset: chunk.end,
                gapTo: gap.to,
                gapReason: gap.reason
            )
        }
        return SessionOutputPiece(
            stream: stream,
            offset: from,
            nextOffset: chunk.end,
            bytes: Data(chunk.bytes.dropFirst(Int(from - chunk.offset)))
        )
    }
}

extension Fault {
    /// A subscription cannot go on behind a value that there never was: the consumer would get all of it again, or miss
    /// some, without a word.
    static let notGivenOut = Fault.invalid("lastEventId", "is not the id of a value that this subscription sent.")
}
