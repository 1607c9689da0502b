public import Protocol

extension Fault {
    /// An operation was asked for in a way that its kind does not have: a subscription for one answer, or a query or
    /// mutation for values.
    public static func askedOtherwise(_ name: String, is kind: OperationKind) -> Fault {
        let way =
            kind == .subscription
            ? "follow it with `hub subscribe \(name)`, `spoke subscribe \(name)` or POST /v1/subscribe/\(name)"
            : "call it with `hub call \(name)`, `spoke call \(name)` or POST /v1/call/\(name)"
        return Fault(.validation, "\(name) is a \(kind.rawValue); \(way).")
    }
}
