/// What callers may name calls, keys and traces with, whichever door they come through: texts that stand in headers,
/// logs and the database as they are.
public enum VisibleText {
    /// What is wrong with a text; `nil` if nothing is.
    ///
    /// - Parameter path: where it stood, for the message.
    public static func violation(_ text: String?, at path: String) -> Fault.Violation? {
        guard let text else { return nil }
        let longest = Limits.requestIdBytes
        let isSound = (1...longest).contains(text.utf8.count) && text.utf8.allSatisfy { (0x21...0x7E).contains($0) }
        return isSound ? nil : .init(path: path, message: "must be 1 to \(longest) visible ASCII characters.")
    }
}
