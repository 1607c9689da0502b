/// One whole WebSocket message, as bytes.
public enum Frame: Hashable, Sendable {
    /// UTF-8: one envelope `{"type","id","payload"}`.
    case text([UInt8])
    /// A batch of records, nothing escaped.
    case binary([UInt8])

    /// The length on the wire, without the WebSocket header.
    public var count: Int {
        switch self {
        case .text(let bytes), .binary(let bytes): bytes.count
        }
    }
}
