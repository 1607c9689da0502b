import Foundation
import Protocol
import Testing

/// Every message as bytes that must stay readable: a spoke one minor version older and a hub one newer must talk.
@Suite struct FixtureTests {
    @Test(arguments: Samples.all.map(\.name))
    func everyMessageReadsAndWritesAsItsFixture(_ name: String) throws {
        let sample = try #require(Samples.all.first { $0.name == name }?.message)
        let frame = FrameCodec.encode(sample)
        try write(frame, as: name)
        let fixture = try self.fixture(name)
        #expect(try FrameCodec.decode(fixture) == .message(sample))
        switch (fixture, frame) {
        case (.text(let old), .text(let new)): #expect(try JSONValue(parsing: old) == JSONValue(parsing: new))
        default: #expect(fixture == frame)
        }
    }

    @Test func whatANewerPeerAddsIsIgnored() throws {
        for name in ["link.hello", "link.welcome", "call.requested", "link.heartbeat", "stream.rewind"] {
            let sample = try #require(Samples.all.first { $0.name == name }?.message)
            guard case .object(var envelope) = try JSONValue(parsing: try fixture(name).bytes),
                case .object(var payload) = envelope["payload"]
            else {
                Issue.record("The fixture \(name) is no envelope.")
                return
            }
            payload["addedLater"] = ["deep": [1, 2, ["x": .null]]]
            envelope["payload"] = .object(payload)
            envelope["addedToo"] = [true]
            let bytes = JSONValue.object(envelope).serialized()
            #expect(try FrameCodec.decode(.text(bytes)) == .message(sample))
        }
    }

    @Test func anUnknownTypeIsNamedAndTheConnectionLivesOn() throws {
        let text = #"{"payload":{"a":[1]},"type":"link.teleport"}"#
        #expect(try FrameCodec.decode(.text(.init(text))) == .unrecognized(type: "link.teleport"))
        #expect(try FrameCodec.decode(.binary([77, 1, 2])) == .unrecognized(type: "binary.77"))
    }

    private func fixture(_ name: String) throws -> Frame {
        let folder = try #require(Bundle.module.resourceURL).appending(path: "Fixtures")
        if let text = try? Data(contentsOf: folder.appending(path: "\(name).json")) {  // Binary ones are in hex.
            return .text([UInt8](text).filter { $0 != UInt8(ascii: "\n") })
        }
        let hex = try String(contentsOf: folder.appending(path: "\(name).hex"), encoding: .utf8)
        let digits = hex.utf8.compactMap { UInt8(String(UnicodeScalar($0)), radix: 16) }
        return .binary(stride(from: 0, to: digits.count - 1, by: 2).map { digits[$0] << 4 | digits[$0 + 1] })
    }

    /// `NAVE_FIXTURES=DIR` writes the fixtures of messages that have none yet. Existing ones are never changed:
    /// they are what peers in the field say.
    private func write(_ frame: Frame, as name: String) throws {
        guard let directory = ProcessInfo.processInfo.environment["NAVE_FIXTURES"] else { return }
        let folder = URL(filePath: directory)
        switch frame {
        case .text(let bytes):
            let file = folder.appending(path: "\(name).json")
            guard !FileManager.default.fileExists(atPath: file.path()) else { return }
            try Data(bytes + [10]).write(to: file)
        case .binary(let bytes):
            let file = folder.appending(path: "\(name).hex")
            guard !FileManager.default.fileExists(atPath: file.path()) else { return }
            let hex = bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
            try Data((hex + "\n").utf8).write(to: file)
        }
    }
}
