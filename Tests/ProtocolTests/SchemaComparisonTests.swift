import Protocol
import Testing

/// Which changes of a schema need a new version.
struct SchemaComparisonTests {
    private func object(_ properties: JSONValue, required: JSONValue = [], closed: Bool = true) -> JSONValue {
        var schema: [String: JSONValue] = ["type": "object", "properties": properties, "required": required]
        if closed { schema["additionalProperties"] = false }
        return .object(schema)
    }

    private func input(_ old: JSONValue, _ new: JSONValue) -> [String] {
        SchemaComparison.differences(from: old, to: new, as: .input).map { "\($0.path): \($0.change)" }
    }

    private func output(_ old: JSONValue, _ new: JSONValue) -> [String] {
        SchemaComparison.differences(from: old, to: new, as: .output).map { "\($0.path): \($0.change)" }
    }

    @Test func whatIsSaidInOtherWordsIsTheSame() {
        let old: JSONValue = [
            "title": "A", "type": "object", "properties": ["a": ["type": "string", "description": "x"]],
        ]
        let new: JSONValue = ["type": ["object"], "properties": ["a": ["type": "string", "examples": ["y"]]]]
        #expect(input(old, new).isEmpty)
        #expect(output(old, new).isEmpty)
    }

    @Test func anInputMayAcceptMoreButNeverLess() {
        let old = object(["a": ["type": "integer", "minimum": 1], "b": ["enum": ["x", "y"]]], required: ["a"])
        let wider = object([
            "a": ["type": ["number", "null"], "minimum": 0], "b": ["type": "string"], "c": ["type": "string"],
        ])
        #expect(input(old, wider).isEmpty)
        #expect(
            input(wider, old) == [
                "a: is required and was not.", "a: no longer accepts number, null.",
                "b: enum was not there and is [\"x\",\"y\"].", "c: is no longer accepted.",
            ]
        )
        #expect(input(object([:], closed: false), object([:])) == ["*: is no longer accepted."])
        #expect(input(object([:], closed: false), object(["n": ["type": "string"]], closed: false)).isEmpty)
    }

    @Test func anOutputMayPromiseMoreButNeverLess() {
        let old = object(["a": ["type": "string"], "n": ["type": "integer"]], required: ["a"], closed: false)
        let more = object(
            ["a": ["type": "string", "maxLength": 5], "n": ["type": "integer"], "z": true],
            required: ["a", "n"],
            closed: false
        )
        #expect(output(old, more).isEmpty)
        #expect(
            output(more, old) == ["n: may be missing and was always there.", "a: maxLength was 5 and is not there."]
        )
        let less = object(["a": ["type": ["string", "null"]]], closed: false)
        #expect(
            output(old, less) == [
                "a: may be missing and was always there.", "a: may also be null.", "n: is no longer promised.",
            ]
        )
        #expect(output(object([:]), object(["a": true])) == ["a: is new here."])
    }

    @Test func listsAlternativesAndReferencesAreFollowed() {
        let tree: JSONValue = [
            "$defs": ["tree": ["type": "object", "properties": ["kids": ["items": ["$ref": "#/$defs/tree"]]]]],
            "$ref": "#/$defs/tree",
        ]
        let renamed: JSONValue = [
            "$defs": ["t": ["type": "object", "properties": ["kids": ["items": ["$ref": "#/$defs/t"]]]]],
            "$ref": "#/$defs/t",
        ]
        #expect(input(tree, renamed).isEmpty)
        let strict: JSONValue = [
            "$defs": [
                "t": ["type": "object", "required": ["k"], "properties": ["kids": ["items": ["$ref": "#/$defs/t"]]]]
            ],
            "$ref": "#/$defs/t",
        ]
        #expect(input(tree, strict) == ["k: is required and was not.", "kids[].k: is required and was not."])
        let (one, two): (JSONValue, JSONValue) = (["type": "string"], ["type": "integer"])
        #expect(input(one, ["anyOf": [one, two]]).isEmpty)
        #expect(input(["anyOf": [one, two]], ["type": ["string", "number"]]).isEmpty)
        #expect(!input(["anyOf": [one, two]], one).isEmpty)
        #expect(input(["items": one], ["items": two]) == ["[]: no longer accepts string."])
        #expect(input(["const": 3], ["minimum": 4]) == [": no longer accepts 3."])
    }

    /// What one keyword means may hang on others beside it, and what a reference means on where it stands.
    @Test func whatLooksTheSameMayNotBe() {
        let closed: JSONValue = [
            "unevaluatedProperties": false, "properties": ["a": true], "additionalProperties": true,
        ]
        #expect(input(closed, ["unevaluatedProperties": false, "properties": ["a": true]]) != [])
        #expect(input(["contains": true, "minContains": 0], ["contains": true]) != [])
        let pattern: JSONValue = ["patternProperties": ["^a": true], "additionalProperties": false]
        #expect(input(pattern, ["properties": ["b": true], "additionalProperties": false]) != [])
        #expect(input(["type": "string"], ["oneOf": [["type": "string"], ["maxLength": 2]]]) != [])
        #expect(input(["type": "string"], ["oneOf": [["type": "string"], ["type": "integer"]]]).isEmpty)
        let (old, new): (JSONValue, JSONValue) = (
            ["$defs": ["a": ["type": "string"]], "not": ["$ref": "#/$defs/a"]],
            ["$defs": ["a": true], "not": ["$ref": "#/$defs/a"]]
        )
        #expect(input(old, new) != [])
        #expect(input(old, old).isEmpty)
        let beside: JSONValue = [
            "anyOf": [["properties": ["b": true]]], "properties": ["a": true], "additionalProperties": false,
        ]
        #expect(input(beside, ["properties": ["b": true], "additionalProperties": false]) != [])
        #expect(input(["anyOf": [["if": ["const": 1]]], "else": false], ["if": ["const": 1], "else": false]) != [])
        #expect(input(true, ["$ref": "#/$defs/a", "$defs": ["a": true], "type": "string"]) != [])
        #expect(input(true, ["properties": ["a": ["type": "string"]]]) != [])
        #expect(input(["const": "x"], ["$ref": "#/$defs/n", "$defs": ["n": ["type": "integer"]]]) != [])
    }

    @Test func whatCannotBeComparedIsADifference() {
        let (old, new): (JSONValue, JSONValue) = (["type": "string"], ["type": "string", "not": ["const": "x"]])
        #expect(input(old, new) == [": not was not there and is {\"const\":\"x\"}."])
        #expect(input(new, new).isEmpty)
        #expect(input(["$ref": "urn:a"], ["$ref": "urn:b"]) == [": cannot be compared; it refers elsewhere."])
    }

    @Test func aRefusalNamesThePaths() throws {
        let found = SchemaComparison.differences(from: true, to: ["required": ["a"]], as: .input)
        let fault = try #require(SchemaComparison.refusal(of: "a.b", input: found, output: []))
        #expect(fault.code == .conflict)
        #expect(fault.message.hasSuffix("(inputSchema.a is required and was not); give it a new version."))
        #expect(fault.details == [["path": "inputSchema.a", "change": "is required and was not."]])
        #expect(SchemaComparison.refusal(of: "a.b", input: [], output: []) == nil)
    }
}

/// Answers that do not quite have the form they were promised in.
struct OutputShapeTests {
    @Test func extrasGoDefaultsComeAndTheRestIsTold() throws {
        let schema = try JSONSchema([
            "$defs": ["state": ["type": "string", "default": "idle"]], "type": "object", "additionalProperties": false,
            "properties": [
                "id": ["type": "string"], "state": ["$ref": "#/$defs/state"],
                "list": [
                    "items": ["type": "object", "properties": ["n": ["default": 1]], "additionalProperties": false]
                ],
            ],
        ])
        let shaped = schema.shaped(["id": 3, "list": [["n": 2, "x": true], [:]], "other": .null])
        #expect(shaped.value == ["id": 3, "state": "idle", "list": [["n": 2], ["n": 1]]])
        #expect(shaped.stripped == ["list[0].x", "other"])
        #expect(shaped.filled == ["list[1].n", "state"])
        #expect(shaped.violations == [Fault.Violation(path: "id", message: "must be a string.")])
        #expect(schema.shaped(["id": "a", "state": "b"]).isUntouched)
    }

    @Test func anOpenSchemaLosesNothing() throws {
        let schema = try JSONSchema(["type": "object", "properties": ["a": true]])
        #expect(schema.shaped(["b": 1]).isUntouched)
    }

    @Test func alternativesAreShapedByTheOneThatFits() throws {
        let schema = try JSONSchema([
            "oneOf": [
                ["properties": ["k": ["const": 1]], "required": ["k"], "additionalProperties": false],
                [
                    "properties": ["k": ["const": 2], "d": ["default": "x"]], "required": ["k"],
                    "additionalProperties": false,
                ],
            ]
        ])
        let shaped = schema.shaped(["k": 2, "z": 0])
        #expect(shaped.value == ["k": 2, "d": "x"])
        #expect(shaped.stripped == ["z"])
        #expect(shaped.violations.isEmpty)
        #expect(schema.shaped(["k": 3]).value == ["k": 3])
    }

    @Test func whatNobodyLookedAtIsTakenOutToo() throws {
        let schema = try JSONSchema([
            "allOf": [["properties": ["a": true]]], "properties": ["b": true], "unevaluatedProperties": false,
        ])
        #expect(schema.shaped(["a": 1, "b": 2, "c": 3]).value == ["a": 1, "b": 2])
    }
}
