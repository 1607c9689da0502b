import Protocol

/// What the redactor looks for: all forms of all secrets, as one automaton that reads each byte once.
///
/// Aho and Corasick, “Efficient string matching”, CACM 18(6), 1975. Nodes with several children, and the root, have a
/// table of 256 moves; the long unbranched rest has one byte and one child each, and falls back along its links.
public struct SecretPatterns: Sendable {
    /// Nothing to look for: output passes through untouched.
    public static let none = SecretPatterns([])

    /// The places, in the list given, of secrets that are too short to hide (``leastBytes``): to be warned of.
    public let refused: [Int]
    /// The longest form, in bytes: more than this is never held back for want of the next byte.
    public let longest: Int

    /// As much text around a part shows of every secret that it begins or ends within what hides it.
    public var window: Int { min(longest, Limits.redactionWindow) }

    /// What is shorter is in too many innocent words.
    public static var leastBytes: Int { SecretForms.leastBytes }

    public var isEmpty: Bool { longest == 0 }

    /// - Parameter secrets: the secrets' bytes, as a process would be given them.
    public init(_ secrets: [[UInt8]]) {
        let good = secrets.filter { $0.count >= Self.leastBytes }
        self.init(
            forms: good.reduce(into: Set()) { $0.formUnion(SecretForms.all(of: $1)) },
            refused: secrets.indices.filter { secrets[$0].count < Self.leastBytes }
        )
    }

    /// Patterns taken literally.
    init(forms: Set<[UInt8]>, refused: [Int] = []) {
        self.refused = refused
        longest = forms.map(\.count).max() ?? 0
        nodes = []
        tables = []
        if !forms.isEmpty { build(forms) }
    }

    struct Node: Sendable {
        /// The only child and the byte that leads to it; 0 if there are none or several.
        var child: Int32 = 0
        var byte: UInt8 = 0
        /// Where the node's moves are in ``tables``; -1 without.
        var table: Int32 = -1
        /// The longest other beginning of a pattern that the text here ends with.
        var link: Int32 = 0
        var depth: Int32 = 0
        /// The longest pattern that ends here; 0 for none.
        var match: Int32 = 0

        var isLeaf: Bool { child == 0 && table < 0 }
    }

    private(set) var nodes: [Node]
    private(set) var tables: [Int32]

    /// The state after one more byte.
    @inline(__always)
    static func step(
        _ state: Int32,
        _ byte: UInt8,
        _ nodes: UnsafeBufferPointer<Node>,
        _ tables: UnsafeBufferPointer<Int32>
    ) -> Int32 {
        var state = state
        while true {
            let node = nodes[Int(state)]
            if node.table >= 0 { return tables[Int(node.table) + Int(byte)] }
            if node.child != 0, node.byte == byte { return node.child }
            state = node.link
        }
    }

    private mutating func build(_ forms: Set<[UInt8]>) {
        var children: [[UInt8: Int32]] = [[:]]
        nodes = [Node()]
        for form in forms {
            var at = 0
            for byte in form {
                if let next = children[at][byte] {
                    at = Int(next)
                } else {
                    let next = nodes.count
                    children[at][byte] = Int32(next)
                    children.append([:])
                    var node = Node()
                    node.depth = nodes[at].depth + 1
                    nodes.append(node)
                    at = next
                }
            }
            nodes[at].match = Int32(form.count)
        }
        var queue: [Int] = [0]
        var done = 0
        while done < queue.count {
            let at = queue[done]
            done += 1
            connect(at, to: children[at])
            for (byte, child) in children[at] {
                // The root's children fall back to the root itself.
                let link = at == 0 ? 0 : move(nodes[at].link, byte)
                nodes[Int(child)].link = link
                if nodes[Int(child)].match == 0 { nodes[Int(child)].match = nodes[Int(link)].match }
                queue.append(Int(child))
            }
        }
    }

    /// Gives a node its moves; those it falls back to are nearer to the root and have theirs.
    private mutating func connect(_ at: Int, to children: [UInt8: Int32]) {
        if at != 0, children.count <= 1 {
            if let (byte, child) = children.first { (nodes[at].byte, nodes[at].child) = (byte, child) }
            return
        }
        let moves = (0...255).map { byte in
            children[UInt8(byte)] ?? (at == 0 ? 0 : move(nodes[at].link, UInt8(byte)))
        }
        nodes[at].table = Int32(tables.count)
        tables += moves
    }

    private func move(_ state: Int32, _ byte: UInt8) -> Int32 {
        nodes.withUnsafeBufferPointer { nodes in
            tables.withUnsafeBufferPointer { tables in Self.step(state, byte, nodes, tables) }
        }
    }
}
