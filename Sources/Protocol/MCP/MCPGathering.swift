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
    /// Values that came when there was no room any more.
    private(set) var leftOut = 0
    /// The last of those, if it is small: a program's end is the last thing that is said of it.
    private(set) var last: JSONValue?
    private var bytes = 0
    private let valuesMax: Int
    private let runsOn: Bool

    /// - Parameter runsOn: Values are left out when there is no more room, and the subscription goes on to its end.
    init(valuesMax: Int, runsOn: Bool = false) {
        self.valuesMax = valuesMax
        self.runsOn = runsOn
    }

    /// All that came.
    var count: Int { values.count + leftOut }

    /// Whether the subscription is over because there is no more room.
    var isFull: Bool { stopped != nil && !runsOn }

    /// Takes one value in, or says that there is no room. The last value that fits ends the subscription, unless it
    /// runs on.
    mutating func take(_ value: JSONValue, bytes size: Int, id: String?) -> Bool {
        guard stopped == nil else { return leaveOut(value, bytes: size) }
        guard bytes + size <= Limits.mcpResultBytes else {
            stopped = .bytes
            return leaveOut(value, bytes: size)
        }
        bytes += size
        values.append(value)
        lastEventId = id ?? lastEventId
        if values.count >= valuesMax { stopped = .values }
        return true
    }

    private mutating func leaveOut(_ value: JSONValue, bytes size: Int) -> Bool {
        guard runsOn else { return false }
        leftOut += 1
        last = size <= Limits.mcpProgressBytes ? value : nil
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
    /// The session is over: nothing will come behind it.
    private(set) var isOver = false

    init(from offset: Int64) { nextOffset = offset }

    /// Takes a piece in; answers whether there may be room for another.
    mutating func take(_ piece: SessionOutputPiece) -> Bool {
        guard !isCut else { return false }
        if let gap = piece.gapTo, let offset = piece.offset {
            dropped += gap - offset
            nextOffset = gap
        }
        if piece.ended != nil { isOver = true }
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
