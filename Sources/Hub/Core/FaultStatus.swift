public import Protocol

extension Fault.Code {
    /// The HTTP status of the contract for a code. What an operation declares for a code of its own is told by
    /// ``Fault/declaredStatus``; without that it is an execution error.
    public var httpStatus: Int {
        switch self {
        case .validation: 400
        case .unauthenticated: 401
        case .accessDenied: 403
        case .operationNotFound, .notFound: 404
        case .conflict, .invalidTransition, .aborted: 409
        case .tooLarge: 413
        case .rateLimited: 429
        case .timeout: 504
        case .spokeDisconnected, .unavailable: 503
        default: 500
        }
    }
}

extension Fault {
    /// The status that HTTP answers with.
    public var httpStatus: Int { declaredStatus ?? code.httpStatus }
}
