import Foundation
import Protocol

/// Who is inside a directory: processes whose working directory or an open file is there.
enum Occupants {
    /// The processes, without this one. Reads `/proc`; what belongs to other users cannot be seen unless root asks.
    static func inside(_ directory: String) async -> [ProcessRecord] {
        let own = getpid()
        return Folder.names(in: "/proc").compactMap(Int32.init).sorted().filter { $0 != own && holds($0, directory) }
            .map { ProcessRecord(pid: $0, command: Folder.text("/proc/\($0)/comm") ?? "?") }
    }

    /// Whether any process has this very file open.
    static func haveOpen(_ file: String) async -> Bool {
        Folder.names(in: "/proc").compactMap(Int32.init).contains { pid in
            openFiles(of: pid).contains(file)
        }
    }

    private static func holds(_ pid: Int32, _ directory: String) -> Bool {
        let inside = directory + "/"
        for link in ["cwd", "root"] {
            if let target = target("/proc/\(pid)/\(link)"), target == directory || target.hasPrefix(inside) {
                return true
            }
        }
        return openFiles(of: pid).contains { $0 == directory || $0.hasPrefix(inside) }
    }

    private static func openFiles(of pid: Int32) -> [String] {
        var files: [String] = []
        guard let folder = opendir("/proc/\(pid)/fd") else { return [] }
        defer { closedir(folder) }
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            guard let file = target("/proc/\(pid)/fd/\(name)"), file.hasPrefix("/") else { continue }
            files.append(file)
        }
        return files
    }

    private static func target(_ link: String) -> String? {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(PATH_MAX)) { buffer in
            guard let start = buffer.baseAddress else { return nil }
            let count = readlink(link, start, buffer.count)
            guard count > 0 else { return nil }
            return String(decoding: buffer.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
    }
}
