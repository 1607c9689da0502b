/// Hides secrets in a stream, whatever the pieces it comes in: each byte of each form of a secret becomes `*`.
///
/// Lengths stay, so an offset means the same before and after. Held back are only bytes that may be the beginning
/// of a secret, and with them what they share with a secret already found: so whoever begins anew at the first byte
/// that was held back, as after a crash, gets the same stream. (The exception is a run of overlapping secrets longer
/// than twice the longest form: it is let go of, hidden, without waiting for its end.)
public struct Redactor: Sendable {
    private var patterns: SecretPatterns
    private var state: Int32 = 0
    /// What was read and not released, as it came, and which parts of it are to be hidden, in order, apart.
    private var held: [UInt8] = []
    private var hidden: [Range<Int>] = []

    public init(_ patterns: SecretPatterns) { self.patterns = patterns }

    /// How many bytes wait for what comes next.
    public var heldCount: Int { held.count }

    /// Takes the next bytes and returns what can be released, from the first byte held back on.
    public mutating func redact(_ bytes: some Collection<UInt8>) -> [UInt8] {
        let known = held.count
        held.append(contentsOf: bytes)
        guard !patterns.isEmpty else { return release(held.count) }
        scan(from: known)
        return release(boundary())
    }

    /// Nothing follows: returns what was held back. The redactor is as new.
    public mutating func finish() -> [UInt8] {
        state = 0
        return release(held.count)
    }

    /// Looks for these from here on, also in what is held back.
    public mutating func use(_ patterns: SecretPatterns) {
        self.patterns = patterns
        state = 0
        if !patterns.isEmpty { scan(from: 0) }
    }

    /// One text, all at once.
    public static func redact(_ text: [UInt8], with patterns: SecretPatterns) -> [UInt8] {
        var redactor = Redactor(patterns)
        let begin = redactor.redact(text)
        return begin + redactor.finish()
    }

    private mutating func scan(from start: Int) {
        var state = state
        var found: [Range<Int>] = []
        held.withUnsafeBufferPointer { text in
            patterns.nodes.withUnsafeBufferPointer { nodes in
                patterns.tables.withUnsafeBufferPointer { tables in
                    for index in start..<text.count {
                        state = SecretPatterns.step(state, text[index], nodes, tables)
                        if state == 0 { continue }
                        var node = nodes[Int(state)]
                        if node.match > 0 { found.append(index + 1 - Int(node.match)..<index + 1) }
                        // A leaf moves as what it falls back to does, and that holds back less.
                        while node.isLeaf, state != 0 {
                            state = node.link
                            node = nodes[Int(state)]
                        }
                    }
                }
            }
        }
        self.state = state
        for range in found { hide(range) }
    }

    /// Ranges come with growing ends; those that share a byte become one.
    private mutating func hide(_ range: Range<Int>) {
        var start = range.lowerBound
        while let last = hidden.last, last.upperBound > start {
            start = min(start, last.lowerBound)
            hidden.removeLast()
        }
        hidden.append(start..<range.upperBound)
    }

    /// How much of what is held can go: all but what may begin a secret, and no part of a hidden range without the
    /// rest.
    private func boundary() -> Int {
        let free = held.count - Int(patterns.nodes[Int(state)].depth)
        guard let cut = hidden.last(where: { $0.lowerBound < free && free < $0.upperBound }) else { return free }
        return held.count - cut.lowerBound <= 2 * patterns.longest ? cut.lowerBound : free
    }

    private mutating func release(_ count: Int) -> [UInt8] {
        var released = Array(held.prefix(count))
        held.removeFirst(count)
        for range in hidden where range.lowerBound < count {
            for index in range.clamped(to: 0..<count) { released[index] = UInt8(ascii: "*") }
        }
        hidden = hidden.compactMap { range in
            range.upperBound > count ? max(range.lowerBound - count, 0)..<range.upperBound - count : nil
        }
        return released
    }
}
