import Foundation

/// Where a long list goes on: the sort key of the last row of the page before, so that a page costs the same wherever
/// it is. Opaque to callers; what it says is checked by nothing but the query's types, because it grants nothing.
public enum PageCursor {
    /// The sort key's parts as one opaque text.
    public static func text(_ parts: [String]) -> String {
        Data(WireCoder.bytes(of: parts)).base64EncodedString()
    }

    /// The parts back; `VALIDATION_ERROR` for what was not made here.
    public static func parts(of text: String?, count: Int) throws(Fault) -> [String]? {
        guard let text else { return nil }
        guard text.utf8.count <= 4_096, let data = Data(base64Encoded: text),
            let parts = try? JSONDecoder().decode([String].self, from: data),  // Whatever else it is, it is not ours.
            parts.count == count
        else {
            throw .invalid("cursor", "is not one that a list answered with; start again without it.")
        }
        return parts
    }

    /// A page's size as asked for, or the usual one.
    public static func limit(_ asked: Int?, usual: Int = 100, most: Int = 500) throws(Fault) -> Int {
        guard let asked else { return usual }
        guard (1...most).contains(asked) else { throw .invalid("limit", "must be between 1 and \(most).") }
        return asked
    }
}
