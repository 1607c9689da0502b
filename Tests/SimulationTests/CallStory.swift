import Protocol
import TestSupport

/// Two ends of one link with their real call machines, a provider that now and then misbehaves, callers that leave and
/// consumers that dawdle. The same seed is the same story.
struct CallStory {
    /// What may happen next.
    private enum Happening {
        case message(toProvider: Bool, CallMessage)
        case ask
        case providerActs(String)
        case consumerTakes(String)
        case callerLeaves(String)
        case alarm
        case rogue
        case linkBreaks
    }

    /// A call as the model sees it.
    private struct Asked {
        var isStream: Bool
        var finished = 0
        var delivered: [Int64] = []
        var taken = 0
    }

    /// What the provider is to do for a call.
    private struct Run {
        var isStream: Bool
        var values: Int
        var sent: Int64 = 0
        var credit: Int
        var manner: Int
    }

    private static let credit = 5
    private var caller = CallMachine(credit: credit, capacity: 12)
    private var provider = CallMachine(credit: credit, capacity: 12)
    private var random: SplitMix64
    private var now = Moment.zero
    private var queue: [(at: Moment, order: Int, what: Happening)] = []
    private var order = 0
    /// When the last message of each direction arrives: a socket keeps the order.
    private var lastArrival = [true: Moment.zero, false: Moment.zero]
    private var asked: [String: Asked] = [:]
    private var runs: [String: Run] = [:]
    private var left = 0
    private var recalls = 0
    private var proofs = 0
    private var isBroken = false
    private var failure: String?

    private init(seed: UInt64) { random = SplitMix64(seed: seed) }

    /// What went wrong; `nil` if nothing did.
    static func failure(seed: UInt64) -> String? {
        var story = CallStory(seed: seed)
        story.tell()
        return story.failure.map { "SIM_SEED=\(seed): \($0)" }
    }

    private mutating func tell() {
        left = Int.random(in: 1...40, using: &random)
        schedule(in: 0, .ask)
        if random.chance(60) { schedule(in: Int64.random(in: 1...3_000, using: &random), .linkBreaks) }
        if random.chance(50) { schedule(in: Int64.random(in: 1...500, using: &random), .rogue) }
        var steps = 0
        while failure == nil, let next = take() {
            steps += 1
            if steps > 20_000 { fail("The story does not end.") }
            happen(next)
        }
        breakLink()
        if failure != nil { return }
        if proofs != recalls { fail("Of \(recalls) recalls \(proofs) were answered.") }
        for (id, call) in asked where call.finished != 1 { fail("\(id) ended \(call.finished) times.") }
        if caller.askedCount + caller.answeringCount + provider.askedCount + provider.answeringCount > 0 {
            fail("A machine holds calls of a link that is over.")
        }
        if !runs.isEmpty { fail("\(runs.count) calls are still being run.") }
    }

    private mutating func happen(_ what: Happening) {
        switch what {
        case .message(let toProvider, let message):
            guard !isBroken else { return }
            toProvider ? tellProvider(.received(message)) : tellCaller(.received(message))
        case .ask: ask()
        case .providerActs(let id): act(id)
        case .consumerTakes(let id): consume(id)
        case .callerLeaves(let id):
            guard random.chance(50) else { return tellCaller(.giveUp(requestId: id)) }
            recalls += 1
            tellCaller(.recall(requestId: id, until: now + .milliseconds(Int64.random(in: 1...200, using: &random))))
        case .alarm: tellCaller(.deadlineReached)
        case .rogue: rogue()
        case .linkBreaks: breakLink()
        }
    }

    private mutating func ask() {
        guard left > 0 else { return }
        left -= 1
        // Now and then an id is used again, also while its first call is under way.
        let id = random.chance(5) ? "r1" : "r\(left)"
        schedule(in: Int64.random(in: 0...40, using: &random), .ask)
        guard asked[id] == nil, caller.obstacle(toAsking: id) == nil else { return }
        let isStream = random.chance(50)
        asked[id] = Asked(isStream: isStream)
        let idle: Int64? = isStream && random.chance(40) ? Int64.random(in: 5...200, using: &random) : nil
        let request = CallRequested(
            requestId: id,
            operationId: isStream ? "s.s" : "q.q",
            input: .null,
            idleTimeout: idle,
            timestamp: 0
        )
        let hasDeadline = random.chance(50)
        let deadline = hasDeadline ? now + .milliseconds(Int64.random(in: 1...400, using: &random)) : nil
        tellCaller(.ask(CallAsk(request, isStream: isStream, deadline: deadline)))
        if random.chance(15) { schedule(in: Int64.random(in: 0...150, using: &random), .callerLeaves(id)) }
    }

    /// A provider sends what it may, ends, fails, aborts, or forgets the call.
    private mutating func act(_ id: String) {
        guard var run = runs[id] else { return }
        let answer = CallResponded(requestId: id, output: .integer(run.sent), timestamp: 0)
        switch run.manner {
        case 0: return  // Never says anything more.
        case 1:
            runs[id] = nil
            let error = CallError(Fault(.execution, "It broke."))
            tellProvider(.failed(CallFailed(requestId: id, error: error, timestamp: 0)))
            return
        default: break
        }
        guard run.isStream else {
            runs[id] = nil
            return tellProvider(.answered(answer, isLast: true))
        }
        if run.values == 0 {
            runs[id] = nil
            return tellProvider(.completed(CallEnded(requestId: id, timestamp: 0)))
        }
        guard run.credit > 0 else { return }
        run.credit -= 1
        run.values -= 1
        run.sent += 1
        runs[id] = run
        tellProvider(.answered(answer, isLast: false))
        schedule(in: Int64.random(in: 0...30, using: &random), .providerActs(id))
    }

    private mutating func consume(_ id: String) {
        guard var call = asked[id], call.taken < call.delivered.count else { return }
        let count = Int.random(in: 1...(call.delivered.count - call.taken), using: &random)
        call.taken += count
        asked[id] = call
        tellCaller(.taken(requestId: id, values: count))
    }

    /// Says to the caller what no provider should: answers to nothing, twice, too many.
    private mutating func rogue() {
        let id = asked.keys.sorted().randomElement(using: &random) ?? "nobody"
        let answer = CallResponded(requestId: random.chance(50) ? id : "nobody", output: .integer(-1), timestamp: 0)
        send(.responded(answer), toProvider: false)
        if random.chance(70) { schedule(in: Int64.random(in: 1...100, using: &random), .rogue) }
    }

    private mutating func breakLink() {
        guard !isBroken else { return }
        isBroken = true
        tellCaller(.ended)
        tellProvider(.ended)
    }

    // MARK: Machines

    private mutating func tellCaller(_ event: CallMachine.Event) {
        for action in caller.handle(event, at: now) {
            switch action {
            case .send(let message): send(message, toProvider: true)
            case .abort(let id): send(.aborted(CallEnded(requestId: id, timestamp: 0)), toProvider: true)
            case .recall(let id):
                send(.aborted(CallEnded(requestId: id, wantsProof: true, timestamp: 0)), toProvider: true)
            case .proven: proofs += 1
            case .grant(let id, let values):
                send(.credit(CallCredit(requestId: id, values: values)), toProvider: true)
            case .deliver(let id, .integer(let value)): delivered(id, value)
            case .finished(let id, _):
                asked[id]?.finished += 1
                if asked[id] == nil { fail("\(id) ended and was never asked.") }
            case .ignored: break
            case .deliver, .begin, .allow, .cancel, .refuse: fail("The caller was told to \(action).")
            }
        }
        if let alarm = caller.nextDeadline { schedule(at: alarm, .alarm) }
    }

    private mutating func delivered(_ id: String, _ value: Int64) {
        guard var call = asked[id], call.isStream, call.finished == 0 else {
            return fail("A value came for \(id), which does not follow anything.")
        }
        call.delivered.append(value)
        if call.delivered.count - call.taken > Self.credit { fail("\(id) was sent more than it gave credit for.") }
        let own = call.delivered.filter { $0 >= 0 }
        if own != Array(0..<Int64(own.count)) { fail("\(id) got its values in another order.") }
        asked[id] = call
        schedule(in: Int64.random(in: 0...60, using: &random), .consumerTakes(id))
    }

    private mutating func tellProvider(_ event: CallMachine.Event) {
        for action in provider.handle(event, at: now) {
            switch action {
            case .send(let message): send(message, toProvider: false)
            case .refuse(let id, let error):
                send(.failed(CallFailed(requestId: id, error: error, timestamp: 0)), toProvider: false)
            case .begin(let request, let credit):
                if runs[request.requestId] != nil { fail("\(request.requestId) was begun twice.") }
                runs[request.requestId] = Run(
                    isStream: request.operationId == "s.s",
                    values: Int.random(in: 0...20, using: &random),
                    credit: credit,
                    manner: Int.random(in: 0...9, using: &random)
                )
                schedule(in: Int64.random(in: 0...120, using: &random), .providerActs(request.requestId))
            case .allow(let id, let values):
                runs[id]?.credit += values
                schedule(in: 0, .providerActs(id))
            case .cancel(let id):
                if runs.removeValue(forKey: id) == nil { fail("\(id) was cancelled and is not being run.") }
                // Some prove what became of it, asked or not.
                guard random.chance(60) else { break }
                let error = CallError(Fault(.aborted, "It was stopped."))
                send(.failed(CallFailed(requestId: id, error: error, timestamp: 0)), toProvider: false)
            case .ignored: break
            case .abort, .recall, .proven, .grant, .deliver, .finished: fail("The provider was told to \(action).")
            }
        }
    }

    // MARK: Time and the network

    private mutating func send(_ message: CallMessage, toProvider: Bool) {
        guard !isBroken else { return }
        let arrival = max(
            now + .milliseconds(Int64.random(in: 0...25, using: &random)),
            lastArrival[toProvider] ?? .zero
        )
        lastArrival[toProvider] = arrival
        schedule(at: arrival, .message(toProvider: toProvider, message))
    }

    private mutating func schedule(in milliseconds: Int64, _ what: Happening) {
        schedule(at: now + .milliseconds(milliseconds), what)
    }

    private mutating func schedule(at moment: Moment, _ what: Happening) {
        order += 1
        let entry = (at: max(moment, now), order: order, what: what)
        let place = queue.firstIndex { ($0.at, $0.order) < (entry.at, entry.order) } ?? queue.count
        queue.insert(entry, at: place)
    }

    /// The queue is kept with the next happening last.
    private mutating func take() -> Happening? {
        guard let next = queue.popLast() else { return nil }
        now = next.at
        return next.what
    }

    private mutating func fail(_ text: String) {
        failure = failure ?? "after \((now - .zero).milliseconds) ms: \(text)"
    }
}
