import Dispatch
import Foundation
import Protocol
import Synchronization

#if canImport(Glibc)
    import Glibc
#endif

/// Lines from a descriptor, read when they are wanted: nothing is read ahead but what one read brought.
final class DescriptorLines: Sendable {
    enum Line: Sendable {
        case whole([UInt8])
        /// It had more bytes than a request may; the rest of it is skipped.
        case tooLong
    }

    private struct State {
        var buffer: [UInt8] = []
        var isSkipping = false
        var isOver = false
    }

    private let descriptor: Int32
    private let queue = DispatchQueue(label: "nave.lines")
    private let state = Mutex(State())

    init(_ descriptor: Int32) { self.descriptor = descriptor }

    /// The next line that is not empty, without its end; `nil` at the end of the input.
    func next() async -> Line? {
        while true {
            if let line = state.withLock({ Self.take(&$0) }) { return line }
            if state.withLock({ $0.isOver }) { return nil }
            await fill()
        }
    }

    private static func take(_ state: inout State) -> Line? {
        while let end = state.buffer.firstIndex(of: UInt8(ascii: "\n")) {
            let line = Array(state.buffer[..<end])
            state.buffer.removeSubrange(...end)
            if state.isSkipping {
                state.isSkipping = false
                continue
            }
            if line.contains(where: { $0 != 0x20 && $0 != 0x09 && $0 != 0x0D }) { return .whole(line) }
        }
        guard state.buffer.count > Limits.requestBodyBytes else { return nil }
        state.buffer = []
        defer { state.isSkipping = true }
        return state.isSkipping ? nil : .tooLong
    }

    /// One read, on a thread that may block.
    private func fill() async {
        let descriptor = descriptor
        let bytes = await withCheckedContinuation { (reader: CheckedContinuation<[UInt8], Never>) in
            queue.async {
                var chunk = [UInt8](repeating: 0, count: 65_536)
                var count = read(descriptor, &chunk, chunk.count)
                while count < 0, errno == EINTR { count = read(descriptor, &chunk, chunk.count) }
                reader.resume(returning: Array(chunk.prefix(max(0, count))))
            }
        }
        state.withLock { state in
            if bytes.isEmpty { state.isOver = true } else { state.buffer += bytes }
        }
    }
}

/// Writes to a descriptor, one whole piece after the other, on a thread that may block.
final class DescriptorWriter: Sendable {
    private let descriptor: Int32
    private let queue = DispatchQueue(label: "nave.writer")

    init(_ descriptor: Int32) { self.descriptor = descriptor }

    /// Returns when the bytes are written, or nobody reads them any more.
    func write(_ bytes: [UInt8]) async {
        let descriptor = descriptor
        await withCheckedContinuation { (writer: CheckedContinuation<Void, Never>) in
            queue.async {
                var rest = bytes[...]
                while !rest.isEmpty {
                    let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
                    guard count > 0 || errno == EINTR else { break }
                    rest = rest.dropFirst(max(0, count))
                }
                writer.resume()
            }
        }
    }
}
