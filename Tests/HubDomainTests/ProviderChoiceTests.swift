import HubCore
import Protocol
import Testing

/// Who answers a call, and what is said of those that do not.
struct ProviderChoiceTests {
    private func spoke(_ id: SpokeID, calls: Int = 0, _ change: (inout ProviderFacts) -> Void = { _ in })
        -> ProviderFacts
    {
        var facts = ProviderFacts(id: id, name: "spoke-\(id)", presence: .here, version: "1", callsInFlight: calls)
        change(&facts)
        return facts
    }

    private let ask = ProviderAsk(operationId: "fs.read")

    @Test func theLeastLoadedAnswersAndEqualFactsGiveEqualAnswers() {
        #expect(ProviderChoice.best(ask, among: [spoke("b"), spoke("a", calls: 1)]) == "b")
        #expect(ProviderChoice.best(ask, among: [spoke("b"), spoke("a")]) == "a")
        #expect(ProviderChoice.best(ask, among: [spoke("a") { $0.cpu = 0.9 }, spoke("b") { $0.cpu = 0.1 }]) == "b")
        #expect(ProviderChoice.best(ask, among: [spoke("a") { $0.isDraining = true }, spoke("b", calls: 9)]) == "b")
        #expect(ProviderChoice.best(ask, among: [spoke("a") { $0.isDraining = true }]) == "a")
        #expect(ProviderChoice.best(ask, among: []) == nil)
    }

    @Test func theCallersOwnSpokeAndTheHolderComeFirst() {
        var near = ask
        near.nearest = "b"
        #expect(ProviderChoice.best(near, among: [spoke("a"), spoke("b", calls: 9)]) == "b")
        near.nearest = "gone"
        #expect(ProviderChoice.best(near, among: [spoke("a"), spoke("b")]) == "a")
        var held = ask
        held.holder = "b"
        #expect(ProviderChoice.best(held, among: [spoke("a"), spoke("b", calls: 9)]) == "b")
        held.holder = "gone"
        #expect(ProviderChoice.best(held, among: [spoke("a"), spoke("b")]) == nil)
    }

    @Test func theNewestVersionIsMeantUnlessOneIsNamed() {
        let spokes = [spoke("a") { $0.version = "9" }, spoke("b", calls: 5) { $0.version = "10" }]
        #expect(ProviderChoice.best(ask, among: spokes) == "b")
        var old = ask
        old.version = "9"
        #expect(ProviderChoice.best(old, among: spokes) == "a")
    }

    @Test func whatWasBegunAsAQueryIsNotTakenToAMutation() {
        var query = ask
        query.kind = .query
        let changing = spoke("a") { ($0.version, $0.kind) = ("2", .mutation) }
        #expect(ProviderChoice.best(query, among: [changing, spoke("b") { $0.kind = .query }]) == "b")
        #expect(ProviderChoice.best(query, among: [changing]) == nil)
        let refusal = ProviderChoice.refusals(query, among: [changing]).first
        #expect(refusal?.reason == .version && refusal?.message.contains("a mutation, not a query") == true)
    }

    @Test func everyObstacleHasItsWord() {
        let cases: [(ProviderFacts, ProviderRefusal.Reason, String)] = [
            (spoke("a") { $0.presence = .away(since: "2026-01-01") }, .disconnected, "2026-01-01"),
            (spoke("a") { $0.presence = .elsewhere(url: "http://other:1") }, .otherHub, "http://other:1"),
            (spoke("a") { $0.version = nil }, .notOffered, "fs.read"),
            (spoke("a", calls: Limits.callsInFlight), .full, "under way"),
            (spoke("a") { $0.isBehind = true }, .behind, "keep up"),
        ]
        for (facts, reason, words) in cases {
            #expect(ProviderChoice.best(ask, among: [facts]) == nil)
            let refusal = ProviderChoice.refusals(ask, among: [facts]).first
            #expect(refusal?.reason == reason)
            #expect(refusal?.message.contains(words) == true, "\(reason)")
        }
    }

    @Test func aTargetNarrowsAndWhatWasMeantIsNamedFirst() {
        var named = ask
        named.target = CallTarget(spokeName: "spoke-b")
        #expect(ProviderChoice.best(named, among: [spoke("a"), spoke("b", calls: 9)]) == "b")
        let fault = ProviderChoice.unavailable(
            named,
            among: [spoke("a"), spoke("b") { $0.presence = .away(since: nil) }],
            namedMax: 1
        )
        #expect(fault.code == .unavailable && fault.message.contains("spoke-b"))
        #expect(fault.details?["spokes"]?.arrayValue?.first?["reason"] == "disconnected")
        #expect(fault.details?["spokeCount"] == 2)
        named.target = CallTarget(spokeName: "nobody")
        #expect(ProviderChoice.refusals(named, among: [spoke("a")]).map(\.reason) == [.unknown, .notTargeted])
        var labelled = ask
        labelled.target = CallTarget(labels: ["gpu": "yes"])
        let fit = spoke("b") { $0.labels = ["gpu": "yes", "zone": "1"] }
        #expect(ProviderChoice.best(labelled, among: [spoke("a"), fit]) == "b")
        #expect(ProviderChoice.refusals(labelled, among: [spoke("a")]).map(\.reason) == [.labels])
    }
}
