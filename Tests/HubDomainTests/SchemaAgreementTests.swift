import Foundation
import TestSupport
import Testing

@testable import HubDomains
@testable import Protocol

/// The schemas that the catalogue shows say what the hub does.
///
/// Inputs of the hub's own operations are checked by their ``SchemaShape``, which knows what the decoder takes; callers
/// read the JSON Schema. The two differ where a schema says less on purpose, and only there: `null` is read as left
/// out, whole numbers end at 64 bits, and bytes must be base64.
struct SchemaAgreementTests {
    @Test func shapeAndSchemaAgreeOnEveryInput() async throws {
        let hub = try await TestHub.make()
        var (fitting, failing) = (0, 0)
        for (name, entry) in hub.domains.table.entries.sorted(by: { $0.key < $1.key }) {
            let schema = try JSONSchema(entry.spec.inputSchema, JSONSchema.Options(path: name, assertsFormats: true))
            let examples = entry.spec.inputSchema["examples"]?.arrayValue ?? []
            for example in examples { #expect(schema.violations(in: example) == [], "\(name)") }
            for (seed, example) in examples.enumerated() {
                var random = SplitMix64(seed: UInt64(seed) ^ name.utf8.reduce(7) { $0 &* 31 &+ UInt64($1) })
                for _ in 0..<60 {
                    let input = Self.mutated(example, &random)
                    guard !Self.isBeyondSchemas(input) else { continue }
                    let byShape = entry.input.violations(in: input)
                    let bySchema = schema.violations(in: input)
                    #expect(byShape.isEmpty == bySchema.isEmpty, "\(name): \(input.excerpt) \(byShape) \(bySchema)")
                    if byShape.isEmpty { fitting += 1 } else { failing += 1 }
                    // A closed shape with neither alternatives nor numbers out of bounds: the same paths are named.
                    #expect(Set(byShape.map(\.path)) == Set(bySchema.map(\.path)), "\(name): \(input.excerpt)")
                }
            }
        }
        #expect(fitting > 100)
        #expect(failing > 1_000)
        await hub.close()
    }

    @Test func everySchemaOfTheCatalogueIsOne() async throws {
        let hub = try await TestHub.make()
        for spec in hub.domains.table.specs {
            for (path, schema) in [("inputSchema", spec.inputSchema), ("outputSchema", spec.outputSchema)] {
                do throws(Fault) {
                    _ = try JSONSchema(schema, JSONSchema.Options(path: path))
                    for role in [SchemaComparison.Role.input, .output] {
                        #expect(SchemaComparison.differences(from: schema, to: schema, as: role) == [], "\(spec.id)")
                    }
                } catch {
                    Issue.record("\(spec.id): \(error)")
                }
            }
        }
        await hub.close()
    }

    /// What a caller might send instead: another type somewhere, something missing, something more.
    private static func mutated(_ value: JSONValue, _ random: inout SplitMix64) -> JSONValue {
        let others: [JSONValue] = [
            "text", 3, true, .number(1.5), [], [:], ["x"], ["y": 1], "2026-01-31T12:00:00.000Z", .number(2),
        ]
        func other() -> JSONValue { others[Int.random(in: 0..<others.count, using: &random)] }
        switch value {
        case .object(var members):
            let names = members.keys.sorted()
            switch Int.random(in: 0..<5, using: &random) {
            case 0: members["other"] = other()
            case 1 where !names.isEmpty: members[names[Int.random(in: 0..<names.count, using: &random)]] = nil
            case 2: return other()
            default:
                guard !names.isEmpty else { return .object(members) }
                let name = names[Int.random(in: 0..<names.count, using: &random)]
                members[name] = members[name].map { mutated($0, &random) }
            }
            return .object(members)
        case .array(var elements):
            guard random.chance(60), !elements.isEmpty else {
                return random.chance(50) ? other() : .array(elements + [other()])
            }
            let place = Int.random(in: 0..<elements.count, using: &random)
            elements[place] = mutated(elements[place], &random)
            return .array(elements)
        case .null, .bool, .integer, .number, .string: return other()
        }
    }

    private static func isBeyondSchemas(_ value: JSONValue) -> Bool {
        switch value {
        case .null: true
        case .object(let members): members.values.contains(where: isBeyondSchemas)
        case .array(let elements): elements.contains(where: isBeyondSchemas)
        case .bool, .integer, .number, .string: false
        }
    }
}
