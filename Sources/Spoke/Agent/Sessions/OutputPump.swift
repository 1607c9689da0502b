import Logging
import Protocol

/// Carries a session's output from its spool into the journal, in order and without a byte missing.
struct OutputPump: Sendable {
    let order: StartSession
    let journal: Journal
    let logger: Logger

    private static let streams: [OutputStream] = [.stdout, .stderr]

    /// Follows a running process to its end; `nil` if this agent stops before.
    func follow(_ process: SupervisedProcess) async -> ProcessEnd? {
        for await event in process.events {
            switch event {
            case .output(let stream, _): await pump(stream, of: process)
            case .finished(let end): return end
            }
        }
        return nil
    }

    /// Takes in what there is of a stream, telling the supervisor what it may let go of, however long the journal
    /// refuses: the process may be waiting for room that only this gives back, and then nobody rings again.
    private func pump(_ stream: OutputStream, of process: SupervisedProcess) async {
        var backoff = Backoff(first: .milliseconds(100), longest: .seconds(10))
        var generator = SystemRandomNumberGenerator()
        while true {
            do {
                var position = try await journal.position(of: key(stream))
                while true {
                    let bytes = try process.read(stream, from: position.wanted, max: Limits.outputChunkBytes)
                    guard !bytes.isEmpty else { return }
                    position = try await append(bytes, to: stream, at: position.wanted)
                    process.consumed(stream, upTo: position.journaled)
                    backoff.reset()
                }
            } catch {
                logger.warning("output not journaled yet", metadata: ["stream": "\(stream)", "error": "\(error)"])
            }
            do { try await Task.sleep(for: backoff.next(using: &generator)) } catch { return }
        }
    }

    /// Takes in what is left in the spools after the end, however long the journal refuses.
    ///
    /// - Returns: the sums that prove the output complete.
    /// - Throws: only `ABORTED`, when this agent stops; the next one drains again.
    func drain(_ folder: SessionFolder, sizes: [OutputStream: Int64]) async throws(Fault) -> [OutputSum] {
        var sums: [OutputSum] = []
        for stream in Self.streams {
            sums.append(try await drain(stream, of: folder, upTo: sizes[stream] ?? 0))
        }
        return sums
    }

    private func drain(
        _ stream: OutputStream,
        of folder: SessionFolder,
        upTo size: Int64
    ) async throws(Fault) -> OutputSum {
        var backoff = Backoff(first: .milliseconds(100), longest: .seconds(10))
        var generator = SystemRandomNumberGenerator()
        while true {
            do {
                var position = try await journal.position(of: key(stream))
                while position.wanted < size {
                    let room = min(Int64(Limits.outputChunkBytes), size - position.wanted)
                    let bytes = try folder.read(stream, from: position.wanted, max: Int(room))
                    guard !bytes.isEmpty else { break }
                    position = try await append(bytes, to: stream, at: position.wanted)
                    folder.giveBack(stream, upTo: position.journaled)
                }
                return try await journal.finish(output: key(stream))
            } catch {
                logger.warning("output not journaled yet", metadata: ["stream": "\(stream)", "error": "\(error)"])
                do { try await Task.sleep(for: backoff.next(using: &generator)) } catch {
                    throw Fault(.aborted, "The agent stops; its next run takes the output in.")
                }
            }
        }
    }

    private func append(_ bytes: [UInt8], to stream: OutputStream, at offset: Int64) async throws(Fault)
        -> OutputPosition
    {
        try await journal.append(
            output: OutputChunk(
                sessionId: order.sessionId,
                fence: order.fence,
                stream: stream,
                offset: offset,
                bytes: bytes
            )
        )
    }

    private func key(_ stream: OutputStream) -> OutputKey {
        OutputKey(sessionId: order.sessionId, fence: order.fence, stream: stream)
    }
}
