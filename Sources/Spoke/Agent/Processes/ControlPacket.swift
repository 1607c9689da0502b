import Protocol

/// What the agent tells a supervisor (`control.h`): eight bytes of header, then the order's own.
enum ControlOrder: Equatable, Sendable {
    case consumed(OutputStream, Int64)
    case input([UInt8])
    case closeInput
    case stop(graceMilliseconds: Int64)
    case release

    /// Input that may be on its way into the process.
    static let inputBytes = 64 << 10

    var encoded: [UInt8] {
        switch self {
        case .consumed(let stream, let offset): Self.header(1, stream.number) + Self.number(offset)
        case .input(let bytes): Self.header(2) + bytes
        case .closeInput: Self.header(3)
        case .stop(let grace): Self.header(4) + Self.number(grace)
        case .release: Self.header(5)
        }
    }

    private static func header(_ order: UInt8, _ stream: UInt8 = 0) -> [UInt8] { [order, stream, 0, 0, 0, 0, 0, 0] }

    private static func number(_ value: Int64) -> [UInt8] { withUnsafeBytes(of: value.littleEndian) { Array($0) } }
}

/// What a supervisor tells its agent: always sixteen bytes.
enum ControlBell: Equatable, Sendable {
    /// The leader's pid, 0 if there is none, and the input bytes that were ever received.
    case hello(pid: Int32, inputReceived: Int64)
    /// The stream's file has this many bytes; `nil` is the event log.
    case size(OutputStream?, Int64)
    /// Input bytes that the process was given, and whether its input is closed.
    case input(written: Int64, closed: Bool)
    /// Nothing was started.
    case refused(Refusal, error: Int32)

    enum Refusal: UInt8, Sendable {
        case running = 1
        case started = 2
        case folder = 3
    }

    static let byteCount = 16

    init?(_ packet: some Collection<UInt8>) {
        guard packet.count == Self.byteCount else { return nil }
        let bytes = Array(packet)
        let number = bytes[4..<8].reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        let value = Int64(bitPattern: bytes[8..<16].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
        switch bytes[0] {
        case 1: self = .hello(pid: Int32(bitPattern: number), inputReceived: value)
        case 2:
            let stream = OutputStream(number: bytes[1])
            guard stream != nil || bytes[1] == 0 else { return nil }
            self = .size(stream, value)
        case 3: self = .input(written: value, closed: number == 1)
        case 4:
            guard let refusal = Refusal(rawValue: bytes[1]) else { return nil }
            self = .refused(refusal, error: Int32(bitPattern: number))
        default: return nil
        }
    }
}
