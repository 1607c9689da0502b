import Foundation
import Protocol
import Synchronization
import SystemPackage

#if canImport(Glibc)
    import Glibc
#endif

/// The small file beside the journal, `spoke.sqlite.mark`, that outlives it: which epoch was the last, and how far
/// records were handed to a link. It is locked while an agent has the journal open.
///
/// The epoch is on the disk before it is used. How far was sent is only written, not synced: that survives the end
/// of the process, and after a power cut (another boot id) everything in the journal counts as sent.
final class JournalMarkFile: Sendable {
    struct Content: Hashable, Sendable {
        var epoch: Int64 = 1
        /// The highest `seq`, as stored, of a record handed out; meaningful only in the same boot.
        var sent: Int64 = .max
        var bootId: String
    }

    private let descriptor: FileDescriptor
    private let content: Mutex<Content>

    private init(descriptor: FileDescriptor, content: Content) {
        self.descriptor = descriptor
        self.content = Mutex(content)
    }

    deinit {
        // Nothing is buffered, so there is nothing that a failed close could lose.
        try? descriptor.close()
    }

    /// - Fails with `conflict` while another process holds the lock.
    static func open(beside path: String) throws(Fault) -> JournalMarkFile {
        let boot = bootId()
        do {
            let descriptor = try FileDescriptor.open(
                FilePath(path + ".mark"),
                .readWrite,
                options: [.create, .closeOnExec],
                permissions: .ownerReadWrite
            )
            guard flock(descriptor.rawValue, LOCK_EX | LOCK_NB) == 0 else {
                try descriptor.close()
                throw Fault(.conflict, "Another spoke uses \(path); stop it first or choose another data directory.")
            }
            var bytes = [UInt8](repeating: 0, count: 256)
            let count = try bytes.withUnsafeMutableBytes { try descriptor.read(fromAbsoluteOffset: 0, into: $0) }
            var content = parse(String(decoding: bytes.prefix(count), as: UTF8.self)) ?? Content(bootId: boot)
            if content.bootId != boot { content.sent = .max }
            content.bootId = boot
            let file = JournalMarkFile(descriptor: descriptor, content: content)
            try file.write(durably: true)
            return file
        } catch let fault as Fault {
            throw fault
        } catch {
            throw Fault(.unavailable, "\(path).mark cannot be used: \(error).")
        }
    }

    var current: Content { content.withLock { $0 } }

    /// A new journal begins: its epoch is greater than any before it.
    func beginEpoch() { advance(to: current.epoch + 1) }

    /// The journal's epoch, if it is greater than what is known here.
    func advance(to epoch: Int64) {
        content.withLock { content in
            guard epoch > content.epoch else { return }
            content.epoch = epoch
            content.sent = 0
        }
        // A disk that refuses this refuses the journal's own commits too, and those are answered.
        try? write(durably: true)
    }

    /// Records up to here may be at the hub from now on.
    func sent(upTo seq: Int64) {
        let changed = content.withLock { content in
            defer { content.sent = seq }
            return content.sent != seq
        }
        // Without it a restart is only more careful than it had to be: see the type's comment.
        if changed { try? write(durably: false) }
    }

    /// Another agent may have the journal now.
    func unlock() { _ = flock(descriptor.rawValue, LOCK_UN) }

    private func write(durably: Bool) throws {
        let now = current
        let line = "nave-journal 1 \(padded(now.epoch)) \(padded(now.sent)) \(now.bootId)\n"
        _ = try descriptor.writeAll(toAbsoluteOffset: 0, Array(line.utf8))
        if durably { fsync(descriptor.rawValue) }
    }

    /// Always 19 digits, so that a line never leaves a rest of a longer one behind.
    private func padded(_ number: Int64) -> String {
        let digits = String(number)
        return String(repeating: "0", count: 19 - digits.count) + digits
    }

    private static func parse(_ text: String) -> Content? {
        let words = text.split(whereSeparator: \.isWhitespace)
        guard words.count >= 5, words[0] == "nave-journal", words[1] == "1", let epoch = Int64(words[2]),
            let sent = Int64(words[3])
        else { return nil }
        return Content(epoch: epoch, sent: sent, bootId: String(words[4]))
    }

    /// The kernel's name for this run of the machine; on systems without one, every start counts as a new run.
    private static func bootId() -> String {
        let text = FileManager.default.contents(atPath: "/proc/sys/kernel/random/boot_id") ?? Data()
        let id = String(decoding: text, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        return id.isEmpty ? UUID().uuidString.lowercased() : id
    }
}
