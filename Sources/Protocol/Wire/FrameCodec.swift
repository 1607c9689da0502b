/// Messages as frames and frames as messages.
///
/// Batches of records are binary, everything else is a text envelope. Encoding cannot fail; decoding refuses
/// with the code and the sentence that the connection is to be closed with. Whatever the input, decoding neither
/// crashes nor allocates more than the input's size times a small constant.
public enum FrameCodec {
    /// What a frame turned out to be.
    public enum Decoded: Hashable, Sendable {
        case message(LinkMessage)
        /// A type that this side does not know: answer `protocol.unknown` with it and go on.
        case unrecognized(type: String)
    }

    /// The message as it travels.
    public static func encode(_ message: LinkMessage) -> Frame {
        .text([])
    }

    /// The message in a frame that a peer sent.
    public static func decode(_ frame: Frame) throws(CloseReason) -> Decoded {
        throw .notText
    }
}
