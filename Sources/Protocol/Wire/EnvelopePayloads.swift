/// How the frequent payloads are written and read. A test holds each against Foundation's encoder and decoder.
extension JSONScanner {
    /// `nil` for `null`.
    mutating func optional<Value>(
        _ read: (inout JSONScanner) throws(JSONProblem) -> Value
    ) throws(JSONProblem) -> Value? {
        null() ? nil : try read(&self)
    }

    mutating func optionalString() throws(JSONProblem) -> String? { null() ? nil : try string() }

    /// A point in time or a duration, in milliseconds; any whole number that a double holds exactly.
    mutating func milliseconds() throws(JSONProblem) -> Int64 {
        try integer(in: -Limits.streamNumber...Limits.streamNumber)
    }

    mutating func optionalMilliseconds() throws(JSONProblem) -> Int64? { null() ? nil : try milliseconds() }

    /// An epoch or a sequence number.
    mutating func streamNumber() throws(JSONProblem) -> Int64 { try integer(in: 0...Limits.streamNumber) }

    /// What was read, or a problem that names the member.
    func required<Value>(_ value: Value?, _ key: String) throws(JSONProblem) -> Value {
        guard let value else { throw problem(.missing(key)) }
        return value
    }
}

extension LinkHeartbeat {
    func write(into writer: inout JSONWriter) {
        writer.object {
            $0.key("load")
            $0.object {
                $0.key("cpu")
                $0.double(load.cpu)
                $0.key("memory")
                $0.double(load.memory)
                $0.key("disk")
                $0.double(load.disk)
            }
            $0.member("sessions", Int64(sessions))
            $0.member("journalNext", journalNext)
            $0.member("commandsApplied", commandsApplied)
        }
    }

    init(from scanner: inout JSONScanner) throws(JSONProblem) {
        var load: HostLoad?
        var (sessions, next, applied): (Int64?, Int64?, Int64?)
        try scanner.object { scanner, key throws(JSONProblem) in
            switch key {
            case "load": load = try HostLoad(from: &scanner)
            case "sessions": sessions = try scanner.integer(in: 0...Int64(Int32.max))
            case "journalNext": next = try scanner.streamNumber()
            case "commandsApplied": applied = try scanner.streamNumber()
            default: try scanner.skip()
            }
        }
        self.init(
            load: try scanner.required(load, "load"),
            sessions: Int(try scanner.required(sessions, "sessions")),
            journalNext: try scanner.required(next, "journalNext"),
            commandsApplied: try scanner.required(applied, "commandsApplied")
        )
    }
}

extension HostLoad {
    fileprivate init(from scanner: inout JSONScanner) throws(JSONProblem) {
        var (cpu, memory, disk): (Double?, Double?, Double?)
        try scanner.object { scanner, key throws(JSONProblem) in
            switch key {
            case "cpu": cpu = try scanner.double()
            case "memory": memory = try scanner.double()
            case "disk": disk = try scanner.double()
            default: try scanner.skip()
            }
        }
        self.init(
            cpu: try scanner.required(cpu, "cpu"),
            memory: try scanner.required(memory, "memory"),
            disk: try scanner.required(disk, "disk")
        )
    }
}

extension LinkHeartbeatAcknowledged {
    func write(into writer: inout JSONWriter) {
        writer.object { $0.member("heartbeatMilliseconds", heartbeatMilliseconds) }
    }

    init(from scanner: inout JSONScanner) throws(JSONProblem) {
        var interval: Int64?
        try scanner.object { scanner, key throws(JSONProblem) in
            switch key {
            case "heartbeatMilliseconds": interval = try scanner.optionalMilliseconds()
            default: try scanner.skip()
            }
        }
        self.init(heartbeatMilliseconds: interval)
    }
}

extension StreamPosition {
    /// The stream is in the message's type.
    func write(into writer: inout JSONWriter) {
        writer.object {
            $0.member("epoch", epoch)
            $0.member("seq", seq)
        }
    }

    init(_ stream: StreamKind, from scanner: inout JSONScanner) throws(JSONProblem) {
        var (epoch, seq): (Int64?, Int64?)
        try scanner.object { scanner, key throws(JSONProblem) in
            switch key {
            case "epoch": epoch = try scanner.streamNumber()
            case "seq": seq = try scanner.streamNumber()
            default: try scanner.skip()
            }
        }
        self.init(
            stream: stream,
            epoch: try scanner.required(epoch, "epoch"),
            seq: try scanner.required(seq, "seq")
        )
    }
}

extension StreamRewind {
    func write(into writer: inout JSONWriter) {
        writer.object {
            $0.member("stream", stream.rawValue)
            $0.member("epoch", epoch)
            $0.member("from", from)
            $0.member("reason", reason)
        }
    }

    init(from scanner: inout JSONScanner) throws(JSONProblem) {
        var (stream, reason): (String?, String?)
        var (epoch, from): (Int64?, Int64?)
        try scanner.object { scanner, key throws(JSONProblem) in
            switch key {
            case "stream": stream = try scanner.string()
            case "epoch": epoch = try scanner.streamNumber()
            case "from": from = try scanner.streamNumber()
            case "reason": reason = try scanner.string()
            default: try scanner.skip()
            }
        }
        guard let kind = StreamKind(rawValue: try scanner.required(stream, "stream")) else {
            throw scanner.problem(.unfit("names a stream that there is not."))
        }
        self.init(
            stream: kind,
            epoch: try scanner.required(epoch, "epoch"),
            from: try scanner.required(from, "from"),
            reason: try scanner.required(reason, "reason")
        )
    }
}

extension UnknownMessage {
    init(from scanner: inout JSONScanner) throws(JSONProblem) {
        var type: String?
        try scanner.object { scanner, key throws(JSONProblem) in
            switch key {
            case "unknownType": type = try scanner.string()
            default: try scanner.skip()
            }
        }
        self.init(unknownType: try scanner.required(type, "unknownType"))
    }
}
