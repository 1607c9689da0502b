import Foundation
import Postgres
import Protocol

/// The batches of one group commit as the statements want them: marks and output in columns, states in order.
struct JournalDelivery {
    /// A record that changes states, or one that cannot be read.
    struct State {
        var spoke: SpokeID
        var record: StreamRecord
        var type: JournalRecordType
    }

    /// Something unreadable, told to the operator and skipped.
    struct Refusal {
        var spoke: SpokeID
        var record: StreamRecord
        var why: String
    }

    private(set) var batches: [JournalBatch] = []
    private(set) var states: [State] = []
    private(set) var refusals: [Refusal] = []

    private var sessions = (spokes: [SpokeID](), ids: [SessionID](), fences: [Int64]())
    private var places: [Place: Int32] = [:]
    private var output = (
        ids: [String](), places: [Int32](), streams: [Protocol.OutputStream](), offsets: [Int64](),
        contents: [[UInt8]](),
        times: [Date]()
    )
    private var ids = SortableIds()

    private struct Place: Hashable {
        var spoke: SpokeID
        var session: SessionID
        var fence: Int64
    }

    var isEmpty: Bool { batches.isEmpty }
    var hasOutput: Bool { !output.ids.isEmpty }
    /// Sessions that printed something.
    var printing: Set<SessionID> { Set(sessions.ids) }

    mutating func add(_ batch: JournalBatch) {
        batches.append(batch)
        for record in batch.records { sort(record, of: batch.spokeId) }
    }

    private mutating func sort(_ record: StreamRecord, of spoke: SpokeID) {
        guard let type = JournalRecordType(rawValue: record.type) else {
            refusals.append(Refusal(spoke: spoke, record: record, why: "Its type is not known to this hub."))
            return
        }
        guard type == .sessionOutput else {
            states.append(State(spoke: spoke, record: record, type: type))
            return
        }
        guard let chunk = OutputChunk(decoding: record.payload), chunk.fence >= 0,
            !chunk.sessionId.rawValue.utf8.contains(0)
        else {
            refusals.append(Refusal(spoke: spoke, record: record, why: "Its output cannot be read."))
            return
        }
        let key = Place(spoke: spoke, session: chunk.sessionId, fence: chunk.fence)
        let place = places[key] ?? enter(key)
        output.ids.append(ids.next())
        output.places.append(place)
        output.streams.append(chunk.stream)
        output.offsets.append(chunk.offset)
        output.contents.append(chunk.bytes)
        output.times.append(Self.time(record.at))
    }

    private mutating func enter(_ key: Place) -> Int32 {
        sessions.spokes.append(key.spoke)
        sessions.ids.append(key.session)
        sessions.fences.append(key.fence)
        let place = Int32(sessions.ids.count)
        places[key] = place
        return place
    }

    /// A spoke's clock may say anything; what is stored is a time that everything can hold.
    static func time(_ milliseconds: Int64) -> Date {
        Date(milliseconds: min(max(milliseconds, 0), 7_258_118_400_000))
    }

    /// `$1`…`$7` of the statements that move marks.
    var moveValues: [(any Bindable)?] {
        let marks = batches.map { $0.after ?? .start(of: 0) }
        let ends = batches.map { batch in batch.records.last.map { StreamMark(after: $0) } ?? .start(of: 0) }
        return [
            batches.map(\.spokeId), batches.map(\.incarnation), marks.map(\.epoch), marks.map(\.seq),
            marks.map(\.hash.bytes), ends.map(\.seq), ends.map(\.hash.bytes),
        ]
    }

    /// The columns of the output: whose, then what.
    var outputValues: [(any Bindable)?] {
        [
            sessions.spokes, sessions.ids, sessions.fences, output.ids, output.places, output.streams, output.offsets,
            output.contents, output.times,
        ]
    }
}
