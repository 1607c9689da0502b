/// How the payloads of calls are written and read. A test holds each against Foundation's encoder and decoder.
extension CallRequested {
    func write(into writer: inout JSONWriter) {
        writer.object {
            $0.member("requestId", requestId)
            $0.member("operationId", operationId)
            $0.member("input", input)
            $0.member("parentRequestId", parentRequestId)
            $0.member("deadline", deadline)
            $0.member("idleTimeout", idleTimeout)
            $0.member("sessionId", sessionId?.rawValue)
            if let identity {
                $0.key("identity")
                identity.write(into: &$0)
            }
            $0.member("target", target.map { JSONValue(encoding: $0) })
            $0.member("idempotencyKey", idempotencyKey)
            $0.member("traceparent", traceparent)
            $0.member("metadata", metadata)
            $0.member("timestamp", timestamp)
        }
    }

    init(from scanner: inout JSONScanner) throws(JSONProblem) {
        var (requestId, operationId): (String?, String?)
        var (parent, session, idempotency, trace): (String?, String?, String?, String?)
        var (deadline, idle, timestamp): (Int64?, Int64?, Int64?)
        var (input, target, metadata): (JSONValue?, JSONValue?, JSONValue?)
        var identity: Identity?
        try scanner.object { scanner, key throws(JSONProblem) in
            switch key {
            case "requestId": requestId = try scanner.string()
            case "operationId": operationId = try scanner.string()
            case "input": input = try scanner.value()
            case "parentRequestId": parent = try scanner.optionalString()
            case "deadline": deadline = try scanner.optionalMilliseconds()
            case "idleTimeout": idle = try scanner.optionalMilliseconds()
            case "sessionId": session = try scanner.optionalString()
            case "identity":
                identity = try scanner.optional { scanner throws(JSONProblem) in try Identity(from: &scanner) }
            case "target": target = try scanner.optional { scanner throws(JSONProblem) in try scanner.value() }
            case "metadata": metadata = try scanner.optional { scanner throws(JSONProblem) in try scanner.value() }
            case "idempotencyKey": idempotency = try scanner.optionalString()
            case "traceparent": trace = try scanner.optionalString()
            case "timestamp": timestamp = try scanner.milliseconds()
            default: try scanner.skip()
            }
        }
        self.init(
            requestId: try scanner.required(requestId, "requestId"),
            operationId: try scanner.required(operationId, "operationId"),
            input: try scanner.required(input, "input"),
            parentRequestId: parent,
            deadline: deadline,
            idleTimeout: idle,
            sessionId: session.map { SessionID($0) },
            identity: identity,
            target: try target.map { (value) throws(JSONProblem) in try CallTarget(value, at: scanner) },
            idempotencyKey: idempotency,
            traceparent: trace,
            metadata: metadata,
            timestamp: try scanner.required(timestamp, "timestamp")
        )
    }
}

extension Identity {
    func write(into writer: inout JSONWriter) {
        writer.object {
            $0.member("id", id)
            $0.member("scopes", .array(scopes.map(JSONValue.string)))
            $0.member("resources", resources.map { .object($0.mapValues { .array($0.map(JSONValue.string)) }) })
        }
    }

    fileprivate init(from scanner: inout JSONScanner) throws(JSONProblem) {
        let value = try scanner.value()
        do throws(Fault) {
            self = try value.decoded()
        } catch {
            throw scanner.problem(.unfit("has an identity that is none: \(error.message)"))
        }
    }
}

extension CallTarget {
    fileprivate init(_ value: JSONValue, at scanner: JSONScanner) throws(JSONProblem) {
        do throws(Fault) {
            self = try CallTarget(asked: value)
        } catch {
            throw scanner.problem(.unfit("has a target that is none: \(error.message)"))
        }
    }
}

extension CallResponded {
    func write(into writer: inout JSONWriter) {
        writer.object {
            $0.member("requestId", requestId)
            $0.member("output", output)
            $0.member("timestamp", timestamp)
        }
    }

    init(from scanner: inout JSONScanner) throws(JSONProblem) {
        var requestId: String?
        var output: JSONValue?
        var timestamp: Int64?
        try scanner.object { scanner, key throws(JSONProblem) in
            switch key {
            case "requestId": requestId = try scanner.string()
            case "output": output = try scanner.value()
            case "timestamp": timestamp = try scanner.milliseconds()
            default: try scanner.skip()
            }
        }
        self.init(
            requestId: try scanner.required(requestId, "requestId"),
            output: try scanner.required(output, "output"),
            timestamp: try scanner.required(timestamp, "timestamp")
        )
    }
}

extension CallEnded {
    func write(into writer: inout JSONWriter) {
        writer.object {
            $0.member("requestId", requestId)
            if let wantsProof {
                $0.key("wantsProof")
                $0.bool(wantsProof)
            }
            $0.member("timestamp", timestamp)
        }
    }

    init(from scanner: inout JSONScanner) throws(JSONProblem) {
        var requestId: String?
        var wantsProof: Bool?
        var timestamp: Int64?
        try scanner.object { scanner, key throws(JSONProblem) in
            switch key {
            case "requestId": requestId = try scanner.string()
            case "wantsProof":
                wantsProof = try scanner.optional { scanner throws(JSONProblem) in try scanner.bool() }
            case "timestamp": timestamp = try scanner.milliseconds()
            default: try scanner.skip()
            }
        }
        self.init(
            requestId: try scanner.required(requestId, "requestId"),
            wantsProof: wantsProof,
            timestamp: try scanner.required(timestamp, "timestamp")
        )
    }
}

extension CallFailed {
    func write(into writer: inout JSONWriter) {
        writer.object {
            $0.member("requestId", requestId)
            $0.key("error")
            $0.object {
                $0.member("code", error.code.rawValue)
                $0.member("message", error.message)
                $0.member("details", error.details)
                $0.key("retryable")
                $0.bool(error.retryable)
            }
            $0.member("timestamp", timestamp)
        }
    }

    init(from scanner: inout JSONScanner) throws(JSONProblem) {
        var requestId: String?
        var error: CallError?
        var timestamp: Int64?
        try scanner.object { scanner, key throws(JSONProblem) in
            switch key {
            case "requestId": requestId = try scanner.string()
            case "error": error = try CallError(from: &scanner)
            case "timestamp": timestamp = try scanner.milliseconds()
            default: try scanner.skip()
            }
        }
        self.init(
            requestId: try scanner.required(requestId, "requestId"),
            error: try scanner.required(error, "error"),
            timestamp: try scanner.required(timestamp, "timestamp")
        )
    }
}

extension CallError {
    fileprivate init(from scanner: inout JSONScanner) throws(JSONProblem) {
        var (code, message): (String?, String?)
        var details: JSONValue?
        var retryable: Bool?
        try scanner.object { scanner, key throws(JSONProblem) in
            switch key {
            case "code": code = try scanner.string()
            case "message": message = try scanner.string()
            case "details": details = try scanner.optional { scanner throws(JSONProblem) in try scanner.value() }
            case "retryable": retryable = try scanner.bool()
            default: try scanner.skip()
            }
        }
        self.init(
            code: Fault.Code(rawValue: try scanner.required(code, "code")),
            message: try scanner.required(message, "message"),
            details: details,
            retryable: try scanner.required(retryable, "retryable")
        )
    }
}

extension CallCredit {
    func write(into writer: inout JSONWriter) {
        writer.object {
            $0.member("requestId", requestId)
            $0.member("values", Int64(values))
        }
    }

    init(from scanner: inout JSONScanner) throws(JSONProblem) {
        var requestId: String?
        var values: Int64?
        try scanner.object { scanner, key throws(JSONProblem) in
            switch key {
            case "requestId": requestId = try scanner.string()
            case "values": values = try scanner.integer(in: 1...Int64(Int32.max))
            default: try scanner.skip()
            }
        }
        self.init(
            requestId: try scanner.required(requestId, "requestId"),
            values: Int(try scanner.required(values, "values"))
        )
    }
}
