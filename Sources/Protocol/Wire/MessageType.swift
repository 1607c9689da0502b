/// The types of text envelopes, as they stand on the wire (wire.md, calls.md). They never change.
enum MessageType: String, CaseIterable {
    case hello = "link.hello"
    case welcome = "link.welcome"
    case refused = "link.refused"
    case goodbye = "link.goodbye"
    case heartbeat = "link.heartbeat"
    case heartbeatAcknowledged = "link.heartbeat.ack"
    case operations = "link.operations"
    case operationsTaken = "link.operations.ack"
    case journalAcknowledged = "journal.acknowledged"
    case commandsAcknowledged = "commands.acknowledged"
    case rewind = "stream.rewind"
    case callRequested = "call.requested"
    case callResponded = "call.responded"
    case callCompleted = "call.completed"
    case callAborted = "call.aborted"
    case callFailed = "call.error"
    case callCredit = "call.credit"
    case unknown = "protocol.unknown"
}

/// The kinds of binary frames: their first byte.
enum BinaryKind: UInt8 {
    case journalAppend = 1
    case commandsAppend = 2

    init(_ stream: StreamKind) {
        switch stream {
        case .journal: self = .journalAppend
        case .commands: self = .commandsAppend
        }
    }

    var stream: StreamKind {
        switch self {
        case .journalAppend: .journal
        case .commandsAppend: .commands
        }
    }
}
