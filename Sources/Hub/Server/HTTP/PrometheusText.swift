/// Writes numbers in the Prometheus text format, version 0.0.4
/// (https://prometheus.io/docs/instrumenting/exposition_formats/).
struct PrometheusText {
    private(set) var text = ""

    /// Begins a family of numbers. What follows with ``sample(_:_:_:)`` belongs to it.
    mutating func family(_ name: String, _ kind: Kind, help: String) {
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(kind.rawValue)\n"
    }

    mutating func sample(_ name: String, _ labels: KeyValuePairs<String, String>, _ value: Double) {
        let pairs = labels.map { "\($0.key)=\"\(Self.escaped($0.value))\"" }
        let number = Self.number(value)
        text += pairs.isEmpty ? "\(name) \(number)\n" : "\(name){\(pairs.joined(separator: ","))} \(number)\n"
    }

    /// A family of one number.
    mutating func single(_ name: String, _ kind: Kind, help: String, _ value: Double) {
        family(name, kind, help: help)
        sample(name, [:], value)
    }

    /// The samples of one histogram of a family: cumulative buckets, their sum and their count.
    mutating func histogram(_ name: String, _ label: String, _ value: String, _ latencies: Latencies) {
        let escaped = "\(label)=\"\(Self.escaped(value))\""
        for (bound, calls) in latencies.cumulative {
            text += "\(name)_bucket{\(escaped),le=\"\(Self.number(bound))\"} \(calls)\n"
        }
        text += "\(name)_bucket{\(escaped),le=\"+Inf\"} \(latencies.count)\n"
        text += "\(name)_sum{\(escaped)} \(Self.number(latencies.seconds))\n"
        text += "\(name)_count{\(escaped)} \(latencies.count)\n"
    }

    enum Kind: String { case counter, gauge, histogram }

    private static func number(_ value: Double) -> String {
        value == value.rounded() && abs(value) < 1e15 ? String(Int64(value)) : String(value)
    }

    private static func escaped(_ value: String) -> String {
        value.reduce(into: "") { text, character in
            switch character {
            case "\\": text += "\\\\"
            case "\"": text += "\\\""
            case "\n": text += "\\n"
            default: text.append(character)
            }
        }
    }
}
