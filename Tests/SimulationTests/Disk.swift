import Protocol
import TestSupport

/// A spoke's file: what is durable, what is only written, and what a crash leaves of it.
struct Disk {
    private(set) var epoch: Int64 = 1
    /// Durable and not yet deleted, oldest first.
    private(set) var records: [StreamRecord] = []
    /// Written and not yet synced.
    private(set) var unsynced: [StreamRecord] = []
    private(set) var next: Int64 = 1
    private var head = ChainHash.origin
    /// The commands that were carried out, in order, and the mark that was stored with them.
    private(set) var commands: [StreamRecord] = []
    private(set) var commandsMark = StreamMark.start(of: 0)
    /// Every record that ever became durable: what the hub may know.
    private(set) var history: [Int64: [StreamRecord]] = [:]

    var summary: JournalSummary {
        JournalSummary(epoch: epoch, first: next - Int64(records.count), next: next, headHash: head)
    }

    mutating func write(_ payload: String) {
        let previous = unsynced.last?.hash ?? head
        let seq = next + Int64(unsynced.count)
        let bytes = Array(payload.utf8)
        unsynced.append(
            StreamRecord(epoch: epoch, seq: seq, at: 0, type: "test", payload: bytes, after: previous)
        )
    }

    mutating func sync() { keep(unsynced.count) }

    private mutating func keep(_ count: Int) {
        let kept = unsynced.prefix(count)
        records += kept
        history[epoch, default: []] += kept
        next += Int64(kept.count)
        head = kept.last?.hash ?? head
        unsynced = []
    }

    /// A crash: of what was not synced any beginning may have reached the disk; a torn record is cut off. Rarely
    /// the whole file is gone, and a new epoch begins.
    mutating func crash(_ random: inout SplitMix64) {
        keep(Int.random(in: 0...unsynced.count, using: &random))
        guard random.chance(2) else { return }
        epoch += 1
        (records, next, head) = ([], 1, .origin)
    }

    func load(after: Int64, maxRecords: Int, maxBytes: Int) -> [StreamRecord] {
        var bytes = 0
        var loaded: [StreamRecord] = []
        for record in records where record.seq > after {
            bytes += record.weight
            guard loaded.count < maxRecords, loaded.isEmpty || bytes <= maxBytes else { break }
            loaded.append(record)
        }
        return loaded
    }

    mutating func delete(through seq: Int64) { records.removeAll { $0.seq <= seq } }

    /// One transaction: the commands and their mark.
    mutating func apply(_ batch: [StreamRecord]) -> StreamMark {
        for record in batch {
            let isNext =
                record.epoch == commandsMark.epoch
                ? record.seq == commandsMark.seq + 1 : record.epoch > commandsMark.epoch && record.seq == 1
            guard isNext else { continue }
            commands.append(record)
            commandsMark = StreamMark(after: record)
        }
        return commandsMark
    }
}

/// The hub's database, as far as one spoke goes. What is in it survives every crash of the hub.
struct HubDatabase {
    var isAway = false
    var incarnation: String?
    var replaced: Set<String> = []
    var journalMark = StreamMark.start(of: 1)
    /// Everything that was ever applied, in order.
    var journal: [StreamRecord] = []
    var commands: [StreamRecord] = []
    /// The highest acknowledgement of commands.
    var commandsAcknowledged: Int64 = 0

    mutating func order(_ payload: String) {
        let (seq, previous) = (Int64(commands.count) + 1, commands.last?.hash ?? .origin)
        commands.append(
            StreamRecord(epoch: 1, seq: seq, at: 0, type: "order", payload: Array(payload.utf8), after: previous)
        )
    }

    enum Applied {
        case mark(StreamMark)
        case fenced
        case away
    }

    /// One transaction: guarded by the incarnation and by where the mark stands.
    mutating func apply(_ batch: [StreamRecord], from incarnation: String) -> Applied {
        guard !isAway else { return .away }
        guard incarnation == self.incarnation, let first = batch.first else { return .fenced }
        guard first.epoch == journalMark.epoch, first.seq == journalMark.seq + 1 else {
            return first.epoch == journalMark.epoch ? .mark(journalMark) : .fenced
        }
        journal += batch
        if let last = batch.last { journalMark = StreamMark(after: last) }
        return .mark(journalMark)
    }
}
