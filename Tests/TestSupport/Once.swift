import Protocol

/// Something expensive that is made once, by whoever asks first, while the others wait.
actor Once<Value: Sendable> {
    private enum State {
        case untouched
        case underWay([CheckedContinuation<Result<Value, Fault>, Never>])
        case done(Result<Value, Fault>)
    }

    private var state = State.untouched

    func value(_ make: @Sendable () async throws(Fault) -> Value) async throws(Fault) -> Value {
        switch state {
        case .done(let result): return try result.get()
        case .underWay:
            let result = await withCheckedContinuation { continuation in
                if case .underWay(let waiting) = state { state = .underWay(waiting + [continuation]) }
            }
            return try result.get()
        case .untouched:
            state = .underWay([])
            let result: Result<Value, Fault>
            do throws(Fault) { result = .success(try await make()) } catch { result = .failure(error) }
            if case .underWay(let waiting) = state { for waiter in waiting { waiter.resume(returning: result) } }
            state = .done(result)
            return try result.get()
        }
    }
}
