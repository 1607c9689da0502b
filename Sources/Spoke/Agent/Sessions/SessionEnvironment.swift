import Foundation
import Protocol

/// The environment that a process of a session sees: little of the spoke's own, what was ordered, and who it is.
struct SessionEnvironment: Sendable {
    /// What is passed on from the spoke's own environment; everything else stays with the spoke.
    static let inherited = [
        "PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_ALL", "TZ", "TMPDIR", "SSH_AUTH_SOCK",
        "XDG_RUNTIME_DIR",
    ]

    var own: [String: String]
    var socket: String
    var order: StartSession
    var workspace: WorkspaceCreated
    var tokenFile: String

    var variables: [String: String] {
        var variables = own.filter { Self.inherited.contains($0.key) || $0.key.hasPrefix("LC_") }
        if variables["PATH"] == nil { variables["PATH"] = "/usr/local/bin:/usr/bin:/bin" }
        variables.merge(order.environment) { _, ordered in ordered }
        if let trace = order.traceparent { variables[TraceContext.variable] = trace }
        variables.merge(Self.proof(of: order.sessionId, at: socket, tokenFile)) { _, proof in proof }
        variables["NAVE_WORKTREE"] = workspace.directory
        variables["NAVE_BRANCH"] = workspace.branch
        return variables
    }

    /// What a process shows at the spoke's socket, to call in its session's name.
    static func proof(of session: SessionID, at socket: String, _ tokenFile: String) -> [String: String] {
        ["NAVE_SESSION_ID": session.rawValue, "NAVE_SOCKET": socket, "NAVE_TOKEN_FILE": tokenFile]
    }

    /// 256 random bits, in hexadecimal.
    static func newToken() -> String {
        (0..<4).map { _ in
            let word = String(UInt64.random(in: 0...UInt64.max), radix: 16)
            return String(repeating: "0", count: 16 - word.count) + word
        }.joined()
    }
}
