import ArgumentParser
import Foundation
import Protocol
import SpokeAgent

#if canImport(Glibc)
    import Glibc
#endif

/// What every local command takes.
struct LocalOptions: ParsableArguments {
    @Option(help: "Where the spoke keeps what it has; otherwise NAVE_SPOKE_DATA, then the standard place.")
    var dataDir: String?

    @Flag(help: "Print the answer as JSON, for programs.")
    var json = false

    var paths: SpokePaths {
        SpokePaths(root: dataDir ?? SpokePaths.standardRoot(environment: ProcessInfo.processInfo.environment))
    }

    /// The socket of the running spoke: the one a process of a session was given, unless a directory is named.
    var socket: String {
        if dataDir == nil, let given = ProcessInfo.processInfo.environment["NAVE_SOCKET"] { return given }
        return paths.socket
    }
}

/// A command that turns every fault into a sentence on stderr and the agreed exit code (contract.md).
protocol LocalCommand: AsyncParsableCommand {
    var local: LocalOptions { get }
    func act() async throws
}

extension LocalCommand {
    func run() async throws {
        do {
            try await act()
        } catch let fault as Fault {
            Output.fail(fault, json: local.json)
            throw ExitCode(Output.exitCode(for: fault))
        }
    }

    /// Asks the running spoke.
    func ask(_ method: LocalRequest.Method, _ parameters: JSONValue? = nil) throws -> JSONValue {
        try LocalSocket.ask(LocalRequest(method: method, parameters: parameters), at: local.socket)
    }
}

/// What commands print.
enum Output {
    static func line(_ text: String) {
        print(text)
        fflush(nil)
    }

    static func json(_ value: some Encodable) { line(String(decoding: WireCoder.bytes(of: value), as: UTF8.self)) }

    static func fail(_ fault: Fault, json: Bool) {
        let text =
            json
            ? String(decoding: WireCoder.bytes(of: ["error": fault]), as: UTF8.self)
            : "spoke: \(fault.code.rawValue): \(fault.message)"
        FileHandle.standardError.write(Data((text + "\n").utf8))
    }

    /// 69 for nobody there, 77 for not allowed, 78 for bad configuration, 1 for the rest.
    static func exitCode(for fault: Fault) -> Int32 {
        switch fault.code {
        case .unavailable: 69
        case .accessDenied, .unauthenticated: 77
        case .validation: 78
        default: 1
        }
    }
}
