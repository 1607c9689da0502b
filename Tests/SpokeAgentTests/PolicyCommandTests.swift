import Protocol
import SpokeCore
import Testing

/// Which programs the owner's lists let through, whatever they are called and wherever they lie.
@Suite struct PolicyCommandTests {
    private static func order(_ command: [String], environment: [String: String] = [:]) -> StartSession {
        StartSession(
            commandId: "c",
            sessionId: "s",
            fence: 1,
            title: "t",
            workspace: WorkspaceOrder(
                workspaceId: "w",
                projectId: "p",
                repository: "/srv/app.git",
                defaultBranch: "main",
                branch: "wt/t",
                base: nil,
                keep: .always
            ),
            run: RunOrder(command: command),
            environment: environment
        )
    }

    private func objection(_ policy: Policy, _ program: String, environment: [String: String] = [:]) -> Fault? {
        policy.objection(
            to: Self.order([program], environment: environment),
            program: program,
            in: Policy.Situation(sessionsRunning: 0, minuteOfDay: 0)
        )
    }

    @Test func whatIsAllowedByNameIsNotAllowedAtAnyPath() {
        let policy = Policy(commands: AllowList(allow: ["git", "/usr/bin/make"]))
        #expect(objection(policy, "git") == nil)
        #expect(objection(policy, "/usr/bin/make") == nil)
        for program in ["./git", "/tmp/git", "make", "sh", "/usr/bin/../bin/make"] {
            #expect(objection(policy, program)?.code == .accessDenied, "\(program)")
        }
        #expect(objection(policy, "git", environment: ["PATH": "."])?.code == .accessDenied)
        #expect(objection(Policy(), "git", environment: ["PATH": "/opt/bin:/bin"]) == nil)
    }

    @Test func whatIsDeniedByNameIsDeniedAtEveryPath() {
        let policy = Policy(commands: AllowList(deny: ["rm"]))
        for program in ["rm", "/bin/rm", "./rm", "rm/"] {
            #expect(objection(policy, program)?.code == .accessDenied, "\(program)")
        }
        #expect(objection(policy, "true") == nil)
    }
}
