import Protocol
import Testing

/// What may be handed on as a trace, and as a text beside a call.
@Suite struct TraceContextTests {
    private static let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

    @Test func aTraceIsHandedOnOnlyIfItIsWellFormed() {
        #expect(TraceContext.isSound(Self.trace))
        #expect(TraceContext.isSound("cc" + Self.trace.dropFirst(2)))
        let wrong = [
            "", "00-aa-bb-01", "ff" + Self.trace.dropFirst(2), Self.trace.uppercased(), Self.trace + "-",
            " " + Self.trace,
            Self.trace.replacing("-01", with: "-0g"), Self.trace.replacing("-b7", with: "_b7"),
            "00-\(String(repeating: "0", count: 32))-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01", Self.trace.replacing("0af", with: "é0"),
        ]
        for text in wrong { #expect(!TraceContext.isSound(text), "“\(text)” was taken.") }
    }

    @Test func aTextBesideACallIsShortAndVisible() {
        let longest = String(repeating: "~", count: Limits.requestIdBytes)
        for text in ["r-1", "!", longest] { #expect(VisibleText.violation(text, at: "x") == nil) }
        for text in ["", " ", "a b", "é", "a\n", "\u{7F}", longest + "x"] {
            #expect(VisibleText.violation(text, at: "x") != nil, "“\(text)”")
        }
    }
}
