import Foundation
import TestSupport

/// `docs/limits.md`, from the files that hold the limits.
enum LimitPages {
    static func page() throws -> String {
        var page = head
        for (title, path) in sources {
            let limits = Self.limits(in: try WrittenPage.text(path))
            page += "\n## \(title)\n\nFrom `\(path)`.\n\n"
            page += WrittenPage.table(["limit", "is", "why"], limits.map { ["`\($0.name)`", $0.value, $0.why] })
        }
        return page
    }

    private static let head = """
        # Limits

        <!-- Written by `make docs` from the sources; a test keeps it true. Do not edit. -->

        Every number that bounds what a peer or a caller can do. Over a limit is an answer with a code (`TOO_LARGE`,
        `RATE_LIMITED`, a close code), never a dropped connection without a word. What an operator may change stands in
        `deploy/hub.yaml.example` and `deploy/spoke.yaml.example`.

        """

    private static let sources = [
        ("Both ends", "Sources/Protocol/Foundations/Limits.swift"),
        ("The hub's doors", "Sources/Hub/Core/HubLimits.swift"),
        ("A spoke's operations", "Sources/Spoke/Core/SpokeLimits.swift"),
        ("A session's supervisor", "Sources/Spoke/Supervisor/limits.h"),
    ]

    struct Limit: Equatable {
        var name: String
        var value: String
        var why: String
    }

    /// Each constant of the file with the comment that stands above it; constants without one share it.
    static func limits(in text: String) -> [Limit] {
        var (why, limits, isFresh): (String, [Limit], Bool) = ("", [], false)
        for line in text.components(separatedBy: "\n") {
            let line = line.trimmingCharacters(in: .whitespaces)
            if let comment = line.firstMatch(of: #/^(?:\/\/\/?|\/\*+|\*)\s?(.*?)(?:\s*\*\/)?$/#) {
                why = isFresh ? "\(why) \(comment.1)" : String(comment.1)
                isFresh = true
            } else if let found = line.firstMatch(of: #/^public static let (\w+)(?:: \w+)? = (.+)$/#) {
                limits.append(
                    Limit(name: String(found.1), value: spoken(String(found.2), of: String(found.1)), why: why)
                )
                isFresh = false
            } else if let found = line.firstMatch(of: #/^#define (\w+) (.+?)(?:\s*\/\*\s*(.*?)\s*\*\/)?$/#) {
                let own = found.3.map(String.init) ?? why
                limits.append(
                    Limit(name: String(found.1), value: spoken(String(found.2), of: String(found.1)), why: own)
                )
                isFresh = false
            } else {
                (why, isFresh) = ("", false)
            }
        }
        return limits.map { Limit(name: $0.name, value: $0.value, why: $0.why.trimmingCharacters(in: .whitespaces)) }
    }

    /// `1 << 20` as people read it; a size where the name says bytes, otherwise a number.
    private static func spoken(_ code: String, of name: String) -> String {
        if let shift = code.firstMatch(of: #/^\(?(\d+) << (\d+)\)?$/#), let base = Int(shift.1), let bits = Int(shift.2)
        {
            let number = base << bits
            guard name.lowercased().hasSuffix("bytes") else { return bits < 40 ? "\(number)" : "2^\(bits)" }
            for (unit, name) in [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")]
            where number >= unit && number.isMultiple(of: unit) {
                return "\(number / unit) \(name)"
            }
            return "\(number)"
        }
        if let time = code.firstMatch(of: #/^Duration\.(\w+)\(([\d_]+)\)$/#) {
            return "\(time.2.replacing("_", with: "")) \(time.1 == "seconds" ? "s" : "ms")"
        }
        return code.replacing("_", with: "")
    }
}
