import Foundation
import Protocol
import Synchronization
import TestSupport
import Testing

@testable import HubDomains

/// One stream of all that happens to a session, and its messages from either end.
@Suite struct AttachTests {
    /// What somebody attached was told.
    private final class Heard: Sendable {
        private let values = Mutex<[(id: String?, news: AttachedNews)]>([])

        func take(_ value: StreamedValue) throws(Fault) {
            let news: AttachedNews = try WireCoder.value(from: value.answer.data)
            values.withLock { $0.append((value.id, news)) }
        }

        var all: [(id: String?, news: AttachedNews)] { values.withLock { $0 } }

        /// Each value in a word.
        var words: [String] { all.map { AttachTests.word($0.news) } }

        /// Waits until something was told.
        func untilTold(_ word: String) async throws {
            let deadline = ContinuousClock.now + patience
            while !words.contains(word) {
                guard ContinuousClock.now < deadline else { throw Fault(.timeout, "Not told: \(word), but \(words)") }
                try await Task.sleep(for: .milliseconds(5))
            }
        }
    }

    private static func word(_ news: AttachedNews) -> String {
        switch news.kind {
        case .state:
            let state = news.state
            return "state \(state?.ended.map { "ended \($0.exitReason.rawValue)" } ?? state?.agent?.rawValue ?? "")"
        case .output: return "output \(String(decoding: news.output?.bytes ?? Data(), as: UTF8.self))"
        case .part: return "part \(news.part?.type.rawValue ?? "")"
        case .message:
            let message = news.message
            let isFailed = message?.status == .error
            let step = isFailed ? "error" : message?.delivery?.rawValue ?? message?.status.rawValue ?? ""
            return "message \(message?.data["text"]?.stringValue ?? message?.role.rawValue ?? "") \(step)"
        }
    }

    private func attach(_ hub: TestHub, _ request: AttachSession, after id: String? = nil, to heard: Heard) async throws
    {
        try await hub.domains.table.subscribe(
            AttachSession.name,
            input: JSONValue(encoding: request),
            lastEventId: id,
            by: hub.admin
        ) { (value: StreamedValue) async throws(Fault) in try heard.take(value) }
    }

    @Test func whoIsAttachedIsToldWhatComesAndNothingTwice() async throws {
        let hub = try await TestHub.make()
        _ = try await hub.project()
        var spoke = try await ScriptedSpoke.join(hub, "a")
        let session = try await hub.spawn()
        let id = session.sessionId.rawValue
        spoke.start(session)
        let first = spoke.print(session, ["before\n"])
        try await spoke.flush()
        _ = try await hub.ask(MessageSession(sessionId: id, message: "old"))
        let heard = Heard()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await attach(hub, AttachSession(sessionId: id), to: heard) }
            try await heard.untilTold("state ")
            let sent = try await hub.ask(MessageSession(sessionId: id, message: "new"))
            try await heard.untilTold("message new queued")
            let sum = spoke.print(session, ["after\n"], from: first.bytes)
            try await spoke.flush()
            try await heard.untilTold("output after\n")
            let progress = SessionMessageProgress(
                sessionId: session.sessionId,
                fence: 1,
                messageId: sent.messageId,
                delivery: .consumed
            )
            spoke.note(.sessionMessage, progress)
            try await spoke.flush()
            try await heard.untilTold("message new consumed")
            var caller = hub.caller("notice:write")
            caller.act(as: session.sessionId)
            _ = try await hub.ask(NotifyCoordinator(message: "told", level: .warning), by: caller)
            try await heard.untilTold("message told complete")
            spoke.exit(session, sums: [OutputSum(stream: .stdout, bytes: sum.bytes, hash: .origin)])
            try await spoke.flush()
            try await group.waitForAll()
        }
        let words = heard.words
        #expect(Set(words).count == words.count, "\(words)")
        #expect(words.first == "state " && words.last == "state ended exited")
        // What was there before is not told, but where it changes: the old message will never be delivered now.
        #expect(!words.contains("output before\n") && !words.contains("message old queued"), "\(words)")
        #expect(words.contains("message old error"))
        await hub.close()
    }

    @Test func whoIsAttachedBeforeTheFirstByteGetsAllOfThem() async throws {
        let hub = try await TestHub.make()
        _ = try await hub.project()
        var spoke = try await ScriptedSpoke.join(hub, "a")
        let session = try await hub.spawn()
        let id = session.sessionId.rawValue
        spoke.start(session)
        try await spoke.flush()
        let heard = Heard()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await attach(hub, AttachSession(sessionId: id), to: heard) }
            try await heard.untilTold("state ")
            let sum = spoke.print(session, ["first\n"])
            try await spoke.flush()
            try await heard.untilTold("output first\n")
            spoke.exit(session, sums: [OutputSum(stream: .stdout, bytes: sum.bytes, hash: .origin)])
            try await spoke.flush()
            try await group.waitForAll()
        }
        // What it was told first can be gone on behind, though nothing was printed then.
        let rest = Heard()
        try await attach(hub, AttachSession(sessionId: id), after: heard.all[0].id, to: rest)
        #expect(rest.words.contains("output first\n") && rest.words.last == "state ended exited", "\(rest.words)")
        await #expect(throws: Fault.self) {
            try await attach(hub, AttachSession(sessionId: id), after: "junk", to: Heard())
        }
        await hub.close()
    }

    @Test func everythingCanBeHadFromTheBeginningAndFromWhereOneWasCutOff() async throws {
        let hub = try await TestHub.make()
        _ = try await hub.project()
        let agents = [AgentOffer(name: "coder", resumes: true)]
        var spoke = try await ScriptedSpoke.join(hub, "a", agents: agents)
        let session = try await hub.spawn(SpawnOrder(project: "app", run: RunOrder(agent: "coder", prompt: "Go.")))
        let id = session.sessionId.rawValue
        spoke.start(session, agentOutput: .jsonl)
        let sum = spoke.print(session, [TranscriptTests.conversation])
        spoke.exit(session, sums: [sum])
        try await spoke.flush()
        while try await hub.domains.coordination.readTranscripts() > 0 {}

        let all = Heard()
        try await attach(hub, AttachSession(sessionId: id, fromOffset: 0), to: all)
        let parts = all.words.filter { $0.hasPrefix("part") }
        #expect(parts.count == 8 && parts.first == "part step-start" && parts.last == "part step-finish")
        #expect(all.words.first == "state done" && all.words.last == "state ended exited")
        #expect(all.words.filter { $0.hasPrefix("message assistant complete") }.count == 2, "\(all.words)")
        #expect(all.all.first?.news.state?.agentOutput == .jsonl)
        for cut in [1, 4, all.all.count - 1] {
            let rest = Heard()
            try await attach(hub, AttachSession(sessionId: id, fromOffset: 0), after: all.all[cut - 1].id, to: rest)
            let told = Set(rest.words.filter { !$0.hasPrefix("state") && !$0.hasPrefix("message") })
            let missing = all.words.dropFirst(cut).filter { !$0.hasPrefix("state") && !$0.hasPrefix("message") }
            #expect(told == Set(missing), "cut behind \(cut)")
            #expect(rest.words.last == "state ended exited")
        }
        let some = Heard()
        try await attach(hub, AttachSession(sessionId: id, fromOffset: 0, kinds: [.message]), to: some)
        #expect(some.words.allSatisfy { $0.hasPrefix("message") } && some.words.count == 5, "\(some.words)")
        let nothing = Heard()
        try await attach(hub, AttachSession(sessionId: id), to: nothing)
        #expect(nothing.words == ["state done", "state ended exited"])
        for request in [AttachSession(sessionId: "nobody"), AttachSession(sessionId: id, fromOffset: -1)] {
            await #expect(throws: Fault.self) { try await attach(hub, request, to: Heard()) }
        }
        await hub.close()
    }

    @Test func messagesArePagedFromEitherEnd() async throws {
        let hub = try await TestHub.make()
        _ = try await hub.project()
        let id = try await hub.spawn().sessionId.rawValue
        for number in 1...5 { _ = try await hub.ask(MessageSession(sessionId: id, message: "\(number)")) }
        func texts(_ from: ListEnd?) async throws -> [[String]] {
            var (pages, cursor): ([[String]], String?) = ([], nil)
            repeat {
                let page = try await hub.ask(ListMessages(sessionId: id, from: from, limit: 2, cursor: cursor))
                pages.append(page.messages.compactMap { $0.data["text"]?.stringValue })
                cursor = page.nextCursor
            } while cursor != nil
            return pages
        }
        #expect(try await texts(nil) == [["1", "2"], ["3", "4"], ["5"]])
        #expect(try await texts(.newest) == [["5", "4"], ["3", "2"], ["1"]])
        await hub.close()
    }

    @Test func aMessageIsToldAgainOnlyWhenItChanged() {
        func message(_ id: MessageID, at microseconds: Int64) -> MessageRecord {
            let at = Date(timeIntervalSince1970: Double(microseconds) / 1_000_000)
            return MessageRecord(
                id: id,
                sessionId: "s",
                role: .user,
                status: .pending,
                delivery: .queued,
                authorAccountId: nil,
                model: nil,
                error: nil,
                data: [:],
                createdAt: at,
                updatedAt: at
            )
        }
        var watch = MessageWatch(since: 1_000_000)
        func take(_ id: MessageID, _ at: Int64) -> Bool { watch.take(message(id, at: at)) }
        #expect(watch.since == 1_000_000)
        #expect(take("a", 20_000_000) && !take("a", 20_000_000))
        // One whose transaction began earlier and ended later is still seen, but nothing from before the beginning.
        #expect(watch.since == 15_000_000 && take("b", 16_000_000))
        #expect(watch.watermark == 20_000_000 && take("a", 20_000_001))
        watch.settle()
        #expect(!take("b", 16_000_000))
        #expect(take("c", 40_000_000))
        watch.settle()
        #expect(take("b", 36_000_000), "It has changed since.")
    }
}
