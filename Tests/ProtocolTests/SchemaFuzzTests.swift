import Foundation
import Protocol
import TestSupport
import Testing

/// No schema and no value may crash the validator or hold it up. `FUZZ_SEEDS` sets how many are tried.
struct SchemaFuzzTests {
    private static let count = ProcessInfo.processInfo.environment["FUZZ_SEEDS"].flatMap(Int.init) ?? 1_500

    @Test func randomSchemasAgainstRandomValuesNeverCrash() {
        var (compiled, accepted) = (0, 0)
        for seed in 0..<UInt64(Self.count) {
            var random = SplitMix64(seed: seed)
            let text = SchemaGrammar.schema(&random, depth: 4)
            guard let schema = try? JSONSchema(text) else { continue }  // Refused is as good as read.
            compiled += 1
            for _ in 0..<4 {
                let value = SchemaGrammar.value(&random, depth: 4)
                let accepts = schema.accepts(value)
                accepted += accepts ? 1 : 0
                let found = schema.violations(in: value)
                #expect(found.isEmpty == accepts, "seed \(seed)")
                #expect(found.count <= Limits.violations)
                let shaped = schema.shaped(value)
                #expect(shaped.violations.isEmpty == schema.accepts(shaped.value), "seed \(seed)")
            }
            let kin = SchemaComparison.differences(from: text, to: text, as: .input)
            #expect(kin.count <= Limits.violations)
        }
        // The grammar is of use only if it reaches both.
        #expect(compiled > Self.count / 5)
        #expect(accepted > Self.count / 20)
    }

    /// What is called compatible is: no value that the old input accepted is refused by the new one.
    @Test func whatIsCalledCompatibleAcceptsAllThatWasAccepted() {
        var compatible = 0
        for seed in 0..<UInt64(Self.count) {
            var random = SplitMix64(seed: seed ^ 0x5EED)
            // A property that an object leaves open without a word may be named later; here it is always in words.
            let old = SchemaGrammar.schema(&random, depth: 2, isExplicit: true)
            let new = random.chance(50) ? SchemaGrammar.schema(&random, depth: 2) : SchemaGrammar.changed(old, &random)
            guard let before = try? JSONSchema(old), let after = try? JSONSchema(new) else { continue }  // As above.
            guard SchemaComparison.differences(from: old, to: new, as: .input).isEmpty else { continue }
            compatible += 1
            for _ in 0..<20 {
                let value = SchemaGrammar.value(&random, depth: 3)
                guard before.accepts(value) else { continue }
                let texts = [old, new, value].map { String(decoding: $0.serialized(), as: UTF8.self) }
                #expect(after.accepts(value), "seed \(seed): \(texts)")
            }
        }
        #expect(compatible > Self.count / 50)
    }

    @Test func mutatedMetaschemasAreReadOrRefused() {
        for seed in 0..<UInt64(Self.count) {
            var random = SplitMix64(seed: seed ^ 0xBEEF)
            var schema = SchemaGrammar.schema(&random, depth: 3)
            for _ in 0..<3 { schema = SchemaGrammar.changed(schema, &random) }
            guard let compiled = try? JSONSchema(schema) else { continue }  // See above.
            _ = compiled.violations(in: SchemaGrammar.value(&random, depth: 3))
        }
    }
}

/// Random schemas and values out of the same few words, so that they meet.
enum SchemaGrammar {
    private static let names = ["a", "b", "c", "é"]
    private static let types = ["null", "boolean", "integer", "number", "string", "array", "object"]

    static func pick<Element>(_ all: [Element], _ random: inout SplitMix64) -> Element {
        all[Int.random(in: 0..<all.count, using: &random)]
    }

    static func value(_ random: inout SplitMix64, depth: Int) -> JSONValue {
        switch Int.random(in: 0..<(depth > 0 ? 8 : 5), using: &random) {
        case 0: return .null
        case 1: return .bool(random.chance(50))
        case 2: return .integer(Int64.random(in: -2...4, using: &random))
        case 3: return pick([.number(0.5), .number(1e300), .number(2), .integer(.max), .number(-0.0)], &random)
        case 4: return .string(pick(["", "a", "ab", "abc", "é", "e\u{301}", "2026-01-31"], &random))
        case 5:
            return .array((0..<Int.random(in: 0...3, using: &random)).map { _ in value(&random, depth: depth - 1) })
        default:
            var members: [String: JSONValue] = [:]
            for name in names where random.chance(40) { members[name] = value(&random, depth: depth - 1) }
            return .object(members)
        }
    }

    static func schema(_ random: inout SplitMix64, depth: Int, isExplicit: Bool = false) -> JSONValue {
        guard depth > 0, !random.chance(8) else { return .bool(random.chance(85)) }
        var members: [String: JSONValue] = [:]
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            let (keyword, value) = Self.keyword(&random, depth: depth, isExplicit: isExplicit)
            members[keyword] = value
        }
        if isExplicit, members["additionalProperties"] == nil { members["additionalProperties"] = true }
        if random.chance(10) {
            members["$defs"] = ["a": schema(&random, depth: depth - 1, isExplicit: isExplicit), "b": true]
        }
        return .object(members)
    }

    private static func keyword(_ random: inout SplitMix64, depth: Int, isExplicit: Bool = false) -> (String, JSONValue)
    {
        func inner() -> JSONValue { schema(&random, depth: depth - 1, isExplicit: isExplicit) }
        func pair() -> JSONValue { .array((0...1).map { _ in inner() }) }
        let count = JSONValue.integer(Int64.random(in: 0...3, using: &random))
        switch Int.random(in: 0..<22, using: &random) {
        case 0, 1, 2:
            return ("type", random.chance(50) ? .string(pick(types, &random)) : .array([.string(pick(types, &random))]))
        case 3: return ("enum", [value(&random, depth: 1), value(&random, depth: 1)])
        case 4: return ("const", value(&random, depth: 2))
        case 5: return (pick(["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"], &random), count)
        case 6: return ("multipleOf", pick([2, .number(0.5), .number(0.0001)], &random))
        case 7:
            return (
                pick(["minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"], &random),
                count
            )
        case 8: return ("pattern", .string(pick(["^a", "b$", "(a|b)*c?", "\\p{L}", "(?=a)a", "(a"], &random)))
        case 9: return ("uniqueItems", .bool(random.chance(70)))
        case 10: return ("required", [.string(pick(names, &random))])
        case 11, 12: return ("properties", ["a": inner(), "b": inner()])
        case 13: return (pick(["additionalProperties", "unevaluatedProperties", "unevaluatedItems"], &random), inner())
        case 14: return ("patternProperties", ["^[ab]": inner()])
        case 15: return (pick(["items", "contains", "propertyNames", "not", "if", "then", "else"], &random), inner())
        case 16: return ("prefixItems", pair())
        case 17: return (pick(["anyOf", "oneOf", "allOf"], &random), pair())
        case 18: return ("$ref", .string(pick(["#", "#/$defs/a", "#/properties/a", "#b"], &random)))
        case 19: return ("dependentSchemas", ["a": inner()])
        case 20: return ("default", value(&random, depth: 1))
        default: return (pick(["minContains", "maxContains"], &random), count)
        }
    }

    /// The schema with something in it exchanged.
    static func changed(_ schema: JSONValue, _ random: inout SplitMix64) -> JSONValue {
        switch schema {
        case .object(var members):
            guard let name = members.keys.sorted().first(where: { _ in random.chance(50) }) else {
                let (keyword, value) = Self.keyword(&random, depth: 2)
                members[keyword] = value
                return .object(members)
            }
            members[name] = random.chance(20) ? nil : members[name].map { changed($0, &random) }
            return .object(members)
        case .array(var elements):
            guard !elements.isEmpty else { return [value(&random, depth: 1)] }
            let place = Int.random(in: 0..<elements.count, using: &random)
            elements[place] = changed(elements[place], &random)
            return .array(elements)
        default: return random.chance(50) ? value(&random, depth: 2) : schema
        }
    }
}
