/// The id of a JSON-RPC request, as its sender chose it.
public enum RPCID: Hashable, Sendable {
    case number(Int64)
    case text(String)

    /// `nil` for what cannot be an id in MCP: null, fractions, lists and objects. Nor can texts over
    /// ``Limits/requestIdBytes``: an id comes back in the answer.
    public init?(_ value: JSONValue) {
        switch value {
        case .integer(let number): self = .number(number)
        case .string(let text):
            guard text.utf8.count <= Limits.requestIdBytes else { return nil }
            self = .text(text)
        case .null, .bool, .number, .array, .object: return nil
        }
    }

    public var value: JSONValue {
        switch self {
        case .number(let number): .integer(number)
        case .text(let text): .string(text)
        }
    }
}

/// A JSON-RPC request: something that is owed exactly one answer.
public struct RPCRequest: Hashable, Sendable {
    public var id: RPCID
    public var method: String
    /// An object; empty if the request has none.
    public var params: JSONValue

    public init(id: RPCID, method: String, params: JSONValue = [:]) {
        self.id = id
        self.method = method
        self.params = params
    }

    /// The name under which its sender wants to hear of progress: a text or a whole number.
    public var progressToken: JSONValue? {
        guard let token = params["_meta"]?["progressToken"], RPCID(token) != nil else { return nil }
        return token
    }
}

/// One message of JSON-RPC 2.0 (https://www.jsonrpc.org/specification), as far as MCP uses it.
public enum RPCMessage: Hashable, Sendable {
    case request(RPCRequest)
    case notification(method: String, params: JSONValue)
    /// An answer. Nothing is ever asked of a client here, so it answers nothing.
    case response

    /// - Throws: `invalidRequest`, with the request's id if it has a usable one.
    public init(_ value: JSONValue) throws(RPCFailure) {
        guard case .object(let members) = value else { throw .invalid("A JSON-RPC message is an object.") }
        let id = members["id"].flatMap(RPCID.init)
        guard members["jsonrpc"] == "2.0" else {
            throw .invalid("A message says \"jsonrpc\": \"2.0\".", id: id)
        }
        guard let method = members["method"] else {
            guard members["result"] != nil || members["error"] != nil else {
                throw .invalid("A message has a method, a result or an error.", id: id)
            }
            self = .response
            return
        }
        guard let method = method.stringValue else { throw .invalid("A method is a text.", id: id) }
        let params = members["params"] ?? [:]
        guard case .object = params else { throw .invalid("params is an object.", id: id) }
        guard members["id"] != nil else {
            self = .notification(method: method, params: params)
            return
        }
        guard let id else {
            throw .invalid("An id is a text of at most \(Limits.requestIdBytes) bytes or a whole number.")
        }
        self = .request(RPCRequest(id: id, method: method, params: params))
    }

    /// The answer to a request.
    public static func answer(to id: RPCID, _ result: JSONValue) -> JSONValue {
        ["jsonrpc": "2.0", "id": id.value, "result": result]
    }

    /// Something that is told and not answered.
    public static func notify(_ method: String, _ params: JSONValue) -> JSONValue {
        ["jsonrpc": "2.0", "method": .string(method), "params": params]
    }
}

/// An error of the protocol itself, as opposed to one of an operation.
public struct RPCFailure: Error, Hashable, Sendable {
    public var code: Int64
    public var message: String
    public var data: JSONValue?
    /// The request that it answers, where that could be read.
    public var id: RPCID?

    public init(_ code: Int64, _ message: String, data: JSONValue? = nil, id: RPCID? = nil) {
        self.code = code
        self.message = message
        self.data = data
        self.id = id
    }

    /// What was sent is not JSON.
    public static let parseError: Int64 = -32_700
    /// JSON, but not a request that may be made now.
    public static let invalidRequest: Int64 = -32_600
    public static let methodNotFound: Int64 = -32_601
    public static let invalidParams: Int64 = -32_602
    public static let internalError: Int64 = -32_603
    /// There is no such resource (MCP, server/resources, error handling).
    public static let resourceNotFound: Int64 = -32_002
    /// The server speaks other versions; `data.supported` lists them.
    public static let unsupportedVersion: Int64 = -32_022

    static func invalid(_ message: String, id: RPCID? = nil) -> RPCFailure {
        RPCFailure(invalidRequest, message, id: id)
    }

    /// The error as an answer; to nobody in particular if no id could be read.
    public var answer: JSONValue {
        var error: [String: JSONValue] = ["code": .integer(code), "message": .string(message)]
        error["data"] = data
        return ["jsonrpc": "2.0", "id": id?.value ?? .null, "error": .object(error)]
    }

    /// The same error as the answer to a request.
    public func answering(_ id: RPCID) -> RPCFailure {
        var failure = self
        failure.id = id
        return failure
    }
}
