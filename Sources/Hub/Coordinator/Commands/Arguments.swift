import ArgumentParser
import Foundation
import Protocol

/// A length of time on a command line: `500ms`, `90s`, `10m`, `1h`, `2d`.
struct DurationArgument: ExpressibleByArgument {
    let duration: Duration

    var seconds: Double { Double(duration.nanoseconds) / 1e9 }

    init?(argument: String) {
        let number = argument.prefix { $0.isNumber || $0 == "." }
        guard let value = Double(number), value >= 0 else { return nil }
        let unit: Double? =
            switch argument[number.endIndex...] {
            case "ms": 0.001
            case "s", "": 1
            case "m": 60
            case "h": 3_600
            case "d": 86_400
            default: nil
            }
        guard let unit, value * unit < 1e9 else { return nil }
        duration = .milliseconds(Int64(value * unit * 1_000))
    }
}

/// `k=v` on a command line.
enum KeyValue {
    static func parse(_ arguments: [String], option: String) throws -> [String: String] {
        var values: [String: String] = [:]
        for argument in arguments {
            guard let equals = argument.firstIndex(of: "="), equals != argument.startIndex else {
                throw ValidationError("\(option) takes NAME=VALUE, not “\(argument)”.")
            }
            values[String(argument[..<equals])] = String(argument[argument.index(after: equals)...])
        }
        return values
    }
}

/// A text on a command line: itself, `@FILE`, or `-` for standard input.
enum TextArgument {
    static func read(_ argument: String) throws -> String {
        if argument == "-" { return String(decoding: FileHandle.standardInput.readDataToEndOfFile(), as: UTF8.self) }
        guard argument.hasPrefix("@") else { return argument }
        let path = String(argument.dropFirst())
        guard let data = FileManager.default.contents(atPath: path) else {
            throw CommandFailure.configuration("The file \(path) cannot be read.")
        }
        return String(decoding: data, as: UTF8.self)
    }

    /// The same, as JSON; an empty object for nothing.
    static func readJSON(_ argument: String?) throws -> JSONValue {
        guard let argument else { return .object([:]) }
        let text = try read(argument)
        do {
            return try WireCoder.value(from: Array(text.utf8))
        } catch {
            throw ValidationError("The input is not JSON: \(error.message)")
        }
    }
}
