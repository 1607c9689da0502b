import Foundation
import Protocol

#if canImport(Glibc)
    import Glibc
#endif

/// Files that only their owner may read: credentials, tokens, policies.
enum PrivateFile {
    /// Writes the whole file or nothing of it; readable by the owner alone from the first byte on.
    ///
    /// - Parameter durably: whether it must survive a power cut; otherwise it may be empty or missing after one.
    static func write(_ bytes: [UInt8], to path: String, durably: Bool = true) throws(Fault) {
        let temporary = "\(path).new"
        let file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw unwritable(path) }
        defer { close(file) }
        var written = 0
        while written < bytes.count {
            let count = bytes[written...].withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
            guard count > 0 || errno == EINTR else { throw unwritable(path) }
            written += max(count, 0)
        }
        guard !durably || fsync(file) == 0, rename(temporary, path) == 0 else { throw unwritable(path) }
    }

    /// Reads a secret from a file that nobody else can read.
    ///
    /// - Throws: `NOT_FOUND` if there is none, `ACCESS_DENIED` if others may read it.
    static func readSecret(_ path: String) throws(Fault) -> [UInt8] {
        var status = stat()
        guard stat(path, &status) == 0 else { throw Fault(.notFound, "There is no file \(path).") }
        guard status.st_mode & 0o077 == 0 else {
            throw Fault(.accessDenied, "Others may read \(path); run `chmod 600 \(path)` and try again.")
        }
        return try read(path)
    }

    static func read(_ path: String) throws(Fault) -> [UInt8] {
        do {
            return [UInt8](try Data(contentsOf: URL(filePath: path)))
        } catch {
            throw Fault(.notFound, "The file \(path) cannot be read.")
        }
    }

    private static func unwritable(_ path: String) -> Fault {
        Fault(.execution, "The file \(path) cannot be written: \(String(cString: strerror(errno))).")
    }
}
