import Postgres
import Protocol

/// How a mutation ended the first time.
enum FirstOutcome: Sendable {
    /// The answer's data as JSON.
    case answered([UInt8])
    case failed(Fault)
    /// It answered with a secret, which is stored nowhere.
    case secret
    /// It was done; what it answered could not be stored.
    case unkept

    /// As stored: `{"data":…}`, `{"fault":…}`, `{"secret":true}` or `{"unkept":true}`.
    var text: String {
        switch self {
        case .answered(let data): "{\"data\":\(String(decoding: data, as: UTF8.self))}"
        case .failed(let fault): "{\"fault\":\(String(decoding: WireCoder.bytes(of: fault), as: UTF8.self))}"
        case .secret: "{\"secret\":true}"
        case .unkept: "{\"unkept\":true}"
        }
    }

    /// The same, as far as `jsonb` can hold it: no text with U+0000.
    var storable: FirstOutcome {
        switch self {
        case .answered(let data): JSONBytes.holdsNUL(data) ? bare : self
        case .failed(let fault): JSONBytes.holdsNUL(WireCoder.bytes(of: fault)) ? bare : self
        case .secret, .unkept: self
        }
    }

    /// That it was done, or that it failed, and nothing of what was said.
    var bare: FirstOutcome {
        switch self {
        case .answered, .unkept: return .unkept
        case .failed(let fault):
            let code = Fault.Code.all.contains(fault.code) ? fault.code : .execution
            return .failed(Fault(code, "It failed; what was said of it could not be kept."))
        case .secret: return .secret
        }
    }

    /// What a repeated call is answered.
    ///
    /// - Parameter request: The call that was the first.
    /// - Throws: the first call's fault; `CONFLICT` for an answer that is shown only once, or could not be kept.
    func repeated(_ operation: String, request: String) throws(Fault) -> [UInt8] {
        switch self {
        case .answered(let data): return data
        case .failed(let fault): throw fault
        case .secret:
            throw Fault(
                .conflict,
                "\(operation) was done before under this idempotency key; its secret is shown only once."
            )
        case .unkept:
            throw Fault(
                .conflict,
                "\(operation) was done before under this idempotency key; its answer could not be kept, so look at "
                    + "what it did.",
                details: ["operationId": .string(operation), "requestId": .string(request)]
            )
        }
    }
}

/// A key's row: the digest it was taken with, by which call, and the outcome once there is one.
struct KnownOutcome: RowDecodable {
    let digest: String
    let requestId: String
    let outcome: FirstOutcome?

    init(_ row: Row) throws(Fault) {
        digest = try row["input_digest"]
        requestId = try row["request_id"]
        let fault: Fault? = try row.json("fault")
        let data: String? = try row["data"]
        let hasOutcome: Bool = try row["has_outcome"]
        let isUnkept: Bool = try row["is_unkept"]
        outcome =
            if let fault {
                .failed(fault)
            } else if let data {
                .answered(Array(data.utf8))
            } else {
                hasOutcome ? (isUnkept ? .unkept : .secret) : nil
            }
    }
}
