import Foundation
import Protocol

/// What Nave costs, each figure beside a peer or a limit that was measured in the same run.
///
///     Bench [schema | codec | echo | journal | commits | recorder | spawn | calls | fanout | idle …] [--seconds 2]
///           [--rounds 5] [--scratch DIR] [--alone]
///
/// Run it by `make bench`: it needs the programs of a release build beside it. Figures of a shared machine swing by
/// tens of percent; ratios to a peer in the same series swing far less, so the verdict is always about the ratio.
@main
struct Bench {
    static func main() async throws {
        var settings = BenchSettings()
        var wanted: [String] = []
        var arguments = CommandLine.arguments.dropFirst().makeIterator()
        while let argument = arguments.next() {
            switch argument {
            case "--seconds": settings.seconds = arguments.next().flatMap(Double.init) ?? settings.seconds
            case "--rounds": settings.rounds = arguments.next().flatMap(Int.init) ?? settings.rounds
            case "--scratch": settings.scratch = arguments.next() ?? settings.scratch
            case "--alone": settings.isAlone = true
            default: wanted.append(argument)
            }
        }
        let parts = Self.parts.filter { wanted.isEmpty || wanted.contains($0.name) }
        guard !parts.isEmpty, wanted.allSatisfy({ name in Self.parts.contains { $0.name == name } }) else {
            let parts = Self.parts.map(\.name).joined(separator: " | ")
            print("usage: Bench [\(parts)] [--seconds N] [--rounds N] [--scratch DIR] [--alone]")
            exit(64)
        }
        var figures: [Figure] = []
        for part in parts {
            FileHandle.standardError.write(Data("== \(part.name)\n".utf8))
            let found = try await part.measure(settings)
            FileHandle.standardError.write(Data((found.map(\.line).joined(separator: "\n") + "\n").utf8))
            figures += found
        }
        print(Figure.table(figures))
    }

    private struct Part: Sendable {
        let name: String
        let measure: @Sendable (BenchSettings) async throws -> [Figure]
    }

    private static let parts = [
        Part(name: "schema") { try SchemaBenchmark.figures($0) },
        Part(name: "codec") { CodecBenchmark.figures(seconds: $0.seconds / 4) },
        Part(name: "echo") { try await EchoBenchmark.figures(seconds: $0.seconds) },
        Part(name: "journal") { try JournalFigures.figures($0) },
        Part(name: "commits") { try await CommitBenchmark($0).figures() },
        Part(name: "recorder") { try await CallRecordBenchmark($0).figures() },
        Part(name: "spawn") { try await SpawnBenchmark($0).figures() },
        Part(name: "calls") { try await CallBenchmark($0).figures() },
        Part(name: "fanout") { try await FanOutBenchmark($0).figures() },
        Part(name: "idle") { try await IdleBenchmark($0).figures() },
        Part(name: "graphs") { try GraphBenchmark($0).figures() },
        Part(name: "claims") { try await ClaimBenchmark($0).figures() },
        Part(name: "transcripts") { try await TranscriptBenchmark($0).figures() },
    ]
}

/// How long, how often, where.
struct BenchSettings: Sendable {
    /// The length of one slice of a series.
    var seconds = 2.0
    /// Slices of each kind; the median counts.
    var rounds = 5
    /// Calls without their peers: to compare two builds.
    var isAlone = false
    /// On the disk that is to be measured: never a memory file system.
    var scratch = "/var/tmp/nave-bench-\(ProcessInfo.processInfo.processIdentifier)"
}
