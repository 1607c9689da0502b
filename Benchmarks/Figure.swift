import Foundation

/// One row of the table: what was measured, what it is held against, and whether that is enough.
struct Figure: Sendable {
    enum Target: Sendable {
        case none
        case atLeast(Double)
        case below(Double)
    }

    let name: String
    /// The measured value, with its unit.
    let value: String
    /// What the ratio is to, with its own figure of the same run.
    let peer: String
    let ratio: Double?
    let target: Target

    init(_ name: String, _ value: String, against peer: String = "–", ratio: Double? = nil, _ target: Target = .none) {
        self.name = name
        self.value = value
        self.peer = peer
        self.ratio = ratio
        self.target = target
    }

    private var cells: [String] {
        let ratioText = ratio.map { String(format: "%.2f", $0) } ?? "–"
        switch target {
        case .none: return [name, value, peer, ratioText, "–", "–"]
        case .atLeast(let least):
            return [name, value, peer, ratioText, String(format: "≥ %g", least), (ratio ?? 0) >= least ? "yes" : "no"]
        case .below(let most):
            return [
                name, value, peer, ratioText, String(format: "< %g", most), (ratio ?? .infinity) < most ? "yes" : "no",
            ]
        }
    }

    /// As one line of a Markdown table.
    var line: String { "| " + cells.joined(separator: " | ") + " |" }

    static func table(_ figures: [Figure]) -> String {
        let head = ["| what | figure | peer in the same run | ratio | target | reached |", "|---|---|---|---|---|---|"]
        return (head + figures.map(\.line)).joined(separator: "\n")
    }
}

extension [Double] {
    /// The middle one; 0 of none.
    var median: Double { isEmpty ? 0 : sorted()[count / 2] }
}
