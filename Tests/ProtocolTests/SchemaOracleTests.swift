import Foundation
import Protocol
import TestSupport
import Testing

/// Another implementation, written by others, agrees on random schemas and values: Python's `jsonschema`.
struct SchemaOracleTests {
    @Test func anotherImplementationAgrees() async throws {
        let count = ProcessInfo.processInfo.environment["FUZZ_SEEDS"].flatMap(Int.init) ?? 1_500
        var cases: [(seed: UInt64, schema: JSONValue, values: [JSONValue], answers: [Bool])] = []
        for seed in 0..<UInt64(count) {
            var random = SplitMix64(seed: seed ^ 0x04AC1E)
            let text = SchemaGrammar.schema(&random, depth: 3)
            guard let schema = try? JSONSchema(text) else { continue }  // What is refused cannot be compared.
            let values = (0..<6).map { _ in SchemaGrammar.value(&random, depth: 3) }
            cases.append((seed, text, values, values.map { schema.accepts($0) }))
        }
        let input = JSONValue.array(cases.map { ["schema": $0.schema, "values": .array($0.values)] })
        let report = try await PythonEnvironment.run("schema_oracle.py", input: Data(input.serialized()))
        let answers = try #require(try JSONValue(parsing: [UInt8](report)).arrayValue)
        try #require(answers.count == cases.count)
        var compared = 0
        for (one, answer) in zip(cases, answers) {
            guard let theirs = answer.arrayValue else { continue }
            compared += 1
            for (place, value) in one.values.enumerated() where theirs[place] != .bool(one.answers[place]) {
                let texts = [one.schema, value].map { String(decoding: $0.serialized(), as: UTF8.self) }
                Issue.record("seed \(one.seed): \(texts[0]) and \(texts[1]): here \(one.answers[place])")
            }
        }
        #expect(compared > count / 4)
    }
}
