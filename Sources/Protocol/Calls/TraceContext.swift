/// The trace that a call belongs to, as it goes along with the call (W3C Trace Context, 3.2).
public enum TraceContext {
    /// The variable that names a program its trace.
    public static let variable = "TRACEPARENT"

    /// Whether a text is a `traceparent` that can be handed on: a version that is not `ff`, 32 digits of a trace, 16 of
    /// a call in it, 2 of flags, in small hexadecimal digits with hyphens between; neither id is all zero.
    public static func isSound(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        guard bytes.count == 55, bytes[2] == hyphen, bytes[35] == hyphen, bytes[52] == hyphen else { return false }
        let parts = [bytes[0..<2], bytes[3..<35], bytes[36..<52], bytes[53..<55]]
        guard parts.allSatisfy({ $0.allSatisfy(isDigit) }) else { return false }
        return !parts[0].elementsEqual("ff".utf8) && parts[1...2].allSatisfy { $0.contains { $0 != zero } }
    }

    private static let hyphen = UInt8(ascii: "-")
    private static let zero = UInt8(ascii: "0")

    private static func isDigit(_ byte: UInt8) -> Bool {
        (zero...UInt8(ascii: "9")).contains(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
    }
}
