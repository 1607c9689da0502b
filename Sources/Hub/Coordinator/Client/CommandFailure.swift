import ArgumentParser
import Foundation
import Protocol

#if canImport(Glibc)
    import Glibc
#endif

/// How a client command ends when it does not end well (contract.md, exit codes).
struct CommandFailure: Error {
    let exitCode: Int32
    let fault: Fault

    /// 78: what the command was given to work with is not usable.
    static func configuration(_ message: String) -> CommandFailure {
        CommandFailure(exitCode: 78, fault: Fault(.validation, message))
    }

    /// 69: no hub answers.
    static func unreachable(_ message: String) -> CommandFailure {
        CommandFailure(exitCode: 69, fault: Fault(.unavailable, message))
    }

    /// 77 for a key that may not, 1 for every other answer with an error.
    static func answered(_ fault: Fault) -> CommandFailure {
        let refused: [Fault.Code] = [.accessDenied, .unauthenticated]
        return CommandFailure(exitCode: refused.contains(fault.code) ? 77 : 1, fault: fault)
    }
}

/// A command that asks the hub: turns every failure into a sentence on stderr and the agreed exit code.
protocol ClientCommand: AsyncParsableCommand {
    var client: ClientOptions { get }
    func ask(_ hub: HubClient) async throws
}

extension ClientCommand {
    func run() async throws {
        do {
            try await client.client().closing(ask)
        } catch let failure as CommandFailure {
            Output.fail(failure.fault, json: client.json)
            throw ExitCode(failure.exitCode)
        }
    }
}

/// What commands print.
enum Output {
    /// Bytes to stdout, as they are. Stops the program quietly when nobody reads any more.
    static func write(_ bytes: [UInt8]) throws {
        var written = 0
        while written < bytes.count {
            let count = bytes[written...].withUnsafeBytes { Glibc.write(1, $0.baseAddress, $0.count) }
            if count < 0 {
                if errno == EINTR { continue }
                throw ExitCode(errno == EPIPE ? 0 : 1)
            }
            written += count
        }
    }

    static func line(_ text: String) throws { try write(Array((text + "\n").utf8)) }

    /// A value as a program reads it.
    static func json(_ value: JSONValue) throws { try write(WireCoder.bytes(of: value) + [UInt8(ascii: "\n")]) }

    /// A sentence for people, or the whole error for programs, on stderr.
    static func fail(_ fault: Fault, json: Bool) {
        let text =
            json
            ? String(decoding: WireCoder.bytes(of: ["error": fault]), as: UTF8.self)
            : "hub: \(fault.code.rawValue): \(fault.message)"
        note(text)
    }

    static func note(_ text: String) { FileHandle.standardError.write(Data((text + "\n").utf8)) }

    /// Whether a person watches, so that colour and progress make sense.
    static var isTerminal: Bool { isatty(1) == 1 }
}
