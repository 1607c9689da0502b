import Foundation
import Synchronization
import SystemPackage

#if canImport(Glibc)
    import Glibc
#endif

/// Room on the disk that is taken in advance, so that there is some to give when state must be written and the disk
/// is full.
final class Ballast: Sendable {
    private let path: String
    private let bytes: Int
    private let full = Mutex(false)

    /// - Parameter bytes: 0 for none.
    init(beside path: String, bytes: Int) {
        self.path = path + ".ballast"
        self.bytes = bytes
    }

    /// Whether the room is there to be freed.
    var isFull: Bool { bytes == 0 || full.withLock { $0 } }

    /// Takes the room again.
    ///
    /// - Returns: whether it is all there now.
    @discardableResult
    func fill() -> Bool {
        if isFull { return true }
        let done = allocate()
        full.withLock { $0 = done }
        return done
    }

    /// Frees the room.
    ///
    /// - Returns: whether there was any to free.
    func release() -> Bool {
        guard bytes > 0 else { return false }
        return full.withLock { full in
            guard full else { return false }
            full = false
            return unlink(path) == 0
        }
    }

    private func allocate() -> Bool {
        do {
            let file = try FileDescriptor.open(
                FilePath(path),
                .readWrite,
                options: [.create, .closeOnExec],
                permissions: .ownerReadWrite
            )
            // Writing nothing, the close has nothing to lose.
            defer { try? file.close() }
            #if canImport(Glibc)
                let done = posix_fallocate(file.rawValue, 0, off_t(bytes)) == 0
            #else
                let done = ftruncate(file.rawValue, off_t(bytes)) == 0
            #endif
            // Half a ballast would only make the full disk fuller.
            if !done { unlink(path) }
            return done
        } catch {
            return false
        }
    }
}
