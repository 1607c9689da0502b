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
        switch message {
        case .append(let batch): .binary(BatchCodec.encode(batch))
        case .hello, .welcome, .refused, .goodbye, .heartbeat, .heartbeatAcknowledged, .operations, .operationsTaken,
            .acknowledged, .rewind, .callRequested, .callResponded, .callCompleted, .callAborted, .callFailed,
            .callCredit, .unknown:
            .text(EnvelopeCodec.encode(message))
        }
    }

    /// The message in a frame that a peer sent.
    public static func decode(_ frame: Frame) throws(CloseReason) -> Decoded {
        guard frame.count <= Limits.frameBytes else {
            throw .tooLarge("A message may have \(Limits.frameBytes) bytes, not \(frame.count).")
        }
        switch frame {
        case .text(let bytes):
            do throws(JSONProblem) {
                return try EnvelopeCodec.decode(bytes)
            } catch {
                throw error.closeReason
            }
        case .binary(let bytes):
            return try BatchCodec.decode(bytes)
        }
    }
}
