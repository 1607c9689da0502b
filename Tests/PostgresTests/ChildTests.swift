import Foundation
import Glibc
import Testing

@testable import Postgres

/// What a started program finds open.
@Suite struct ChildTests {
    @Test func filesKeepTheirOrderWhateverNumbersTheyHadHere() throws {
        let folder = NSTemporaryDirectory() + "/nave-child-\(UUID().uuidString)"
        #expect(mkdir(folder, 0o755) == 0)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let first = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        let root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        // A number among those that the program will see, so that an earlier one could take its place.
        let last = fcntl(root, F_DUPFD_CLOEXEC, Child.firstDescriptor)
        let log = open(folder + "/log", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        defer { for descriptor in [first, root, last, log] { close(descriptor) } }
        let earlier = Int(last - Child.firstDescriptor) + 1
        let place = Child.firstDescriptor + Int32(earlier)
        let user = ClusterUser(user: geteuid(), group: getegid(), isOther: false)
        let pid = try Child.start(
            "/bin/sh",
            ["-c", "readlink /proc/self/fd/\(Child.firstDescriptor) /proc/self/fd/\(place)"],
            as: user,
            log: log,
            inherited: Array(repeating: first, count: earlier) + [last]
        )
        var status: Int32 = 0
        #expect(waitpid(pid, &status, 0) == pid)
        #expect(
            try String(contentsOfFile: folder + "/log", encoding: .utf8) == "\(folder)\n/\n".replacing("//", with: "/")
        )
    }
}
