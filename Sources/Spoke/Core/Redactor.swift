import Protocol

/// The secrets to look for.
public struct SecretPatterns: Sendable {
    /// Nothing to look for.
    public static let none = SecretPatterns(secrets: [])

    public init(secrets: [[UInt8]]) {}
}

/// Replaces secrets in a stream.
public struct Redactor: Sendable {
    public init(_ patterns: SecretPatterns) {}

    public var heldCount: Int { 0 }

    public mutating func redact(_ bytes: some Collection<UInt8>) -> [UInt8] { Array(bytes) }

    public mutating func finish() -> [UInt8] { [] }

    public mutating func use(_ patterns: SecretPatterns) {}
}

/// Redacts records.
public enum RecordRedaction {
    public static func redact(_ payload: [UInt8], with patterns: SecretPatterns) -> [UInt8] { payload }
}
