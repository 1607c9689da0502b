import Protocol
import Testing

@testable import HubDomains

/// Where a reader of output goes on.
struct OutputMergeTests {
    private static func merge(_ id: String?, _ selection: OutputSelection = .stdout) throws -> OutputMerge {
        try OutputMerge(selection, from: 7, resumeAt: id, fence: 2)
    }

    @Test func aReaderGoesOnBehindTheValueThatItNames() throws {
        #expect(try Self.merge(nil).offsets == [.stdout: 7])
        #expect(try Self.merge("2/stdout:40").offsets == [.stdout: 40])
        let both = try Self.merge("2/stdout:40,stderr:9", .all)
        #expect(both.offsets[.stdout] == 40 && both.offsets[.stderr] == 9)
        // Of an earlier placement, whose output this is not.
        #expect(try Self.merge("stdout:40").offsets == [.stdout: 7])
    }

    @Test(arguments: [
        "", "junk", "99", "2/", "2/junk", "3/stdout:1", "0/stdout:1", "2/stderr:1", "2/stdout:-1", "2/stdout:x",
        "2/stdout:1,", "2/2/stdout:1", "2/stdout:1:2",
    ])
    func anIdThatNoValueCameWithIsRefused(_ id: String) {
        let fault = #expect(throws: Fault.self) { try Self.merge(id) }
        #expect(fault?.code == .validation)
    }
}
