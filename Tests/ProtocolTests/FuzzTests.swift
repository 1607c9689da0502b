import Foundation
import Protocol
import TestSupport
import Testing

/// No bytes may crash the decoder. `FUZZ_SEEDS` sets how many mutations are tried.
@Suite struct FuzzTests {
    private static let count =
        ProcessInfo.processInfo.environment["FUZZ_SEEDS"].flatMap(Int.init) ?? 4_000

    @Test func mutatedFramesAreReadOrRefusedAndWhatIsReadSurvives() throws {
        let frames = Samples.all.map { FrameCodec.encode($0.message) }
        for seed in 0..<UInt64(Self.count) {
            var random = SplitMix64(seed: seed)
            let frame = mutate(frames[Int(seed) % frames.count], &random)
            // Refused is as good as read: only a crash or a change of meaning is wrong.
            guard case .message(let message)? = try? FrameCodec.decode(frame) else { continue }
            let again = try? FrameCodec.decode(FrameCodec.encode(message))
            switch message {
            // Their dates may be mutated to a precision that the wire does not keep.
            case .hello, .welcome: break
            default: #expect(again == .message(message), "seed \(seed)")
            }
        }
    }

    @Test func noiseIsRefusedOrReadButNeverCrashes() {
        for seed in 0..<UInt64(Self.count) {
            var random = SplitMix64(seed: seed ^ 0xABCD)
            let alphabet = Array(#"{}[]":,\u0123456789eE+-.truefalsn "#.utf8) + [0, 0xC3, 0xFF]
            let bytes = (0..<Int.random(in: 0...60, using: &random)).map { _ in
                alphabet[Int.random(in: 0..<alphabet.count, using: &random)]
            }
            _ = try? FrameCodec.decode(.text(bytes))  // See above.
            _ = try? FrameCodec.decode(.binary([UInt8.random(in: 1...2, using: &random)] + bytes))
            guard let tree = try? JSONValue(parsing: bytes) else { continue }
            #expect((try? JSONValue(parsing: tree.serialized())) == tree, "seed \(seed)")
        }
    }

    private func mutate(_ frame: Frame, _ random: inout SplitMix64) -> Frame {
        var bytes = frame.bytes
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            guard !bytes.isEmpty else { break }
            let place = Int.random(in: 0..<bytes.count, using: &random)
            switch Int.random(in: 0..<6, using: &random) {
            case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
            case 1: bytes.remove(at: place)
            case 2: bytes.insert(UInt8.random(in: 0...255, using: &random), at: place)
            case 3: bytes.removeSubrange(place...)
            case 4: bytes.insert(contentsOf: bytes[place..<min(bytes.count, place + 8)], at: place)
            default: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            }
        }
        switch frame {
        case .text: return .text(bytes)
        case .binary: return .binary(bytes)
        }
    }
}
