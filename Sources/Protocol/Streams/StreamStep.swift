/// What one end of a durable stream wants done. The link turns it into an action of its own.
public enum StreamStep: Hashable, Sendable {
    /// Sender: read records behind `after` from the store: at least one, then as many as fit both bounds.
    case load(after: Int64, maxRecords: Int, maxBytes: Int)
    /// Sender: put this on the wire.
    case send(StreamBatch)
    /// Sender: the receiver has everything up to here for ever.
    case released(StreamPosition)
    /// Receiver: store these and move the durable mark, in one transaction.
    case apply([StreamRecord])
    /// Receiver: tell the sender that everything up to here is durable.
    case acknowledge(StreamPosition)
    /// Receiver: tell the sender where to begin again.
    case rewind(StreamRewind)
    /// Either: the stream cannot go on over this connection.
    case fail(CloseReason)
}
