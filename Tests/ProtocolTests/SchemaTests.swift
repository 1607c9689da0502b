import Protocol
import Testing

/// What callers read, what numbers mean, and what a hostile schema can do. The official suite covers the rest.
struct SchemaTests {
    private func json(_ text: String) throws -> JSONValue { try JSONValue(parsing: Array(text.utf8)) }

    private func violations(_ schema: String, _ value: String) throws -> [String] {
        try JSONSchema(try json(schema)).violations(in: try json(value)).map { "\($0.path): \($0.message)" }
    }

    private func refusal(_ schema: JSONValue, path: String = "") -> Fault? {
        #expect(throws: Fault.self) { try JSONSchema(schema, JSONSchema.Options(path: path)) }
    }

    // MARK: Words

    @Test func everyMistakeIsNamedWithItsPath() throws {
        let schema = """
            {"type":"object","required":["path","mode"],"additionalProperties":false,"properties":{
             "path":{"type":"string","minLength":1,"pattern":"^/"},"mode":{"enum":["r","w"]},
             "limit":{"type":"integer","minimum":1,"maximum":10},"share":{"type":["number","null"],"multipleOf":0.01},
             "tags":{"type":"array","items":{"type":"string"},"uniqueItems":true,"maxItems":3}}}
            """
        let value = #"{"path":"","limit":11,"share":0.015,"tags":["a",2,"a","b"],"other":1}"#
        #expect(
            try violations(schema, value) == [
                "mode: is required.", "limit: must be at most 10.",
                "other: is not a known field; "
                    + "known here: limit, mode, path, share, tags.", "path: must be at least 1 character long.",
                "path: must match ^/.", "share: must be a multiple of 0.01.", "tags: must have at most 3 elements.",
                "tags: must not hold anything twice; [0] and [2] are the same.", "tags[1]: must be a string.",
            ]
        )
        #expect(try violations(schema, #"{"path":"/a","mode":"r","share":null,"limit":3.0}"#).isEmpty)
        #expect(try violations(schema, "[]") == [": must be an object."])
    }

    @Test func alternativesAreAnsweredByTheNearest() throws {
        let kinds = """
            {"oneOf":[{"properties":{"kind":{"const":"file"},"path":{"type":"string"}},"required":["kind","path"]},
             {"properties":{"kind":{"const":"link"},"target":{"type":"string"}},"required":["kind","target"]}]}
            """
        #expect(
            try violations(kinds, #"{"kind":"link","target":3}"#) == [
                ": fits none of the 2 forms that are allowed here; about the nearest:", "target: must be a string.",
            ]
        )
        #expect(
            try violations(#"{"anyOf":[{"type":"string"},{"type":"null"}]}"#, "3") == [": must be a string or null."]
        )
        #expect(try violations(#"{"enum":["a","b"]}"#, "3") == [": must be one of a, b."])
        let both = #"{"oneOf":[{"type":"integer"},{"minimum":2}]}"#
        #expect(try violations(both, "3") == [": must have exactly one of 2 forms; it has those numbered 1, 2."])
    }

    @Test func aFormThatNearlyFitsIsNotCalledUnknownToo() throws {
        let schema = """
            {"anyOf":[{"properties":{"a":{"type":"string"}},"required":["a"]},{"required":["b"]}],
             "unevaluatedProperties":false}
            """
        #expect(try violations(schema, #"{"a":1}"#).allSatisfy { !$0.contains("not allowed") })
        #expect(try violations(schema, #"{"a":"x","c":1}"#) == ["c: is not allowed here."])
    }

    @Test func theListOfMistakesIsBounded() throws {
        let schema = try JSONSchema(["items": ["type": "string"], "minItems": 1_000])
        #expect(schema.violations(in: .array(Array(repeating: 1, count: 900))).count == Limits.violations)
    }

    @Test func whatIsWrongWithASchemaIsNamedWithItsPath() throws {
        let fault = refusal(
            ["type": "strin", "properties": ["a": ["minimum": "3"], "b": ["pattern": "(a"]], "required": "a"],
            path: "inputSchema"
        )
        let message = try #require(fault?.message)
        #expect(fault?.code == .validation)
        #expect(message.contains("inputSchema.properties.a.minimum: must be a number."))
        #expect(message.contains("inputSchema.required: must be a list."))
        #expect(message.contains("inputSchema.type"))
        let pattern = refusal(["properties": ["b": ["pattern": "(a"]]], path: "inputSchema")
        #expect(pattern?.message.hasPrefix("inputSchema.properties.b.pattern: “(a” opens a group") == true)
        let reference = refusal(["properties": ["b": ["$ref": "#/$defs/b"]]])
        #expect(reference?.message == "properties.b.$ref: refers to “#/$defs/b”, and there is no schema there.")
        #expect(refusal(["$ref": "http://example.com/x.json"])?.message.contains("put it into $defs") == true)
        #expect(refusal(["$schema": "http://json-schema.org/draft-07/schema#"])?.message.hasPrefix("$schema") == true)
        #expect(refusal(3)?.code == .validation)
    }

    // MARK: Numbers

    @Test(arguments: [
        (#"{"multipleOf":0.0001}"#, "0.0075", true), (#"{"multipleOf":0.0001}"#, "0.00751", false),
        (#"{"multipleOf":0.01}"#, "4.35", true), (#"{"multipleOf":1e-8}"#, "12391239123", true),
        (#"{"multipleOf":0.5}"#, "1e308", true), (#"{"multipleOf":0.123456789}"#, "1e308", false),
        (#"{"multipleOf":3}"#, "9223372036854775807", false), (#"{"multipleOf":7}"#, "9223372036854775807", true),
        (#"{"multipleOf":1e300}"#, "3", false), (#"{"multipleOf":2}"#, "0", true),
        (#"{"type":"integer"}"#, "1.0", true), (#"{"type":"integer"}"#, "1e300", true),
        (#"{"type":"integer"}"#, "123456789012345678901234567890", true), (#"{"type":"integer"}"#, "1.5", false),
        (#"{"maximum":9007199254740992}"#, "9007199254740993", false), (#"{"minimum":-1e300}"#, "-3", true),
        (#"{"exclusiveMaximum":9223372036854775807}"#, "9223372036854775808", false),
        (#"{"const":1}"#, "1.0", true), (#"{"const":[{"a":2.0}]}"#, #"[{"a":2}]"#, true),
        (#"{"const":"é"}"#, #""e\u0301""#, false), (#"{"maxLength":2}"#, #""👩‍👩""#, false),
        (#"{"maxLength":1,"minLength":1}"#, #""😀""#, true), (#"{"uniqueItems":true}"#, "[1,true,0,false]", true),
        (#"{"uniqueItems":true}"#, #"[{"a":[1]},{"a":[1.0]}]"#, false),
        (#"{"minLength":1e30}"#, #""a""#, false), (#"{"maxItems":1e30}"#, "[1]", true),
    ])
    func numbersAndCharactersAreExact(schema: String, value: String, fits: Bool) throws {
        #expect(try JSONSchema(try json(schema)).accepts(try json(value)) == fits)
    }

    // MARK: Hostile schemas

    @Test func aSchemaThatNeverEndsIsRefused() throws {
        #expect(refusal(["$ref": "#"])?.message.contains("never end") == true)
        #expect(
            refusal(["$defs": ["a": ["anyOf": [["$ref": "#/$defs/a"], true]]], "$ref": "#/$defs/a"])?.code
                == .validation
        )
        #expect(refusal(["allOf": [["not": ["$ref": "#"]]]])?.code == .validation)
        // By way of a dynamic anchor it is found out only while checking.
        let dynamic = try JSONSchema(["$dynamicAnchor": "a", "$dynamicRef": "#a"])
        #expect(!dynamic.accepts(1))
        #expect(dynamic.violations(in: 1).first?.message.contains("too deep") == true)
    }

    @Test func aTreeIsCheckedToTheDepthThatJSONMayHave() throws {
        let tree = try JSONSchema([
            "$defs": [
                "deep": ["allOf": [["$ref": "#/$defs/deeper"]]], "deeper": ["anyOf": [["$ref": "#/$defs/tree"]]],
                "tree": ["type": ["array", "string"], "items": ["$ref": "#/$defs/deep"]],
            ],
            "$ref": "#/$defs/deep",
        ])
        func nested(_ leaf: JSONValue) -> JSONValue {
            (1..<Limits.jsonDepth).reduce(leaf) { inner, _ in .array([inner]) }
        }
        #expect(tree.accepts(nested("leaf")))
        #expect(tree.violations(in: nested(3)).first?.path == String(repeating: "[0]", count: Limits.jsonDepth - 1))
    }

    @Test func aSchemaThatMultipliesIsStopped() throws {
        var definitions: [String: JSONValue] = ["a0": ["type": "integer"]]
        for level in 1...60 {
            let reference: JSONValue = ["$ref": .string("#/$defs/a\(level - 1)")]
            definitions["a\(level)"] = ["allOf": [reference, reference]]
        }
        let schema = try JSONSchema(["$defs": .object(definitions), "not": ["$ref": "#/$defs/a60"]])
        #expect(schema.violations(in: 1).first?.message == "takes too long to check against its schema.")
    }

    @Test func aSchemaOfTooManyPartsIsRefused() throws {
        let many = JSONValue.array(Array(repeating: ["type": "string"], count: Limits.schemaNodes))
        #expect(refusal(["anyOf": many])?.code == .tooLarge)
    }

    @Test func documentsComeFromTheResolverOnly() throws {
        let options = JSONSchema.Options(uri: "https://nave.test/a.json") { uri in
            uri == "https://nave.test/b.json" ? ["$defs": ["name": ["$anchor": "name", "type": "string"]]] : nil
        }
        let schema = try JSONSchema(["properties": ["n": ["$ref": "b.json#name"]]], options)
        #expect(schema.accepts(["n": "x"]))
        #expect(!schema.accepts(["n": 1]))
    }

    // MARK: Formats

    @Test(
        arguments: [
            (
                "date-time", ["2026-01-31T12:00:00Z", "1998-12-31T23:59:60Z", "2020-02-29t00:00:00.5+01:30"],
                ["2026-02-29T12:00:00Z", "2026-01-31 12:00:00Z", "2026-01-31T24:00:00Z", "1998-12-31T22:59:60Z", "x"]
            ),
            ("date", ["2024-02-29"], ["2023-02-29", "2024-2-29", "20240229"]),
            ("time", ["12:00:00Z", "23:59:60+00:00", "01:29:60+01:30"], ["12:00:00", "12:60:00Z", "12:00Z"]),
            ("duration", ["P4DT12H30M5S", "PT0S", "P2W", "P1Y2M"], ["P", "PT", "4D", "P1Y2D", "P1D2H", "P2W1D"]),
            (
                "email", ["a@b.example", "\"a b\"@b", "a@[127.0.0.1]", "te~st@b"],
                ["a", "@b", "a@", ".a@b", "a..b@b", "a b@c"]
            ),
            ("hostname", ["a.b-c.example", "1host"], ["-a", "a-", "a..b", "a_b", ""]),
            ("ipv4", ["127.0.0.1"], ["256.0.0.1", "1.2.3", "01.2.3.4", "1.2.3.4.5", "1.2.3.٤"]),
            (
                "ipv6", ["::1", "::", "1::8", "::ffff:192.168.0.1", "1:2:3:4:5:6:7:8"],
                ["12345::", "1:2:3:4:5:6:7", "1::2::3", ":1", "1:2:3:4:5:6:7:8:9", "::1%eth0", ":::1"]
            ),
            (
                "uri", ["http://a.example/b?c=d#e", "urn:a:b", "http://[::1]:80/", "mailto:a@b"],
                ["//a", "a b:c", "http://a b", "http://[::1", "a\\b", "http://a:x/", "%zz:a"]
            ),
            ("uri-reference", ["", "/a", "//a/b", "#a", "a?b"], ["\\\\a", "#a b", "a%2"]),
            ("uuid", ["2EB8AA08-aa98-11ea-b4aa-73b441d16380"], ["2eb8aa08aa9811eab4aa73b441d16380", "x"]),
            ("json-pointer", ["", "/a~1b/~0", "/"], ["a", "/~2", "/~"]),
            ("relative-json-pointer", ["0", "1/a", "2#"], ["", "01", "a"]),
            ("regex", ["^a+$", "(?=a)b"], ["^(abc]", "\\a", "*"]), ("unheard-of", ["anything"], []),
        ] as [(String, [String], [String])]
    )
    func formatsAreCheckedWhereThatIsAsked(format: String, good: [String], bad: [String]) throws {
        let schema: JSONValue = ["format": .string(format)]
        let asserted = try JSONSchema(schema, JSONSchema.Options(assertsFormats: true))
        let annotated = try JSONSchema(schema)
        for text in good { #expect(asserted.accepts(.string(text)), "\(format): \(text)") }
        for text in bad { #expect(!asserted.accepts(.string(text)), "\(format): \(text)") }
        for text in good + bad { #expect(annotated.accepts(.string(text))) }
        #expect(asserted.accepts(3))
    }
}
