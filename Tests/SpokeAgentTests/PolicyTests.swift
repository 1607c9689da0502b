import Foundation
import Protocol
import SpokeAgent
import SpokeCore
import Testing

/// The owner's word: what the policy denies stays denied, whatever the order says.
@Suite struct PolicyTests {
    private func order(
        repository: String = "https://git.example/site.git",
        environment: [String: String] = [:]
    ) -> StartSession {
        StartSession(
            commandId: "c",
            sessionId: "s",
            fence: 1,
            title: "t",
            workspace: WorkspaceOrder(
                workspaceId: "w",
                projectId: "p",
                repository: repository,
                defaultBranch: "main",
                branch: "wt/x"
            ),
            run: RunOrder(command: ["make"]),
            environment: environment
        )
    }

    private let noon = Policy.Situation(sessionsRunning: 0, minuteOfDay: 720)

    @Test func theDefaultAllowsOrdinaryWork() {
        #expect(Policy().objection(to: order(environment: ["CI": "1"]), program: "make", in: noon) == nil)
    }

    @Test func variablesThatTurnProgramsIntoOthersAreDenied() {
        for name in ["LD_PRELOAD", "LD_LIBRARY_PATH", "NAVE_SOCKET", "GIT_DIR"] {
            let fault = Policy().objection(to: order(environment: [name: "x"]), program: "make", in: noon)
            #expect(fault?.code == .accessDenied, "\(name)")
        }
    }

    @Test func aProgramIsDeniedByItsNameAndByItsPath() {
        var policy = Policy()
        policy.commands = AllowList(allow: ["*"], deny: ["rm", "/opt/*"])
        for program in ["rm", "/bin/rm", "./rm", "/opt/tool"] {
            #expect(policy.objection(to: order(), program: program, in: noon)?.code == .accessDenied, "\(program)")
        }
        #expect(policy.objection(to: order(), program: "rmdir", in: noon) == nil)
    }

    @Test func onlyListedRepositoriesAreCloned() {
        var policy = Policy()
        policy.repositories = AllowList(allow: ["https://git.example/*"])
        #expect(policy.objection(to: order(), program: "make", in: noon) == nil)
        let other = order(repository: "https://evil.example/https://git.example/x")
        #expect(policy.objection(to: other, program: "make", in: noon)?.code == .accessDenied)
    }

    @Test func hoursAndSessionsAreBounded() throws {
        var policy = Policy()
        policy.hours = [try #require(HourRange("22:00-06:00"))]
        #expect(policy.objection(to: order(), program: "make", in: noon)?.code == .accessDenied)
        let night = Policy.Situation(sessionsRunning: 3, minuteOfDay: 23 * 60)
        #expect(policy.objection(to: order(), program: "make", in: night) == nil)
        policy.sessionsMax = 3
        #expect(policy.objection(to: order(), program: "make", in: night)?.code == .accessDenied)
    }

    @Test func patternsMatchWholeTexts() {
        let cases: [(pattern: String, text: String, fits: Bool)] = [
            ("*", "", true), ("a*c", "abbc", true), ("a*c", "abcd", false), ("a?c", "abc", true), ("a?c", "ac", false),
            ("*a*b*", "xxaxxbxx", true), ("*a*b*", "xxbxxaxx", false), ("", "", true), ("", "a", false),
            ("a.c", "abc", false),
        ]
        for (pattern, text, fits) in cases {
            #expect(Pattern(pattern).matches(text) == fits, "\(pattern) on \(text)")
        }
        // Many stars take no exponential time.
        #expect(!Pattern(String(repeating: "a*", count: 40) + "b").matches(String(repeating: "a", count: 400)))
    }

    @Test func hoursThatAreNoneAreRefused() {
        for text in ["", "8-20", "08:00", "25:00-26:00", "08:60-09:00", "a:b-c:d"] { #expect(HourRange(text) == nil) }
    }

    @Test func aFileSaysWhatItsOwnerMeantOrNothingRuns() async throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "policy-\(UUID().uuidString).yaml").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        let file = PolicyFile(path: path)
        #expect(try await file.current() == Policy())
        try "commands:\n  deny: [rm]\nsessions:\n  max: 2\n  hours: [\"08:00-20:00\"]\n"
            .write(toFile: path, atomically: true, encoding: .utf8)
        let policy = try await file.current()
        #expect(policy.sessionsMax == 2)
        #expect(!policy.commands.permits("rm"))
        for broken in ["comands: {}", "commands:\n  denny: [rm]", "sessions:\n  hours: [never]", "commands: [", "- a"] {
            try broken.write(toFile: path, atomically: true, encoding: .utf8)
            let again = PolicyFile(path: path)
            await #expect(throws: Fault.self, "\(broken)") { try await again.current() }
        }
    }

    @Test func patienceEndsWhenThePolicySays() {
        #expect(!Patience(nil).isOver(after: .seconds(1_000_000)))
        let patience = Patience(DisconnectPolicy(keepRunningSeconds: 60, stopSelfAfterSeconds: 30))
        #expect(!patience.isOver(after: .seconds(29)))
        #expect(patience.isOver(after: .seconds(30)))
    }
}
