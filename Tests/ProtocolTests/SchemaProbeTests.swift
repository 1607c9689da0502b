import Foundation
import Protocol
import Testing

/// The schema of a type is what the type decodes.
struct SchemaProbeTests {
    enum Colour: String, Codable, CaseIterable { case red, blue }

    struct Leaf: Codable, Described {
        static let fields = ["command": "What to run.", "at": "When."]
        var command: [String]
        var at: Date?
    }

    struct Sample: Codable, Described {
        static let fields = [
            "name": "Its name.", "leaf.at": "When, seen from outside.", "tree.name": "A branch's name.",
        ]
        var name: String
        var count: Int32?
        var share: Double
        var isOn: Bool
        var colour: Colour
        var colours: [Colour]?
        var id: SessionID
        var anything: JSONValue
        var labels: [String: String]
        var leaf: Leaf
        var leaves: [String: [Leaf]]?
        var tree: [Branch]
        var when: Date
        var bytes: Data?
        var code: Fault.Code
    }

    struct Branch: Codable {
        var name: String
        var branches: [Branch]
    }

    /// The golden schema: one of everything.
    @Test func aSchemaSaysWhatTheTypeSays() throws {
        let expected = """
            {"$schema":"https://json-schema.org/draft/2020-12/schema","additionalProperties":false,"properties":{\
            "anything":true,"bytes":{"contentEncoding":"base64","type":"string"},\
            "code":{"type":"string"},\
            "colour":{"enum":["red","blue"],"type":"string"},\
            "colours":{"items":{"enum":["red","blue"],"type":"string"},"type":"array"},"count":{"type":"integer"},\
            "id":{"type":"string"},"isOn":{"type":"boolean"},\
            "labels":{"additionalProperties":{"type":"string"},"type":"object"},\
            "leaf":{"additionalProperties":false,"properties":{\
            "at":{"description":"When, seen from outside.","format":"date-time","type":"string"},\
            "command":{"description":"What to run.","items":{"type":"string"},"type":"array"}},\
            "required":["command"],"type":"object"},\
            "leaves":{"additionalProperties":{"items":{"additionalProperties":false,"properties":{\
            "at":{"description":"When.","format":"date-time","type":"string"},\
            "command":{"description":"What to run.","items":{"type":"string"},"type":"array"}},\
            "required":["command"],"type":"object"},"type":"array"},"type":"object"},\
            "name":{"description":"Its name.","type":"string"},"share":{"type":"number"},\
            "tree":{"items":{"additionalProperties":false,"properties":{"branches":{"items":true,"type":"array"},\
            "name":{"description":"A branch's name.","type":"string"}},"required":["name","branches"],"type":"object"},\
            "type":"array"},"when":{"format":"date-time","type":"string"}},\
            "required":["name","share","isOn","colour","id","anything","labels","leaf","tree","when","code"],\
            "type":"object"}
            """
        let schema = SchemaProbe.shape(of: Sample.self).schema(closed: true)
        #expect(String(decoding: WireCoder.bytes(of: schema), as: UTF8.self) == expected)
    }

    @Test func anOpenSchemaLetsUnknownPropertiesPass() {
        let schema = SchemaProbe.shape(of: Leaf.self).schema(closed: false)
        #expect(schema["additionalProperties"] == nil)
    }

    @Test func whatNobodyDescribedIsListed() {
        #expect(SchemaProbe.shape(of: Branch.self).undescribed() == ["name", "branches"])
        #expect(SchemaProbe.shape(of: Leaf.self).undescribed().isEmpty)
    }

    @Test func aDescriptionWithoutAFieldIsFound() {
        struct Wrong: Codable, Described {
            static let fields = ["name": "Fine.", "title": "There is no title.", "name.first": "Nor this."]
            var name: String
        }
        #expect(SchemaProbe.strayDescriptions(of: Wrong.self) == ["name.first", "title"])
        #expect(SchemaProbe.strayDescriptions(of: Sample.self).isEmpty)
    }

    @Test func everyViolationIsNamedWithItsPath() throws {
        let input: JSONValue = [
            "name": 3, "share": "much", "isOn": true, "colour": "green", "id": "s", "anything": .null,
            "labels": ["a": 1], "leaf": ["command": ["ls", 2], "at": "yesterday", "extra": 1], "tree": [],
            "when": .null,
            "code": "X", "unknown": true, "count": .number(3),
        ]
        let violations = SchemaProbe.shape(of: Sample.self).violations(in: input)
        #expect(
            violations.map { "\($0.path) \($0.message)" } == [
                "name must be a string.", "share must be a number.", "colour must be one of red, blue.",
                "labels.a must be a string.", "leaf.command[1] must be a string.",
                "leaf.at must be a time such as 2026-01-31T12:00:00.000Z.",
                "leaf.extra is not a known field; known here: command, at.",
                "when must be a time such as 2026-01-31T12:00:00.000Z, not null.",
                "unknown is not a known field; known here: name, count, share, isOn, colour, colours, id, anything, "
                    + "labels, leaf, leaves, tree, when, bytes, code.",
            ]
        )
    }

    @Test func aHostileInputGetsABoundedAnswer() {
        let names = (0..<10_000).map { ("x\($0)", JSONValue.null) }
        let input = JSONValue.object(Dictionary(uniqueKeysWithValues: names))
        #expect(SchemaProbe.shape(of: Leaf.self).violations(in: input).count == Limits.violations)
        let list = JSONValue.object(["command": .array(Array(repeating: 1, count: 10_000))])
        #expect(SchemaProbe.shape(of: Leaf.self).violations(in: list).count == Limits.violations)
    }
}

/// Reading types from JSON that is parsed already.
struct JSONValueDecoderTests {
    @Test func whatFoundationReadsIsReadAlike() throws {
        let sample = LinkHello(
            spokeId: "s",
            name: "n",
            incarnation: "i",
            bootId: "b",
            spokeType: .devEnvironment,
            hostInfo: HostInfo(
                os: "linux",
                arch: "x86_64",
                cpus: 2,
                memoryBytes: 1 << 40,
                diskFreeBytes: 3,
                gitVersion: "2",
                spokeVersion: "1"
            ),
            labels: ["a": "b"],
            slots: 4,
            draining: false,
            journal: JournalSummary(epoch: 1, first: 1, next: 9, headHash: .origin),
            commands: StreamMark(epoch: 1, seq: 3, hash: .origin),
            operations: OperationsSummary(hash: "h"),
            sessions: [
                SessionSummary(
                    sessionId: "x",
                    fence: 2,
                    state: .running,
                    pid: 7,
                    startedAt: Date(milliseconds: 1_700_000_000_123)
                )
            ],
            worktrees: []
        )
        let bytes = WireCoder.bytes(of: sample)
        let json: JSONValue = try WireCoder.value(from: bytes)
        let expected = try WireCoder.value(LinkHello.self, from: bytes)
        #expect(try json.decoded(as: LinkHello.self) == expected)
        #expect(sample.sessions[0].startedAt?.wireText == "2023-11-14T22:13:20.123Z")
    }

    @Test(arguments: [
        (#"{"n":1}"#, "name: is required."), (#"{"name":1}"#, "name: must be a string."),
        (#"{"name":"a","level":"loud"}"#, "level: must be one of quiet, normal."),
        (#"{"name":"a","tiny":300}"#, "tiny: must be between -128 and 127."),
        (#"{"name":"a","list":["x",2]}"#, "list[1]: must be a string."), (#"[1]"#, "must be an object."),
    ])
    func whatDoesNotFitIsNamed(input: String, message: String) throws {
        enum Level: String, Codable, CaseIterable { case quiet, normal }
        struct Input: Codable {
            var name: String
            var level: Level?
            var tiny: Int8?
            var list: [String]?
        }
        let json: JSONValue = try WireCoder.value(from: input.utf8)
        let fault = #expect(throws: Fault.self) { try json.decoded(as: Input.self) }
        #expect(fault?.message == message)
        #expect(fault?.code == .validation)
    }
}
