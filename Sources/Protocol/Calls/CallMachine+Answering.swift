// What the peer asks of this end, and everything that it says.
extension CallMachine {
    mutating func received(_ message: CallMessage, at now: Moment) -> [Action] {
        guard !isOver else { return [] }
        switch message {
        case .requested(let request): return begin(request)
        case .credit(let credit): return allow(credit.requestId, credit.values)
        case .aborted(let end): return aborted(end.requestId)
        case .responded(let answer): return heard(answer, at: now)
        case .completed(let end): return heardEnd(of: end.requestId, .completed)
        case .failed(let failure): return heardEnd(of: failure.requestId, .failed(failure.error))
        }
    }

    private mutating func begin(_ request: CallRequested) -> [Action] {
        let id = request.requestId
        guard JSONValue.string(id).fits(in: Self.answerableIdBytes) else {
            let fault = Fault.invalid("requestId", "must have at most \(Limits.requestIdBytes) bytes; answered cut.")
            return [.refuse(requestId: id.cut(toBytes: Limits.requestIdBytes), CallError(fault))]
        }
        guard answering[id] == nil else {
            let fault = Fault(.conflict, "A call with this requestId is under way; draw a new one.")
            return [.refuse(requestId: id, CallError(fault))]
        }
        guard answering.count < capacity else {
            let fault = Fault(.rateLimited, "\(capacity) calls are under way; wait until one has ended.")
            return [.refuse(requestId: id, CallError(fault))]
        }
        answering[id] = credit
        return [.begin(request, credit: credit)]
    }

    private mutating func allow(_ id: String, _ values: Int) -> [Action] {
        guard let credit = answering[id] else { return [.ignored(requestId: id)] }
        // A consumer that grants without end has no more room than this.
        let granted = min(max(0, values), Self.creditMax - credit)
        guard granted > 0 else { return [] }
        answering[id] = credit + granted
        return [.allow(requestId: id, values: granted)]
    }

    /// Either side may abort. One id may be under way in both directions, when the peer asks for something that it
    /// shall answer itself: then the inner call is over, and through it the outer one.
    private mutating func aborted(_ id: String) -> [Action] {
        if asked.removeValue(forKey: id) != nil {
            let fault = Fault(.aborted, "The provider gave the call up.")
            return [.finished(requestId: id, .failed(CallError(fault)))]
        }
        if let proven = proof(of: id, .failed(CallError(Self.left))) { return proven }
        if answering.removeValue(forKey: id) != nil { return [.cancel(requestId: id)] }
        return [.ignored(requestId: id)]
    }

    mutating func answered(_ answer: CallResponded, isLast: Bool) -> [Action] {
        // The peer, or the link, gave it up meanwhile.
        guard let credit = answering[answer.requestId] else { return [] }
        guard !isLast else {
            answering[answer.requestId] = nil
            return [.send(.responded(answer))]
        }
        // More than the consumer has room for: a fault of this end's, of which one call dies and no more.
        guard credit > 0 else {
            answering[answer.requestId] = nil
            return [.cancel(requestId: answer.requestId), .refuse(requestId: answer.requestId, Self.unasked)]
        }
        answering[answer.requestId] = credit - 1
        return [.send(.responded(answer))]
    }

    mutating func ended(_ id: String, with message: CallMessage) -> [Action] {
        guard answering.removeValue(forKey: id) != nil else { return [] }
        return [.send(message)]
    }

    private static let unasked = CallError(Fault(.unknown, "A value was sent that nobody had asked for."))

    /// An id that leaves room in a frame for the largest error: a longer one cannot be answered under its whole length.
    static let answerableIdBytes = Limits.frameBytes - Limits.errorDetailsBytes - 6 * Limits.errorMessageBytes - 4_096

    /// Credit that one subscription may hold at a time.
    static let creditMax = 1 << 16
}
