public import Protocol

/// Whether an answer fits into one frame of a link.
public enum AnswerSize {
    /// What an envelope takes besides its output.
    static let reserve = 4_096

    public static func fits(_ value: JSONValue) -> Bool { value.fits(in: Limits.frameBytes - reserve) }
}
