import Foundation
import Protocol
import SpokeCore

/// What this spoke answers about files.
struct FileAnswers: Sendable {
    let premises: Premises

    func register(in table: inout SpokeOperations) {
        table.answer(ReadFile.self) { (request, call) async throws(Fault) in try await read(request, call) }
        table.answer(WriteFile.self) { (request, call) async throws(Fault) in try await write(request, call) }
        table.answer(StatFile.self) { (request, call) async throws(Fault) in
            try await premises.file(request, at: request.path, for: call, on: premises.disk) {
                (deeds, path, _) throws(Fault) -> FileFacts in try deeds.stat(path)
            }
        }
        table.answer(ListFolder.self) { (request, call) async throws(Fault) in try await list(request, call) }
        table.answer(GlobFiles.self) { (request, call) async throws(Fault) in try await glob(request, call) }
        table.answer(GrepFiles.self) { (request, call) async throws(Fault) in try await grep(request, call) }
    }

    private func read(_ request: ReadFile, _ call: SpokeCall) async throws(Fault) -> ReadFile.Output {
        let offset = request.offset ?? 0
        guard offset >= 0 else { throw Fault.invalid("offset", "must not be negative.") }
        let most = try Bounds.check(
            request.maxBytes,
            "maxBytes",
            1...Limits.answerBytesMost,
            usual: Limits.answerBytesUsual
        )
        let asBase64 = request.asBase64 ?? false
        return try await premises.file(request, at: request.path, for: call, on: premises.disk) {
            (deeds, path, _) throws(Fault) -> ReadFile.Output in
            try deeds.read(path, from: offset, max: most, asBase64: asBase64)
        }
    }

    private func write(_ request: WriteFile, _ call: SpokeCall) async throws(Fault) -> WriteFile.Output {
        let bytes: [UInt8]
        switch (request.text, request.base64) {
        case (let text?, nil): bytes = Array(text.utf8)
        case (nil, let data?): bytes = [UInt8](data)
        case (nil, nil), (.some, .some): throw Fault.invalid("text", "or base64 is required, and not both.")
        }
        guard bytes.count <= Limits.writeBytes else {
            throw Fault(.tooLarge, "fs.write takes at most \(Limits.writeBytes) bytes; run a program for larger files.")
        }
        return try await premises.file(request, at: request.path, for: call, on: premises.disk) {
            (deeds, path, _) throws(Fault) -> WriteFile.Output in
            try deeds.write(
                bytes,
                to: path,
                mustBeNew: request.mustBeNew ?? false,
                createFolders: request.createFolders ?? false,
                executable: request.executable
            )
        }
    }

    private func list(_ request: ListFolder, _ call: SpokeCall) async throws(Fault) -> ListFolder.Output {
        let limit = try Bounds.check(request.limit, "limit", 1...2_000, usual: 500)
        return try await premises.file(request, at: request.path ?? ".", for: call, on: premises.disk) {
            (deeds, path, _) throws(Fault) -> ListFolder.Output in
            try deeds.list(path, after: request.after, limit: limit)
        }
    }

    private func glob(_ request: GlobFiles, _ call: SpokeCall) async throws(Fault) -> GlobFiles.Output {
        let limit = try Bounds.check(request.limit, "limit", 1...5_000, usual: 1_000)
        let pattern = try GlobPattern(request.pattern, field: "pattern")
        return try await premises.file(request, at: request.path ?? ".", for: call, on: premises.searches) {
            (deeds, path, abandonment) throws(Fault) -> GlobFiles.Output in
            try FileSearch(deeds: deeds, abandonment: abandonment)
                .glob(pattern, below: path, limit: limit)
        }
    }

    private func grep(_ request: GrepFiles, _ call: SpokeCall) async throws(Fault) -> GrepFiles.Output {
        let limit = try Bounds.check(request.limit, "limit", 1...1_000, usual: 200)
        let needle = try Needle(request.text, ignoreCase: request.ignoreCase ?? false)
        var pattern: GlobPattern?
        if let glob = request.glob { pattern = try GlobPattern(glob, field: "glob") }
        return try await premises.file(request, at: request.path ?? ".", for: call, on: premises.searches) {
            [pattern] (deeds, path, abandonment) throws(Fault) -> GrepFiles.Output in
            try FileSearch(deeds: deeds, abandonment: abandonment)
                .grep(needle, in: pattern, below: path, limit: limit)
        }
    }
}

/// A number that a caller may choose within bounds.
enum Bounds {
    /// - Throws: `VALIDATION_ERROR` that names the bounds.
    static func check(_ value: Int?, _ field: String, _ range: ClosedRange<Int>, usual: Int) throws(Fault) -> Int {
        guard let value else { return usual }
        guard range.contains(value) else {
            throw Fault.invalid(field, "must be \(range.lowerBound) to \(range.upperBound).")
        }
        return value
    }
}
