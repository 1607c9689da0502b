import Foundation
import Protocol

/// What texts from callers may look like. Nothing that begins with `-` gets past here: it might reach a program as an
/// option; and no control characters: they would forge lines of logs and screens.
enum Wording {
    static func hasControl(_ text: String) -> Bool {
        // Nearly everything is plain ASCII, and a byte is told from a control character sooner than a scalar.
        if text.utf8.allSatisfy({ (0x20...0x7E).contains($0) }) { return false }
        return text.unicodeScalars.contains {
            $0.properties.generalCategory == .control || $0.value == 0x2028 || $0.value == 0x2029
        }
    }

    /// What is wrong with a name for people: 1 to ``Limits/nameBytes`` bytes, printable, not an option.
    static func violations(ofName name: String, at path: String) -> [Fault.Violation] {
        if name.trimmingCharacters(in: .whitespaces).isEmpty {
            return [.init(path: path, message: "must not be empty.")]
        }
        return violations(ofText: name, at: path, bytes: Limits.nameBytes)
    }

    /// The same for a text that may be empty.
    static func violations(ofText text: String, at path: String, bytes: Int) -> [Fault.Violation] {
        if text.utf8.count > bytes { return [.init(path: path, message: "must be \(bytes) bytes at most.")] }
        if text.hasPrefix("-") { return [.init(path: path, message: "must not begin with a dash.")] }
        if hasControl(text) { return [.init(path: path, message: "must not contain control characters.")] }
        return []
    }

    /// `namespace:read|write|admin` or `*`.
    static func isScope(_ text: String) -> Bool {
        if text == Identity.everything { return true }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        return parts.count == 2 && isIdentifier(parts[0], bytes: 64) && ["read", "write", "admin"].contains(parts[1])
    }

    /// A letter, then letters, digits, `.`, `_` and `-`.
    static func isIdentifier(_ text: some StringProtocol, bytes: Int) -> Bool {
        guard let first = text.utf8.first, text.utf8.count <= bytes, letters.contains(first) else { return false }
        return text.utf8.allSatisfy { letters.contains($0) || digits.contains($0) || ".-_".utf8.contains($0) }
    }

    /// The first of some names for a sentence; more are said to exist.
    static func naming(_ names: [String]) -> String {
        names.prefix(5).joined(separator: ", ") + (names.count > 5 ? ", …" : "")
    }

    private static let letters = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ".utf8)
    private static let digits = Set("0123456789".utf8)
}
