import Foundation

/// What has come of a subscription so far, within its bounds.
struct MCPGathered: Sendable {
    /// Why a subscription was ended before its natural end.
    enum Stop: String, Sendable {
        case values, bytes, deadline
    }

    private(set) var values: [JSONValue] = []
    private(set) var lastEventId: String?
    var stopped: Stop?
    private var bytes = 0
    private let valuesMax: Int

    init(valuesMax: Int) { self.valuesMax = valuesMax }

    /// Takes one value in, or says that there is no room. The last value that fits ends the subscription.
    mutating func take(_ value: JSONValue, bytes size: Int, id: String?) -> Bool {
        guard stopped == nil else { return false }
        guard bytes + size <= Limits.mcpResultBytes else {
            stopped = .bytes
            return false
        }
        bytes += size
        values.append(value)
        lastEventId = id ?? lastEventId
        if values.count >= valuesMax { stopped = .values }
        return true
    }
}

/// A part of a session's output.
struct MCPOutput: Hashable, Sendable {
    private(set) var bytes: [UInt8] = []
    private(set) var nextOffset: Int64
    /// Bytes of the part that nobody has any more.
    private(set) var dropped: Int64 = 0
    /// There is more behind it.
    private(set) var isCut = false

    init(from offset: Int64) { nextOffset = offset }

    /// Takes a piece in; answers whether there may be room for another.
    mutating func take(_ piece: SessionOutputPiece) -> Bool {
        guard !isCut else { return false }
        if let gap = piece.gapTo, let offset = piece.offset {
            dropped += gap - offset
            nextOffset = gap
        }
        guard let data = piece.bytes else { return true }
        let room = Limits.mcpResultBytes - bytes.count
        bytes += data.prefix(room)
        // In “all” the streams count for themselves, so only one stream can be taken up again exactly.
        nextOffset = (piece.offset ?? nextOffset) + Int64(min(room, data.count))
        isCut = data.count > room
        return !isCut
    }
}

/// What is gathered while values come in from another task.
public actor MCPBasket<Contents: Sendable> {
    public private(set) var contents: Contents

    public init(_ contents: Contents) { self.contents = contents }

    /// Changes the contents, and answers as `change` does.
    public func change<Value: Sendable>(_ change: @Sendable (inout Contents) -> Value) -> Value { change(&contents) }
}
