import ArgumentParser

/// A length of time on a command line: `500ms`, `90s`, `10m`, `1h`, `2d`; a bare number is seconds.
struct DurationArgument: ExpressibleByArgument {
    let duration: Duration

    init(_ duration: Duration) { self.duration = duration }

    init?(argument: String) {
        let number = argument.prefix { $0.isASCII && $0.isNumber }
        guard let value = Int64(number), value < 1_000_000_000 else { return nil }
        switch argument[number.endIndex...] {
        case "ms": duration = .milliseconds(value)
        case "s", "": duration = .seconds(value)
        case "m": duration = .seconds(value * 60)
        case "h": duration = .seconds(value * 3_600)
        case "d": duration = .seconds(value * 86_400)
        default: return nil
        }
    }

    var defaultValueDescription: String { "\(duration.components.seconds)s" }
}
