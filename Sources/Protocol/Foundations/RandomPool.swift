import Foundation

/// The system's generator, asked for many words at a time: for who draws a few random bits for every message.
///
///     var randomness = RandomPool()
///     let key = UInt32.random(in: .min ... .max, using: &randomness)
public struct RandomPool: RandomNumberGenerator, Sendable {
    private var words: [UInt64] = []

    public init() {}

    public mutating func next() -> UInt64 {
        if let word = words.popLast() { return word }
        words = [UInt64](repeating: 0, count: Self.wordsAtOnce)
        let isFilled = words.withUnsafeMutableBytes { getentropy($0.baseAddress, $0.count) == 0 }
        precondition(isFilled, "The system gives no random bits.")
        return words.removeLast()
    }

    /// As many as `getentropy` gives at once: 256 bytes.
    private static let wordsAtOnce = 32
}
