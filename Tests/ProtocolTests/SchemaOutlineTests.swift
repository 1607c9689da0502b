import Protocol
import Testing

/// Schemas as people read them: a line for each field.
@Suite struct SchemaOutlineTests {
    private func types(_ schema: JSONValue) -> [String] {
        SchemaOutline.fields(of: schema) { $0.joined(separator: "|") }
            .map { "\($0.path)\($0.isRequired ? "!" : ""): \($0.type)" }
    }

    @Test func nestedFieldsStandBelowTheirOwnersAndNeededOnesFirst() {
        let schema: JSONValue = [
            "type": "object", "required": ["b", "list"],
            "properties": [
                "a": ["enum": ["x", "y"]], "b": ["type": "string", "format": "date-time"],
                "free": ["type": "object", "additionalProperties": ["type": "object", "properties": ["n": [:]]]],
                "list": [
                    "type": "array", "items": ["type": "object", "properties": ["c": ["type": ["string", "null"]]]],
                ],
            ],
        ]
        #expect(
            types(schema) == [
                "b!: time", "list!: list of object", "list[].c: string or null", "a: x|y", "free: object of object",
                "free.*.n: any",
            ]
        )
        #expect(SchemaOutline.isPlain(schema))
        #expect(types(true) == [] && types(["type": "array", "items": ["type": "string"]]) == [])
    }

    @Test func whatIsPutTogetherFromOtherSchemasIsNotPlain() {
        let hidden: [JSONValue] = [
            ["$ref": "#/$defs/a"], ["properties": ["a": ["anyOf": []]]], ["items": ["oneOf": []]],
            ["additionalProperties": ["not": true]], "nonsense",
        ]
        for schema in hidden { #expect(!SchemaOutline.isPlain(schema), "\(schema)") }
        #expect(SchemaOutline.isPlain(true) && SchemaOutline.isPlain(["additionalProperties": false]))
    }
}
