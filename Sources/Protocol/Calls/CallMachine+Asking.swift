// What this end asks of its peer.
extension CallMachine {
    /// Why a call with this id cannot be asked for; `nil` if it can.
    ///
    /// `SPOKE_DISCONNECTED` when the link is over, `CONFLICT` while a call with the id is under way, `RATE_LIMITED`
    /// when as many are as one link carries.
    public func obstacle(toAsking id: String) -> Fault? {
        if isOver { return Self.disconnected }
        if asked[id] != nil || recalled[id] != nil {
            return Fault(.conflict, "A call with the request id “\(id.prefix(80))” is under way; draw a new one.")
        }
        if asked.count >= capacity {
            return Fault(.rateLimited, "\(capacity) calls are under way on this link; wait until one has ended.")
        }
        return nil
    }

    mutating func ask(_ ask: CallAsk, at now: Moment) -> [Action] {
        let id = ask.request.requestId
        precondition(obstacle(toAsking: id) == nil, "Ask for obstacles first.")
        let longest = Limits.idleTimeoutLongest
        let idle =
            ask.isStream ? ask.request.idleTimeout.map { min(.milliseconds(max(1, $0)), longest) } : nil
        let call = Asked(
            isStream: ask.isStream,
            deadline: ask.deadline,
            idleTimeout: idle,
            idleAt: idle.map { now + $0 },
            credit: ask.isStream ? credit : 0
        )
        asked[id] = call
        wake(by: call.deadline)
        wake(by: call.idleAt)
        return [.send(.requested(ask.request))]
    }

    mutating func taken(_ id: String, _ values: Int, at now: Moment) -> [Action] {
        guard values > 0, var call = asked[id], call.isStream else { return [] }
        // The provider could say nothing while it had no credit; its time begins now.
        if call.credit == 0 {
            call.idleAt = call.idleTimeout.map { now + $0 }
            wake(by: call.idleAt)
        }
        call.credit += values
        asked[id] = call
        return [.grant(requestId: id, values: values)]
    }

    mutating func giveUp(_ id: String) -> [Action] {
        guard asked.removeValue(forKey: id) != nil else { return [] }
        return [.abort(requestId: id), .finished(requestId: id, .failed(CallError(Self.left)))]
    }

    mutating func recall(_ id: String, until: Moment) -> [Action] {
        // It was over before anybody wanted it back.
        guard let call = asked.removeValue(forKey: id) else { return [.proven(requestId: id, .completed)] }
        let finished = Action.finished(requestId: id, .failed(CallError(Self.left)))
        guard recalled.count < capacity else {
            return [.abort(requestId: id), finished, .proven(requestId: id, nil)]
        }
        recalled[id] = Recalled(isStream: call.isStream, until: until)
        wake(by: until)
        return [.recall(requestId: id), finished]
    }

    /// The last word on a call that was recalled; `nil` if it was not.
    mutating func proof(of id: String, _ word: CallResult) -> [Action]? {
        recalled.removeValue(forKey: id).map { _ in [.proven(requestId: id, word)] }
    }

    /// The peer answered, or sent a value.
    mutating func heard(_ answer: CallResponded, at now: Moment) -> [Action] {
        let id = answer.requestId
        guard var call = asked[id] else {
            // Values that were under way when the subscription was recalled are nobody's.
            if recalled[id]?.isStream == true { return [] }
            return proof(of: id, .answered(answer.output)) ?? [.ignored(requestId: id)]
        }
        guard call.isStream else {
            asked[id] = nil
            return [.finished(requestId: id, .answered(answer.output))]
        }
        guard call.credit > 0 else {
            asked[id] = nil
            let fault = Fault(.execution, "The provider sent more values than it was asked for; it was cut off.")
            return [.abort(requestId: id), .finished(requestId: id, .failed(CallError(fault)))]
        }
        call.credit -= 1
        call.idleAt = call.credit > 0 ? call.idleTimeout.map { now + $0 } : nil
        asked[id] = call
        wake(by: call.idleAt)
        return [.deliver(requestId: id, answer.output)]
    }

    /// The peer says that a call is over.
    mutating func heardEnd(of id: String, _ outcome: CallResult) -> [Action] {
        guard let call = asked.removeValue(forKey: id) else {
            return proof(of: id, outcome) ?? [.ignored(requestId: id)]
        }
        if case .completed = outcome, !call.isStream {
            let fault = Fault(.execution, "The provider ended the call without an answer.")
            return [.finished(requestId: id, .failed(CallError(fault)))]
        }
        return [.finished(requestId: id, outcome)]
    }
}
