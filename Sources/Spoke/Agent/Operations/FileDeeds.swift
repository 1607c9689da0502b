import Foundation
import Protocol
import SpokeCore

/// What is done to files, below one folder. Everything here blocks (``Offload``).
struct FileDeeds: Sendable {
    let confinement: Confinement
    /// What must not leave this machine.
    var secrets = SecretPatterns.none
    /// Whether the owner lets a file be reached, by its absolute path. Asked where a deed reaches more than it names.
    var permits: @Sendable (String) -> Bool = { _ in true }

    func read(_ path: RelativePath, from offset: Int64, max: Int, asBase64: Bool) throws(Fault) -> ReadFile.Output {
        let place = try confinement.place(of: path)
        let (file, status) = try confinement.file(place)
        let size = Int64(status.st_size)
        guard offset <= size else {
            throw Fault.invalid("offset", "must not be behind the end of the file, at \(size).")
        }
        var bytes = try part(of: file, from: offset, max: max, place.text)
        var text: String?
        if !asBase64 {
            let whole = UTF8Cut.length(of: bytes, isLast: offset + Int64(bytes.count) >= size)
            // Not even one character fits: then as bytes, so that the caller gets on.
            if whole > 0 || bytes.isEmpty { text = String(validating: bytes[..<whole], as: UTF8.self) }
            if text != nil { bytes.removeLast(bytes.count - whole) }
        }
        let next = offset + Int64(bytes.count)
        return ReadFile.Output(
            path: place.text,
            sizeBytes: size,
            offset: offset,
            text: text,
            base64: text == nil ? Data(bytes) : nil,
            nextOffset: next < size ? next : nil
        )
    }

    /// A part as it is in the redacted whole: a secret that it begins or ends within is hidden like any other. For that
    /// as much is read around it as the longest one takes; redaction keeps lengths (decision 4).
    private func part(of file: Descriptor, from offset: Int64, max: Int, _ shown: String) throws(Fault) -> [UInt8] {
        let around = secrets.window
        let before = Int(min(offset, Int64(around)))
        let bytes = try Self.read(file, from: offset - Int64(before), max: before + max + around, shown)
        return Array(Redactor.redact(bytes, with: secrets).dropFirst(before).prefix(max))
    }

    func stat(_ path: RelativePath) throws(Fault) -> FileFacts {
        let place = try confinement.place(of: path, following: false)
        return facts(place, try Confinement.status(of: place))
    }

    func list(_ path: RelativePath, after: String?, limit: Int) throws(Fault) -> ListFolder.Output {
        let place = try confinement.place(of: path)
        let folder = try confinement.folder(place)
        var (names, unnamed) = try Self.names(in: folder, place.text)
        names.sort()
        if let after { names.removeFirst(names.firstIndex { $0 > after } ?? names.count) }
        let entries = names.prefix(limit).compactMap { name -> FileFacts? in
            let entry = confinement.place(of: name, in: folder, place.names)
            // What went meanwhile is not there any more.
            return (try? Confinement.status(of: entry)).map { facts(entry, $0) }
        }
        return ListFolder.Output(
            path: place.text,
            entries: entries,
            hasMore: names.count > limit,
            unnamed: unnamed > 0 ? unnamed : nil
        )
    }

    /// Writes beside the place and renames: others see the old content or the new.
    func write(
        _ bytes: [UInt8],
        to path: RelativePath,
        mustBeNew: Bool,
        createFolders: Bool,
        executable: Bool?
    ) throws(Fault) -> WriteFile.Output {
        guard !path.touchesGit else { throw Self.gitsOwn }
        let place = try confinement.place(of: path, following: !mustBeNew, making: createFolders)
        guard place.name != "." else { throw Fault.invalid("path", "\(place.text) is a folder.") }
        // A link may have led here.
        guard !place.names.contains(where: { $0.lowercased() == ".git" }) else { throw Self.gitsOwn }
        let before = try current(place)
        guard before == nil || !mustBeNew else {
            throw Fault(.conflict, "\(place.text) is there already; leave mustBeNew out to replace it.")
        }
        let plain: mode_t = before.map { $0.st_mode & 0o777 } ?? 0o644
        let mode = executable.map { $0 ? plain | (plain & 0o444) >> 2 : plain & ~0o111 } ?? plain
        let draft = ".nave-\(UInt64.random(in: 0 ... .max)).tmp"
        try Self.write(bytes, mode, to: draft, in: place.folder, place.text)
        let done =
            mustBeNew
            ? linkat(place.folder.number, draft, place.folder.number, place.name, 0)
            : renameat(place.folder.number, draft, place.folder.number, place.name)
        let error = errno
        if done != 0 || mustBeNew { unlinkat(place.folder.number, draft, 0) }
        guard done == 0 else {
            if error == EEXIST { throw Fault(.conflict, "\(place.text) was made by somebody else meanwhile.") }
            throw Confinement.fault(place.text, "written", error: error)
        }
        return WriteFile.Output(path: place.text, sizeBytes: Int64(bytes.count), created: before == nil)
    }

    private static let gitsOwn = Fault(
        .accessDenied,
        "What is git's own (.git) cannot be written by calls; use the git operations."
    )

    /// The file that will be replaced; `nil` if there is none.
    private func current(_ place: Confinement.Place) throws(Fault) -> stat? {
        do throws(Fault) {
            let status = try Confinement.status(of: place)
            guard status.st_mode & S_IFMT == S_IFREG else { throw confinement.notAFile(place) }
            return status
        } catch {
            guard error.code == .notFound else { throw error }
            return nil
        }
    }

    private func facts(_ place: Confinement.Place, _ status: Foundation.stat) -> FileFacts {
        let kind: FileKind =
            switch status.st_mode & S_IFMT {
            case S_IFREG: .file
            case S_IFDIR: .folder
            case S_IFLNK: .link
            default: .other
            }
        let seconds = Double(status.st_mtim.tv_sec) + Double(status.st_mtim.tv_nsec) / 1e9
        return FileFacts(
            path: place.text,
            kind: kind,
            sizeBytes: kind == .file ? Int64(status.st_size) : 0,
            executable: kind == .file && status.st_mode & 0o100 != 0,
            modifiedAt: Date(timeIntervalSince1970: seconds),
            target: kind == .link ? Confinement.link(place.name, in: place.folder) : nil
        )
    }
}

// MARK: System calls

extension FileDeeds {
    /// Names that one folder may have; what has more is not listed.
    static let namesMost = 200_000

    /// The names in a folder, and how many besides are not UTF-8: those no call can name.
    static func names(in folder: Descriptor, _ shown: String) throws(Fault) -> (names: [String], unnamed: Int) {
        // A descriptor of its own: reading moves its position.
        let own = openat(folder.number, ".", Confinement.folderFlags)
        guard own >= 0, let stream = fdopendir(own) else { throw Confinement.fault(shown, "listed") }
        defer { closedir(stream) }
        var (names, unnamed): ([String], Int) = ([], 0)
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(validatingCString: $0) }
            }
            guard let name else {
                unnamed += 1
                continue
            }
            if name == "." || name == ".." { continue }
            names.append(name)
            guard names.count <= namesMost else {
                throw Fault(.tooLarge, "\(shown) has more than \(namesMost) entries; name what you look for.")
            }
        }
        return (names, unnamed)
    }

    static func read(_ file: Descriptor, from offset: Int64, max: Int, _ shown: String) throws(Fault) -> [UInt8] {
        var error: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: max) { buffer, count in
            while count < max {
                let place = buffer.baseAddress?.advanced(by: count)
                let taken = pread(file.number, place, max - count, off_t(offset) + off_t(count))
                if taken < 0, errno == EINTR { continue }
                if taken < 0 { error = errno }
                if taken <= 0 { return }
                count += taken
            }
        }
        guard error == 0 else { throw Confinement.fault(shown, "read", error: error) }
        return bytes
    }

    private static func write(
        _ bytes: [UInt8],
        _ mode: mode_t,
        to draft: String,
        in folder: Descriptor,
        _ shown: String
    ) throws(Fault) {
        let flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
        guard let file = Descriptor(openat(folder.number, draft, flags, 0o600)) else {
            throw Confinement.fault(shown, "written")
        }
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes {
                Foundation.write(file.number, $0.baseAddress?.advanced(by: written), $0.count - written)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            written += count
        }
        guard written == bytes.count, fchmod(file.number, mode) == 0, fsync(file.number) == 0 else {
            let error = errno
            unlinkat(folder.number, draft, 0)
            throw Confinement.fault(shown, "written", error: error)
        }
    }
}
