/// How far a receiver of a durable stream has durably applied it.
public struct StreamMark: Codable, Hashable, Sendable {
    public var epoch: Int64
    /// The last record applied; 0 before the first.
    public var seq: Int64
    /// The hash of that record, ``ChainHash/origin`` before the first.
    public var hash: ChainHash

    public init(epoch: Int64, seq: Int64, hash: ChainHash) {
        self.epoch = epoch
        self.seq = seq
        self.hash = hash
    }

    /// Before the first record of an epoch.
    public static func start(of epoch: Int64) -> StreamMark { .init(epoch: epoch, seq: 0, hash: .origin) }

    /// The mark after a record was applied.
    public init(after record: StreamRecord) {
        self.init(epoch: record.epoch, seq: record.seq, hash: record.hash)
    }
}
