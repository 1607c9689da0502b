public import Foundation
public import Protocol

/// One line of a session's `events` file (`events.h` of the supervisor).
public enum SupervisorEvent: Hashable, Sendable {
    /// The leader's pid, its start in clock ticks since boot, and which boot.
    case started(pid: Int32, startTime: UInt64, bootId: String, at: Date)
    /// It could not be started: at which stage, and the system's error number.
    case failed(stage: String, error: Int32)
    /// Its end was asked for while the leader ran.
    case ending(ExitReason, at: Date)
    case exited(code: Int32, at: Date)
    case signalled(signal: Int32, at: Date)
    /// One process of the tree went when it was told to.
    case ended(ProcessRecord)
    /// One did not.
    case remaining(ProcessRecord)
    /// Always the last: the bytes of both spools, and how many processes were ended.
    case finished(stdout: Int64, stderr: Int64, ended: Int64, at: Date)

    /// Reads one line without its end; `nil` for one that is not known.
    public init?(line: String) {
        let words = line.split(separator: Character(" "), omittingEmptySubsequences: false).map(String.init)
        func integer<Value: FixedWidthInteger>(_ index: Int) -> Value? {
            words.indices.contains(index) ? Value(words[index]) : nil
        }
        func date(_ index: Int) -> Date? {
            (integer(index) as Int64?).map { Date(timeIntervalSince1970: Double($0) / 1_000) }
        }
        var process: ProcessRecord? {
            guard words.count > 2, let pid = integer(1) as Int32? else { return nil }
            return ProcessRecord(pid: pid, command: words.dropFirst(2).joined(separator: " "))
        }
        switch words[0] {
        case "started":
            guard let pid = integer(1) as Int32?, let start = integer(2) as UInt64?, let at = date(4) else {
                return nil
            }
            self = .started(pid: pid, startTime: start, bootId: words[3], at: at)
        case "failed":
            guard words.count == 3, let error = integer(2) as Int32? else { return nil }
            self = .failed(stage: words[1], error: error)
        case "ending":
            guard words.count == 3, let reason = ExitReason(rawValue: words[1]), let at = date(2) else { return nil }
            self = .ending(reason, at: at)
        case "exited":
            guard words.count == 4, let number = integer(2) as Int32?, let at = date(3) else { return nil }
            self = words[1] == "signal" ? .signalled(signal: number, at: at) : .exited(code: number, at: at)
        case "ended":
            guard let process else { return nil }
            self = .ended(process)
        case "remaining":
            guard let process else { return nil }
            self = .remaining(process)
        case "finished":
            guard let out = integer(1) as Int64?, let error = integer(2) as Int64?, let count = integer(3) as Int64?,
                let at = date(4)
            else { return nil }
            self = .finished(stdout: out, stderr: error, ended: count, at: at)
        default:
            return nil
        }
    }
}

/// A session's history as far as it is written: whole lines only, a torn last one is not there yet.
struct SupervisorHistory: Sendable {
    private(set) var events: [SupervisorEvent] = []
    /// Bytes of the file that are understood already.
    private(set) var offset: Int64 = 0

    /// Takes what the file holds from ``offset`` on.
    mutating func append(_ bytes: [UInt8]) {
        guard let last = bytes.lastIndex(of: UInt8(ascii: "\n")) else { return }
        for line in bytes[..<last].split(separator: UInt8(ascii: "\n")) {
            if let event = SupervisorEvent(line: String(decoding: line, as: UTF8.self)) { events.append(event) }
        }
        offset += Int64(last + 1)
    }

    /// The leader, if the command was started.
    var leader: (pid: Int32, startTime: UInt64, bootId: String)? {
        for case .started(let pid, let startTime, let bootId, _) in events { return (pid, startTime, bootId) }
        return nil
    }

    /// The end, if it is written.
    func end(of command: String) -> ProcessEnd? {
        for case .finished(let stdout, let stderr, _, let at) in events.reversed() {
            return end(reason: .exited, at: at, sizes: [.stdout: stdout, .stderr: stderr], command: command)
        }
        return nil
    }

    /// The end that the events amount to; `reason` holds unless they say otherwise.
    func end(reason: ExitReason, at: Date, sizes: [Protocol.OutputStream: Int64], command: String) -> ProcessEnd {
        var end = ProcessEnd(
            exitCode: nil,
            exitSignal: nil,
            reason: reason,
            endedAt: at,
            swept: [],
            remaining: [],
            ended: [],
            sizes: sizes,
            failure: nil
        )
        for event in events {
            switch event {
            case .failed(let stage, let error):
                end.reason = .failed
                end.failure = .notStarted(command, stage: stage, error: error)
            case .ending(let why, _): end.reason = end.reason == .lost ? .lost : why
            case .exited(let code, let at): (end.exitCode, end.endedAt) = (code, at)
            case .signalled(let signal, let at): (end.exitSignal, end.endedAt) = (signal, at)
            case .ended(let process): end.ended.append(process)
            case .remaining(let process): end.remaining.append(process)
            case .started, .finished: break
            }
        }
        end.swept = end.ended.filter { $0.pid != leader?.pid }
        return end
    }
}

extension Fault {
    /// A command that did not become a process.
    static func notStarted(_ command: String, stage: String, error: Int32) -> Fault {
        let reason = String(cString: strerror(error))
        let message =
            switch (stage, error) {
            case ("program", ENOENT):
                "The program “\(command)” does not exist on this spoke; check its name and the session's PATH."
            case ("program", EACCES):
                "The program “\(command)” may not be executed on this spoke; check its permissions."
            case ("program", _): "The program “\(command)” cannot be executed on this spoke: \(reason)."
            case ("directory", _):
                "The working directory for “\(command)” cannot be entered: \(reason); check that it exists."
            default: "The spoke could not start “\(command)”: \(reason); try again when it has room."
            }
        let details: [String: JSONValue] = ["stage": .string(stage), "errno": .integer(Int64(error))]
        return Fault(.execution, message, details: .object(details))
    }
}
