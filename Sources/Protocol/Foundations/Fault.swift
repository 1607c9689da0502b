/// The one error that crosses a boundary: from a store to an operation, from the hub to a caller.
public struct Fault: Error, Codable, Hashable, Sendable, CustomStringConvertible {
    /// What a program may branch on.
    public let code: Code
    /// What a person reads: one sentence that says what to do.
    public let message: String
    /// More for programs: the failing fields, what is in use, what ruled each spoke out.
    public let details: JSONValue?
    /// The HTTP status that an operation declares for a code of its own; `nil` for every other. Known where the
    /// operation is known: it is neither sent nor stored.
    public let declaredStatus: Int?

    /// Bounds what is said, wherever it comes from: an error is sent and stored as it is made. Its sentence is cut at
    /// ``Limits/errorMessageBytes``, details over ``Limits/errorDetailsBytes`` are left out. A `VALIDATION_ERROR`
    /// without details gets the list that callers rely on, with its sentence about the whole input.
    public init(_ code: Code, _ message: String, details: JSONValue? = nil, declaredStatus: Int? = nil) {
        let (said, kept) = Self.bounded(message, details)
        self.code = code
        self.message = said
        self.details = kept ?? (code == .validation ? [Violation(path: "", message: said).json] : nil)
        self.declaredStatus = declaredStatus
    }

    public init(from decoder: any Decoder) throws {
        let members = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            try members.decode(Code.self, forKey: .code),
            try members.decode(String.self, forKey: .message),
            details: try members.decodeIfPresent(JSONValue.self, forKey: .details)
        )
    }

    private static func bounded(_ message: String, _ details: JSONValue?) -> (String, JSONValue?) {
        guard let details, !details.fits(in: Limits.errorDetailsBytes) else {
            return (message.cut(toBytes: Limits.errorMessageBytes), details)
        }
        let note = " (Its details were left out: they have more than \(Limits.errorDetailsBytes) bytes.)"
        return (message.cut(toBytes: Limits.errorMessageBytes - note.utf8.count) + note, nil)
    }

    private enum CodingKeys: String, CodingKey { case code, message, details }

    public var description: String { "\(code.rawValue): \(message)" }

    /// A fault's kind. The set is open, because an operation may declare codes of its own.
    public struct Code: RawRepresentable, Hashable, Codable, Sendable {
        public let rawValue: String
        public init(rawValue: String) { self.rawValue = rawValue }

        public static let validation = Code(rawValue: "VALIDATION_ERROR")
        public static let unauthenticated = Code(rawValue: "UNAUTHENTICATED")
        public static let accessDenied = Code(rawValue: "ACCESS_DENIED")
        public static let operationNotFound = Code(rawValue: "OPERATION_NOT_FOUND")
        public static let notFound = Code(rawValue: "NOT_FOUND")
        public static let conflict = Code(rawValue: "CONFLICT")
        public static let invalidTransition = Code(rawValue: "INVALID_TRANSITION")
        public static let tooLarge = Code(rawValue: "TOO_LARGE")
        public static let timeout = Code(rawValue: "TIMEOUT")
        public static let aborted = Code(rawValue: "ABORTED")
        public static let execution = Code(rawValue: "EXECUTION_ERROR")
        public static let spokeDisconnected = Code(rawValue: "SPOKE_DISCONNECTED")
        public static let unavailable = Code(rawValue: "UNAVAILABLE")
        public static let rateLimited = Code(rawValue: "RATE_LIMITED")
        public static let unknown = Code(rawValue: "UNKNOWN_ERROR")

        /// Every code of the contract, for documentation and for tests that reach each from outside.
        public static let all: [Code] = [
            .validation, .unauthenticated, .accessDenied, .operationNotFound, .notFound, .conflict,
            .invalidTransition, .tooLarge, .timeout, .aborted, .execution, .spokeDisconnected, .unavailable,
            .rateLimited, .unknown,
        ]

        private static let contract = Set(all)

        /// Whether it is one of the contract's, and not an operation's own.
        public var isOfContract: Bool { Self.contract.contains(self) }
    }

    /// One field of a request that is not as it should be.
    public struct Violation: Codable, Hashable, Sendable {
        /// A path such as `run.command[0]`; empty for the whole input.
        public let path: String
        public let message: String

        /// Both are cut at ``Limits/violationBytes``: they may quote what a caller sent.
        public init(path: String, message: String) {
            self.path = path.cut(toBytes: Limits.violationBytes)
            self.message = message.cut(toBytes: Limits.violationBytes)
        }

        fileprivate var json: JSONValue { ["path": .string(path), "message": .string(message)] }
    }

    /// A request that was understood as JSON but does not say what it must. The first ``Limits/violations`` are told.
    public static func invalid(_ violations: [Violation]) -> Fault {
        let told = violations.prefix(Limits.violations)
        let summary = told.map { $0.path.isEmpty ? $0.message : "\($0.path): \($0.message)" }
        return Fault(.validation, summary.joined(separator: " "), details: .array(told.map(\.json)))
    }

    /// The same for a single field.
    public static func invalid(_ path: String, _ message: String) -> Fault {
        invalid([Violation(path: path, message: message)])
    }
}
