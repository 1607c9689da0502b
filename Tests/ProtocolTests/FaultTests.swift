import Protocol
import Testing

/// An error is as long as it may be from the moment in which it is made, whoever's words it quotes.
struct FaultTests {
    /// Bytes that JSON writes as six each.
    private static func worst(_ count: Int) -> String { String(repeating: "\u{1}", count: count) }

    @Test func aLongSentenceIsCutAtACharacter() {
        let fault = Fault(.notFound, String(repeating: "ä", count: Limits.errorMessageBytes))
        #expect(fault.message.utf8.count <= Limits.errorMessageBytes && fault.message.hasSuffix("ä…"))
        #expect(Fault(.notFound, fault.message) == fault)
        #expect(Fault(.notFound, "Short.").message == "Short.")
        #expect("👩‍👩‍👧".cut(toBytes: 6) == "…" && "abcdef".cut(toBytes: 5) == "ab…")
    }

    @Test func detailsThatAreTooLargeAreLeftOutAndTheSentenceSaysSo() {
        let large: JSONValue = ["list": .array(Array(repeating: .string(Self.worst(1_000)), count: 30))]
        let fault = Fault(.conflict, Self.worst(Limits.errorMessageBytes), details: large)
        #expect(fault.details == nil && fault.message.contains("details were left out"))
        #expect(fault.message.utf8.count <= Limits.errorMessageBytes)
        let kept: JSONValue = ["list": .array(Array(repeating: .string(Self.worst(1_000)), count: 20))]
        #expect(Fault(.conflict, "Taken.", details: kept).details == kept)
        // What a provider says goes through the same.
        #expect(CallError(code: .conflict, message: "Taken.", details: large, retryable: true).details == nil)
    }

    @Test func namesThatACallerChoseAreShownByTheirBeginning() throws {
        let name = String(repeating: "k", count: 3 << 20)
        let shape = SchemaShape.object([.init(name: "a", shape: .dictionary(.integer), isRequired: false)])
        let schema = try JSONSchema(["type": "object", "additionalProperties": ["type": "integer"]])
        let nested = (0..<60).reduce(into: [String: JSONValue]()) { $0[name + "\($1)"] = "x" }
        for found in [
            shape.violations(in: [name: 1]), shape.violations(in: ["a": .object(nested)]),
            schema.violations(in: .object(nested)),
        ] {
            #expect(!found.isEmpty && found.count <= Limits.violations)
            #expect(found.allSatisfy { $0.path.utf8.count <= 2 * Limits.shownNameBytes }, "\(found.count)")
            let fault = Fault.invalid(found)
            #expect(fault.message.utf8.count <= Limits.errorMessageBytes)
            #expect(fault.details?.arrayValue?.count == found.count)
        }
        let many = Fault.invalid((0..<500).map { .init(path: "a[\($0)]", message: "is wrong.") })
        #expect(many.details?.arrayValue?.count == Limits.violations)
    }

    @Test func anInputThatIsRefusedHasItsListWhoeverRefusesIt() throws {
        let list: JSONValue = [["path": "", "message": "Say something."]]
        #expect(Fault(.validation, "Say something.").details == list)
        #expect(CallError(code: .validation, message: "Say something.", retryable: false).details == list)
        let sent: Fault = try WireCoder.value(
            from: Array(#"{"code":"VALIDATION_ERROR","message":"Say something."}"#.utf8)
        )
        #expect(sent.details == list)
        #expect(Fault(.conflict, "Taken.").details == nil)
    }

    @Test func theLargestErrorFitsIntoAFrame() {
        let words = (Limits.errorDetailsBytes - 100) / 6
        let fault = Fault(.conflict, Self.worst(Limits.errorMessageBytes), details: ["a": .string(Self.worst(words))])
        #expect(fault.details != nil)
        let id = String(repeating: "i", count: Limits.requestIdBytes)
        let failure = CallFailed(requestId: id, error: CallError(fault), timestamp: 0)
        #expect(FrameCodec.encode(LinkMessage.callFailed(failure)).count <= Limits.frameBytes)
    }
}
