/// Names that a caller may have meant.
public enum Nearness {
    /// `NOT_FOUND` that names what is near, at most three, nearest first.
    public static func notFound(
        _ kind: String,
        _ wanted: String,
        among names: [String],
        listedBy operation: String
    ) -> Fault {
        let near = nearest(wanted, among: names)
        let hint =
            near.isEmpty
            ? "list them with \(operation)." : "did you mean \(near.map { "“\($0)”" }.joined(separator: " or "))?"
        let shown = String(wanted.prefix(100))
        return Fault(
            .notFound,
            "There is no \(kind) “\(shown)”; \(hint)",
            details: .object(["near": .array(near.map(JSONValue.string))])
        )
    }

    /// At most three, nearest first.
    public static func nearest(_ wanted: String, among names: [String]) -> [String] {
        let folded = Array(wanted.lowercased().prefix(64))
        let limit = folded.count < 4 ? 1 : max(2, folded.count / 3)
        let scored = names.compactMap { name -> (Int, String)? in
            let other = Array(name.lowercased().prefix(64))
            let contains = !folded.isEmpty && (String(other).contains(String(folded)) || String(folded).contains(name))
            let steps = contains ? 1 : distance(folded, other)
            return steps <= limit ? (steps, name) : nil
        }
        return scored.sorted { ($0.0, $0.1) < ($1.0, $1.1) }.prefix(3).map(\.1)
    }

    /// Levenshtein's distance, one row at a time.
    private static func distance(_ first: [Character], _ second: [Character]) -> Int {
        var row = Array(0...second.count)
        for (index, character) in first.enumerated() {
            var diagonal = row[0]
            row[0] = index + 1
            for (column, other) in second.enumerated() {
                let above = row[column + 1]
                row[column + 1] = min(row[column] + 1, above + 1, diagonal + (character == other ? 0 : 1))
                diagonal = above
            }
        }
        return row[second.count]
    }
}
