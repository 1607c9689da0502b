import Foundation
import Protocol
import Testing

@testable import SpokeCore

struct RedactorTests {
    private static let canary = Array("Tr0ub4dor&3/ \"q'$x\\é".utf8)

    /// Hides every occurrence of every pattern, slowly and obviously.
    private func naive(_ text: [UInt8], _ patterns: Set<[UInt8]>) -> [UInt8] {
        var result = text
        for pattern in patterns where pattern.count <= text.count {
            for start in 0...(text.count - pattern.count)
            where text[start..<start + pattern.count].elementsEqual(pattern) {
                for index in start..<start + pattern.count { result[index] = UInt8(ascii: "*") }
            }
        }
        return result
    }

    @Test func withoutSecretsOutputPassesThroughAtOnce() {
        var redactor = Redactor(.none)
        #expect(redactor.redact(Array("anything".utf8)) == Array("anything".utf8))
        #expect(redactor.heldCount == 0)
    }

    @Test func theCanaryIsHiddenInEveryFormAtEveryBorderOfChunks() {
        let patterns = SecretPatterns([Self.canary])
        for form in SecretForms.all(of: Self.canary) {
            let text = Array("before ".utf8) + form + Array(" after".utf8)
            let expected = Array("before ".utf8) + form.map { _ in UInt8(ascii: "*") } + Array(" after".utf8)
            for border in 0...text.count {
                var redactor = Redactor(patterns)
                let parts = redactor.redact(text[..<border]) + redactor.redact(text[border...]) + redactor.finish()
                #expect(parts == expected, "\(String(decoding: form, as: UTF8.self)) at \(border)")
            }
        }
    }

    @Test func everyFormThatProgramsMakeIsFound() throws {
        let secret = Self.canary
        let text = String(decoding: secret, as: UTF8.self)
        let patterns = SecretPatterns([secret])
        for shift in 0..<3 {
            let coded = Data(Array("xyz".utf8.prefix(shift)) + secret + Array("tail".utf8)).base64EncodedString()
            let redacted = String(decoding: Redactor.redact(Array(coded.utf8), with: patterns), as: UTF8.self)
            #expect(redacted.filter { $0 == "*" }.count >= secret.count * 8 / 6 - 1)
        }
        let escaped = try #require(text.addingPercentEncoding(withAllowedCharacters: .alphanumerics))
        let json = String(decoding: try JSONSerialization.data(withJSONObject: [text]), as: UTF8.self)
        for form in [text, escaped, json, Data(secret).base64EncodedString()] {
            let redacted = String(decoding: Redactor.redact(Array(form.utf8), with: patterns), as: UTF8.self)
            #expect(redacted.filter { $0 == "*" }.count >= form.utf8.count - 4, "\(form) became \(redacted)")
        }
    }

    @Test func ofAKeyWithManyLinesEachLineIsHidden() {
        let key = "-----BEGIN KEY-----\nMIIEvQIBADANBgkq\nhkiG9w0BAQEFAASC\n-----END KEY-----\n"
        let patterns = SecretPatterns([Array(key.utf8)])
        let shown = Redactor.redact(Array("a MIIEvQIBADANBgkq b".utf8), with: patterns)
        #expect(shown == Array("a **************** b".utf8))
    }

    @Test func secretsTooShortToHideAreRefused() {
        let patterns = SecretPatterns([Array("short".utf8), Array("long enough".utf8)])
        #expect(patterns.refused == [0])
        #expect(!patterns.isEmpty)
    }

    @Test func onlyWhatMayBeginASecretIsHeldBack() {
        var redactor = Redactor(SecretPatterns([Array("opensesame".utf8)]))
        #expect(redactor.redact(Array("say open".utf8)) == Array("say ".utf8))
        #expect(redactor.heldCount == 4)
        #expect(redactor.redact(Array("ly".utf8)) == Array("openly".utf8))
        #expect(redactor.heldCount == 0)
    }

    @Test func anyTextInAnyPiecesIsHiddenLikeTheNaiveWayDoes() {
        var generator = SeededGenerator(state: 42)
        for _ in 0..<2_000 {
            // Few letters, so that patterns overlap in every way there is.
            let forms = Set(
                (0..<Int.random(in: 1...5, using: &generator)).map { _ in
                    letters(Int.random(in: 1...7, using: &generator), &generator)
                }
            )
            let text = letters(Int.random(in: 0...60, using: &generator), &generator)
            var redactor = Redactor(SecretPatterns(forms: forms))
            var (result, rest) = ([UInt8](), text[...])
            while !rest.isEmpty {
                let count = Int.random(in: 1...rest.count, using: &generator)
                result += redactor.redact(rest.prefix(count))
                #expect(result.count + redactor.heldCount == text.count - rest.count + count)
                rest = rest.dropFirst(count)
            }
            #expect(result + redactor.finish() == naive(text, forms))
        }
    }

    @Test func beginningAnewAtTheFirstHeldByteGivesTheSameStream() {
        var generator = SeededGenerator(state: 7)
        for _ in 0..<2_000 {
            let forms = Set((0..<3).map { _ in letters(Int.random(in: 2...6, using: &generator), &generator) })
            // Runs of overlapping secrets longer than this may be cut: the type's comment says so.
            let patterns = SecretPatterns(forms: forms)
            let text = letters(Int.random(in: 1...2 * patterns.longest, using: &generator), &generator)
            var redactor = Redactor(patterns)
            var result: [UInt8] = []
            var index = 0
            while index < text.count {
                let count = Int.random(in: 1...3, using: &generator)
                result += redactor.redact(text[index..<min(index + count, text.count)])
                index = min(index + count, text.count)
                if Bool.random(using: &generator) {
                    redactor = Redactor(patterns)
                    index = result.count
                    // The crash comes once; then it goes on to the end.
                    result += redactor.redact(text[index...])
                    index = text.count
                }
            }
            #expect(result + redactor.finish() == naive(text, forms))
        }
    }

    @Test func newSecretsAreFoundInWhatIsHeldBack() {
        var redactor = Redactor(SecretPatterns([Array("abcdefgh".utf8)]))
        #expect(redactor.redact(Array("abcdef".utf8)).isEmpty)
        redactor.use(SecretPatterns([Array("cdefzz".utf8)]))
        #expect(redactor.redact(Array("zz.".utf8)) == Array("ab******.".utf8))
    }

    @Test func recordsStayReadableAndTheirTextsLoseTheirSecrets() throws {
        let patterns = SecretPatterns([Array("stdout".utf8), Array("hunter\"22".utf8)])
        let fault = Fault(.execution, "It said hunter\"22 and \\hunter\"22.")
        let failed = SessionFailed(sessionId: "stdout-1", fence: 1, error: fault, at: Date(milliseconds: 0))
        let redacted = RecordRedaction.redact(WireCoder.bytes(of: failed), with: patterns)
        let read = try WireCoder.value(SessionFailed.self, from: redacted)
        #expect(read.error.message == "It said ********* and \\*********.")
        #expect(read.sessionId == "stdout-1")
        let sum = OutputSum(stream: .stdout, bytes: 0, hash: .origin)
        let exited = SessionExited(
            sessionId: "s",
            fence: 1,
            exitCode: 0,
            exitSignal: nil,
            reason: .exited,
            endedAt: Date(milliseconds: 0),
            streams: [sum],
            swept: [ProcessRecord(pid: 1, command: "cat stdout")]
        )
        let kept = RecordRedaction.redact(WireCoder.bytes(of: exited), with: patterns)
        let back = try WireCoder.value(SessionExited.self, from: kept)
        #expect(back.streams == [sum])
        #expect(back.swept == [ProcessRecord(pid: 1, command: "cat ******")])
    }

    private func letters(_ count: Int, _ generator: inout SeededGenerator) -> [UInt8] {
        (0..<count).map { _ in UInt8.random(in: 97...98, using: &generator) }
    }
}

/// SplitMix64 (Steele, Lea, Flood: “Fast splittable pseudorandom number generators”, OOPSLA 2014).
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }
}
