import Foundation
import Protocol
import SpokeCore

/// Walks a folder and everything below it, without following links and without git's own.
struct FileSearch: Sendable {
    let deeds: FileDeeds
    private var confinement: Confinement { deeds.confinement }
    let abandonment: Abandonment

    /// Entries that one search looks at.
    static let entriesMost = 500_000
    /// Folders within folders.
    static let depthMost = 128
    /// A file that is larger is not searched for text.
    static let fileBytes = 8 << 20
    /// What one search reads altogether.
    static let searchedBytes = 1 << 30
    /// How much of a line is shown.
    static let lineBytes = 500
    /// Beginning of a file in which a NUL means that it is not text, as git has it.
    static let textProbe = 8_000

    func glob(_ pattern: GlobPattern, below path: RelativePath, limit: Int) throws(Fault) -> GlobFiles.Output {
        var paths: [String] = []
        let isWhole = try walk(path, pattern) { (place, _) throws(Fault) -> Bool in
            guard paths.count < limit else { return false }
            paths.append(place.text)
            return true
        }
        return GlobFiles.Output(paths: paths, hasMore: !isWhole)
    }

    func grep(
        _ needle: Needle,
        in pattern: GlobPattern?,
        below path: RelativePath,
        limit: Int
    ) throws(Fault) -> GrepFiles.Output {
        var output = GrepFiles.Output(matches: [], filesSearched: 0, hasMore: false)
        var left = Self.searchedBytes
        let isWhole = try walk(path, pattern) { (place, status) throws(Fault) -> Bool in
            let size = Int(status.st_size)
            guard size <= Self.fileBytes else { return true }
            guard size <= left else { return false }
            left -= size
            guard let bytes = contents(of: place) else { return true }
            output.filesSearched += 1
            guard needle.first(in: bytes, from: 0) != nil else { return true }
            // Looked for again in what may be shown: whoever guesses a secret must not learn that it is there.
            let shown = Redactor.redact(bytes, with: deeds.secrets)
            return append(needle, shown, place.text, limit, to: &output.matches)
        }
        output.hasMore = !isWhole
        return output
    }

    /// A text file's bytes; `nil` for what cannot be read or is not text.
    private func contents(of place: Confinement.Place) -> [UInt8]? {
        // What went or may not be read is left out of a search.
        guard let (file, status) = try? confinement.file(place),
            let bytes = try? FileDeeds.read(file, from: 0, max: min(Int(status.st_size), Self.fileBytes), place.text)
        else { return nil }
        return bytes.prefix(Self.textProbe).contains(0) ? nil : bytes
    }

    /// - Returns: whether there was room for all that was found.
    private func append(
        _ needle: Needle,
        _ bytes: [UInt8],
        _ path: String,
        _ limit: Int,
        to matches: inout [GrepFiles.Match]
    ) -> Bool {
        var (line, counted, position) = (1, 0, 0)
        while let found = needle.first(in: bytes, from: position) {
            guard matches.count < limit else { return false }
            line += bytes[counted..<found].count { $0 == UInt8(ascii: "\n") }
            counted = found
            let start = bytes[..<found].lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
            let end = bytes[found...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
            let from = max(start, min(found - Self.lineBytes / 4, end - Self.lineBytes))
            let shown = bytes[from..<min(end, from + Self.lineBytes)]
            matches.append(
                GrepFiles.Match(
                    path: path,
                    line: line,
                    column: found - start + 1,
                    text: String(decoding: shown, as: UTF8.self)
                )
            )
            position = end
        }
        return true
    }

    /// Shows every file that the pattern fits, in the order of their paths, until `visit` has enough.
    ///
    /// - Returns: whether everything was seen.
    private func walk(
        _ path: RelativePath,
        _ pattern: GlobPattern?,
        visit: (Confinement.Place, stat) throws(Fault) -> Bool
    ) throws(Fault) -> Bool {
        let top = try confinement.place(of: path)
        var entries = 0
        // Folders that are open, each with the names that are left in it, the next one last.
        var open: [(folder: Descriptor, names: [String], left: [String])] = []
        let first = try confinement.folder(top)
        open.append((first, top.names, try sorted(first, top.text)))
        while let last = open.indices.last {
            try abandonment.check()
            guard let name = open[last].left.popLast() else {
                open.removeLast()
                continue
            }
            entries += 1
            guard entries <= Self.entriesMost else { return false }
            let place = confinement.place(of: name, in: open[last].folder, open[last].names)
            let below = Array(place.names.dropFirst(top.names.count))
            // What went meanwhile is not there any more.
            guard name != ".git", let status = try? Confinement.status(of: place) else { continue }
            switch status.st_mode & S_IFMT {
            case S_IFDIR:
                guard pattern?.mayMatch(below: below) ?? true else { continue }
                guard open.count < Self.depthMost else { return false }
                // A folder that may not be read is left out.
                guard let folder = try? confinement.folder(place), let names = try? sorted(folder, name) else {
                    continue
                }
                open.append((folder, place.names, names))
            case S_IFREG:
                guard pattern?.matches(below) ?? true, deeds.permits(place.text) else { continue }
                guard try visit(place, status) else { return false }
            default: continue
            }
        }
        return true
    }

    private func sorted(_ folder: Descriptor, _ shown: String) throws(Fault) -> [String] {
        try FileDeeds.names(in: folder, shown).names.sorted(by: >)
    }
}

/// A text to look for, with or without regard to the case of ASCII letters.
struct Needle: Sendable {
    private let bytes: [UInt8]
    private let ignoreCase: Bool

    /// A longer text is not looked for.
    static let longest = 1_024

    /// - Throws: `VALIDATION_ERROR` for what no line can contain.
    init(_ text: String, ignoreCase: Bool) throws(Fault) {
        let bytes = Array(text.utf8)
        guard !bytes.isEmpty, bytes.count <= Self.longest, !bytes.contains(0), !bytes.contains(UInt8(ascii: "\n"))
        else { throw Fault.invalid("text", "must have 1 to \(Self.longest) bytes, without NUL and line breaks.") }
        self.bytes = ignoreCase ? bytes.map(Self.lowered) : bytes
        self.ignoreCase = ignoreCase
    }

    /// Where it is next.
    func first(in text: [UInt8], from start: Int) -> Int? {
        guard text.count - start >= bytes.count else { return nil }
        if !ignoreCase { return exact(in: text, from: start) }
        return text.withUnsafeBufferPointer { text in
            bytes.withUnsafeBufferPointer { bytes in
                for place in start...(text.count - bytes.count) where Self.lowered(text[place]) == bytes[0] {
                    var length = 1
                    while length < bytes.count, Self.lowered(text[place + length]) == bytes[length] { length += 1 }
                    if length == bytes.count { return place }
                }
                return nil
            }
        }
    }

    /// By the first byte, then the rest: the text's length times the needle's at worst, and that is bounded.
    private func exact(in text: [UInt8], from start: Int) -> Int? {
        text.withUnsafeBytes { text in
            guard let begin = text.baseAddress else { return nil }
            var place = start
            while place + bytes.count <= text.count {
                let room = text.count - bytes.count - place + 1
                guard let hit = memchr(begin + place, Int32(bytes[0]), room) else { return nil }
                place = UnsafeRawPointer(hit) - begin
                if memcmp(begin + place, bytes, bytes.count) == 0 { return place }
                place += 1
            }
            return nil
        }
    }

    private static func lowered(_ byte: UInt8) -> UInt8 {
        byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") ? byte | 0x20 : byte
    }
}
