import Foundation
import Protocol

/// What checking a call's input costs, beside parsing the same bytes and beside Python's validators in the same run:
/// `jsonschema`, which walks the schema as ours does, and `fastjsonschema`, which writes a program from it.
enum SchemaBenchmark {
    /// A document and its schema.
    private struct Sample {
        let name: String
        let schema: JSONValue
        let value: JSONValue
    }

    static func figures(_ settings: BenchSettings) throws -> [Figure] {
        let samples = [Sample(name: "call input", schema: input, value: call), large]
        let peers = try Peers(samples.map { ($0.schema, $0.value) }, scratch: settings.scratch)
        return try samples.enumerated().flatMap { number, sample in
            try figures(of: sample, peers.seconds[number], seconds: settings.seconds / 2)
        }
    }

    private static func figures(
        of sample: Sample,
        _ peers: [String: Double],
        seconds: Double
    ) throws -> [Figure] {
        let bytes = sample.value.serialized()
        let schema = try JSONSchema(sample.schema)
        precondition(schema.accepts(sample.value), "The sample must fit.")
        let checking = cost(seconds) { schema.accepts(sample.value) ? 1 : 0 }
        let parsing = cost(seconds) { (try? JSONValue(parsing: bytes)) == nil ? 0 : 1 }
        let name = "schema: \(sample.name) (\(bytes.count) B)"
        let value = String(format: "%.2f µs, %.0f MB/s", checking, Double(bytes.count) / checking)
        func figure(_ peer: String, _ microseconds: Double, _ target: Figure.Target = .none) -> Figure {
            let shown = String(format: "%@ %.2f µs", peer, microseconds)
            return Figure(name, value, against: shown, ratio: microseconds / checking, target)
        }
        return [figure("parsing the same bytes", parsing, .atLeast(0.5))]
            + peers.sorted { $0.key < $1.key }.map { figure("Python's \($0.key)", $0.value * 1e6, .atLeast(1)) }
    }

    /// Microseconds of processor per run of `body`.
    private static func cost(_ seconds: Double, _ body: () -> Int) -> Double {
        var (runs, kept) = (0, 0)
        let (start, began) = (ContinuousClock.now, ThreadClock.now())
        repeat {
            for _ in 0..<5 { kept &+= body() }
            runs += 5
        } while ContinuousClock.now - start < .seconds(seconds)
        precondition(kept == runs, "The work was left out.")
        return (ThreadClock.now() - began) * 1e6 / Double(runs)
    }

    // MARK: Samples

    private static let input: JSONValue = [
        "$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object", "additionalProperties": false,
        "required": ["project", "run"],
        "properties": [
            "project": ["type": "string", "minLength": 1, "maxLength": 200],
            "branch": ["type": "string", "pattern": "^[A-Za-z0-9._/-]+$"], "keep": ["enum": ["always", "never"]],
            "timeoutSeconds": ["type": "integer", "minimum": 1, "maximum": 86_400],
            "labels": ["type": "object", "additionalProperties": ["type": "string"]],
            "run": [
                "type": "object", "required": ["command"], "additionalProperties": false,
                "properties": [
                    "command": ["type": "array", "minItems": 1, "items": ["type": "string"]],
                    "environment": ["type": "object", "additionalProperties": ["type": "string"]],
                ],
            ],
        ],
    ]

    private static let call: JSONValue = [
        "project": "nave", "branch": "agent/task-1234-fix-login", "keep": "always", "timeoutSeconds": 3_600,
        "labels": ["gpu": "none", "zone": "a"],
        "run": [
            "command": ["swift", "test", "--filter", "LoginTests"], "environment": ["CI": "1", "LANG": "C.UTF-8"],
        ],
    ]

    /// About a megabyte: a list of files as `fs.list` answers it.
    private static let large: Sample = {
        let entry: JSONValue = [
            "type": "object", "required": ["path", "kind", "bytes"],
            "properties": [
                "path": ["type": "string", "minLength": 1], "kind": ["enum": ["file", "folder", "link"]],
                "bytes": ["type": "integer", "minimum": 0], "share": ["type": "number", "maximum": 1],
                "target": ["type": ["string", "null"]], "tags": ["type": "array", "items": ["type": "string"]],
            ],
        ]
        let entries = (0..<8_000).map { number -> JSONValue in
            [
                "path": .string("Sources/Part\(number % 90)/File\(number).swift"), "kind": "file",
                "bytes": .integer(Int64(number * 37)), "share": .number(Double(number) / 10_000), "target": .null,
                "tags": ["swift", "source"],
            ]
        }
        let schema: JSONValue = [
            "$defs": ["entry": entry], "type": "object",
            "properties": ["entries": ["items": ["$ref": "#/$defs/entry"]]],
        ]
        return Sample(name: "list of 8,000", schema: schema, value: ["entries": .array(entries)])
    }()
}

/// Python's validators over the same documents; each measures itself, so that no start of an interpreter counts.
private struct Peers {
    /// Of each sample, seconds per check by the name of the package.
    let seconds: [[String: Double]]

    init(_ samples: [(schema: JSONValue, value: JSONValue)], scratch: String) throws {
        try FileManager.default.createDirectory(atPath: scratch, withIntermediateDirectories: true)
        let file = scratch + "/schema-samples.json"
        let texts = samples.map { JSONValue.object(["schema": $0.schema, "value": $0.value]) }
        try Data(JSONValue.array(texts).serialized()).write(to: URL(filePath: file))
        let python = try Self.output("Tests/python/environment", ["Tests/python/requirements-bench.txt"])
        let report = try Self.output(python, ["Tests/python/schema_speed.py", file])
        let rows = try JSONValue(parsing: Array(report.utf8)).arrayValue ?? []
        seconds = try rows.map { try $0.decoded(as: [String: Double].self) }
    }

    private static func output(_ program: String, _ arguments: [String]) throws -> String {
        let (process, pipe) = (Process(), Pipe())
        process.executableURL = URL(filePath: program)
        process.arguments = arguments
        process.standardOutput = pipe
        try process.run()
        let data = try pipe.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw Fault(.execution, "\(program) ended with \(process.terminationStatus); run it from the package.")
        }
        return String(decoding: data, as: UTF8.self).trimmingCharacters(in: .newlines)
    }
}
