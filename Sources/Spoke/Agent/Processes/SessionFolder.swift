import CLinux
import Foundation
public import Protocol

/// The folder in which a session's supervisor keeps everything: spec, lock, events, spools and socket.
public struct SessionFolder: Hashable, Sendable {
    public let id: SessionID
    /// The folder's path.
    public let path: String

    /// The folder of `id` below `root`, whether it exists or not. Ids are opaque: bytes that a file's name should not
    /// have are percent-encoded, so that none leads out of `root`.
    ///
    /// - Parameter fence: Which placement of the session: a second one has a folder of its own, so that it never takes
    ///   the first one's process for its own.
    public init(root: String, id: SessionID, fence: Int64 = 1) {
        self.id = id
        let plain = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_".utf8)
        let name = id.rawValue.utf8.map { plain.contains($0) ? String(UnicodeScalar($0)) : "%\(String($0, radix: 16))" }
        path = "\(root)/\(name.joined())" + (fence > 1 ? ".\(fence)" : "")
    }

    /// Where the supervisor writes a stream. Only ``OutputStream/stdout`` and ``OutputStream/stderr`` are spooled.
    public func spool(_ stream: Protocol.OutputStream) -> String { "\(path)/\(stream.rawValue)" }

    /// Whether anything of the session is there.
    public var exists: Bool { access(path, F_OK) == 0 }

    /// What happened so far. A torn last line is not there yet; a missing file is an empty history.
    public func events() -> [SupervisorEvent] { history().events }

    /// Bytes of a stream from `offset` on, at most `max`; fewer, down to none, if there are not more yet. Bytes that
    /// were declared consumed read as zeros or as themselves.
    public func read(_ stream: Protocol.OutputStream, from offset: Int64, max: Int) throws(Fault) -> [UInt8] {
        try Self.read(spool(stream), from: offset, max: max)
    }

    /// Gives the place of a stream's bytes before `offset` back to the disk; they read as zeros from then on. For a
    /// session that has ended: while it runs, its supervisor does this. Where it fails, as on a file system without
    /// holes, the bytes stay until ``remove()``.
    func giveBack(_ stream: Protocol.OutputStream, upTo offset: Int64) {
        let file = open(spool(stream), O_WRONLY | O_CLOEXEC)
        guard file >= 0 else { return }
        defer { close(file) }
        _ = linux_give_back(file, offset)
    }

    /// Removes the folder with all that is in it. Only after its process has ended.
    public func remove() throws(Fault) {
        guard exists else { return }
        do { try FileManager.default.removeItem(atPath: path) } catch {
            throw Fault(.unavailable, "The session's folder \(path) cannot be removed: \(error.localizedDescription)")
        }
    }

    func history() -> SupervisorHistory {
        var history = SupervisorHistory()
        refresh(&history)
        return history
    }

    /// Brings a history up to date.
    func refresh(_ history: inout SupervisorHistory) {
        while true {
            // A missing file is a session that has not begun: an empty history is the truth.
            let bytes = (try? Self.read("\(path)/events", from: history.offset, max: 64 << 10)) ?? []
            let before = history.offset
            history.append(bytes)
            if history.offset == before { return }
        }
    }

    /// The program of the command, for messages.
    var program: String { entry("argument") ?? "?" }

    /// The control group that the session was given.
    var cgroup: String? { entry("cgroup") }

    /// The first entry of the spec with this name.
    private func entry(_ name: String) -> String? {
        // Where the spec is gone, so is the entry.
        let bytes = (try? Self.read("\(path)/spec", from: 0, max: 4 << 20)) ?? []
        let prefix = Array("\(name)=".utf8)
        let entry = bytes.split(separator: 0).first { $0.starts(with: prefix) }
        return entry.map { String(decoding: $0.dropFirst(prefix.count), as: UTF8.self) }
    }

    /// Bytes in the files of both spools.
    var sizes: [Protocol.OutputStream: Int64] {
        var sizes: [Protocol.OutputStream: Int64] = [:]
        for stream in [Protocol.OutputStream.stdout, .stderr] {
            var status = stat()
            sizes[stream] = stat(spool(stream), &status) == 0 ? Int64(status.st_size) : 0
        }
        return sizes
    }

    /// Makes the folder and puts the spec into it, whole or not at all.
    func write(_ spec: ProcessSpec) throws(Fault) {
        let bytes = try spec.encoded()
        for directory in [URL(filePath: path).deletingLastPathComponent().path, path] {
            guard mkdir(directory, 0o700) == 0 || errno == EEXIST else { throw .system("make \(directory)") }
        }
        let draft = "\(path)/spec.draft"
        let file = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw .system("write \(draft)") }
        defer { close(file) }
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes {
                Foundation.write(file, $0.baseAddress?.advanced(by: written), bytes.count - written)
            }
            guard count > 0 else { throw .system("write \(draft)") }
            written += count
        }
        guard rename(draft, "\(path)/spec") == 0 else { throw .system("write \(path)/spec") }
    }

    /// Whether a supervisor holds the folder.
    var isSupervised: Bool {
        let file = open("\(path)/lock", O_RDWR | O_CLOEXEC)
        guard file >= 0 else { return false }
        defer { close(file) }
        return flock(file, LOCK_EX | LOCK_NB) != 0
    }

    private static func read(_ path: String, from offset: Int64, max: Int) throws(Fault) -> [UInt8] {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw .system("read \(path)") }
        defer { close(file) }
        var failed = false
        let bytes = [UInt8](unsafeUninitializedCapacity: max) { buffer, count in
            while count < max {
                let taken = pread(
                    file,
                    buffer.baseAddress?.advanced(by: count),
                    max - count,
                    off_t(offset) + off_t(count)
                )
                if taken < 0 && errno == EINTR { continue }
                failed = taken < 0
                if taken <= 0 { return }
                count += taken
            }
        }
        if failed { throw .system("read \(path)") }
        return bytes
    }
}

extension Fault {
    /// The operating system refused something; `deed` completes "could not …".
    static func system(_ deed: String, error: Int32 = errno) -> Fault {
        Fault(.unavailable, "The spoke could not \(deed): \(String(cString: strerror(error))).")
    }
}
