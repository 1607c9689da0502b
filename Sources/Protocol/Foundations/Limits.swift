/// Every number that bounds something a peer or a caller can influence, with its reason.
public enum Limits {
    /// A whole WebSocket message. Large enough for sixteen output chunks, small enough to buffer per connection.
    public static let frameBytes = 1 << 20
    /// What may wait for a peer that reads slowly, per connection: a whole window and a few answers.
    public static let outboundBytes = 12 << 20
    /// How long the peer may take to answer a close frame.
    public static let closeHandshake = Duration.seconds(2)
    /// An answer that refuses an upgrade: an error body, not a page.
    public static let refusalBytes = 64 << 10
    /// What a connection told and its reader did not take yet, where a reader is a task of its own.
    public static let newsWaiting = 4_096
    /// Nesting of JSON, so that a decoder's stack is bounded.
    public static let jsonDepth = 64
    /// Values in one JSON text, so that a tree of many tiny ones cannot outgrow its text by much.
    public static let jsonValues = 1 << 18
    /// Epochs, sequence numbers and times stay within what a double holds exactly, so that anyone's JSON can.
    public static let streamNumber: Int64 = 1 << 53
    /// An HTTP request's body.
    public static let requestBodyBytes = 4 << 20
    /// Calls that one connection may have in flight.
    public static let callsInFlight = 1_024
    /// Values of a subscription over a link that may be sent before its consumer grants credit.
    public static let subscriptionCredit = 32
    /// The longest that a subscription may be allowed to say nothing.
    public static let idleTimeoutLongest = Duration.seconds(86_400)
    /// A request id, an event's id, or another short word that goes along with a call.
    public static let requestIdBytes = 200
    /// Output of a process in one record; also the unit in which output is stored.
    public static let outputChunkBytes = 64 << 10
    /// Records in one batch of a durable stream: about one group commit's worth.
    public static let batchRecords = 512
    /// Bytes of records in one batch; leaves room for the frame's header under ``frameBytes``.
    public static let batchBytes = 768 << 10
    /// Records of a durable stream that may be sent and not yet acknowledged.
    public static let windowRecords = 4_096
    /// Bytes of records that may be sent and not yet acknowledged.
    public static let windowBytes = 8 << 20
    /// A record's payload. State records are far smaller; output records are one chunk and a header.
    public static let recordPayloadBytes = 512 << 10
    /// A record's type name.
    public static let recordTypeBytes = 64
    /// An interval at which both sides of a link say that they live.
    public static let heartbeat = Duration.seconds(15)
    /// Silence after which either side gives a link up.
    public static let silence = Duration.seconds(45)
    /// How long a connection may take until hello and welcome are exchanged.
    public static let handshake = Duration.seconds(10)
    /// How much longer than the hub the spoke waits, so that the hub's own word on a late welcome arrives.
    public static let handshakeGrace = Duration.seconds(5)
    /// No interval that a peer names is taken for longer.
    public static let intervalLongest = Duration.seconds(3_600)
    /// Delay before a transaction that failed is tried again, doubling up to the longest.
    public static let applyRetryFirst = Duration.milliseconds(250)
    public static let applyRetryLongest = Duration.seconds(5)
    /// Calls in flight may finish for this long while the hub drains.
    public static let drain = Duration.seconds(10)
    /// Delay before the first attempt to connect again, and the longest (full jitter, wire.md).
    public static let reconnectFirst = Duration.milliseconds(250)
    public static let reconnectLongest = Duration.seconds(30)
    /// Between attempts when a refusal lasts until a person acts: seldom enough to cost nothing, often enough
    /// that the person need not visit the spoke.
    public static let reconnectRefused = Duration.seconds(300)
    /// A link that stood this long worked: the next failure starts small again.
    public static let reconnectSettled = Duration.seconds(10)
    /// A name of a project, spoke or branch.
    public static let nameBytes = 200
    /// A short name of an organisation, as it stands in addresses.
    public static let slugBytes = 64
    /// Projects, sessions and workspaces that one call may name, so that who may see them is looked up at once.
    public static let namesPerCall = 2_048
    /// Names of an input that its line in the audit trail tells.
    public static let auditNames = 16
    /// A message to a session.
    public static let messageBytes = 256 << 10
    /// The longest time that a disconnect policy may name: 30 days.
    public static let disconnectSeconds = 30 * 86_400
    /// Sessions in one `coord.spawn`.
    public static let spawnsPerCall = 500
    /// Days for which salvaged work is kept.
    public static let salvageDays = 14
    /// Violations listed for one input: enough to mend it in one go, bounded against hostile ones.
    public static let violations = 50
    /// What is shown of a name that a caller chose, in the path or the sentence of an error.
    public static let shownNameBytes = 100
    /// A violation's path, and its sentence; what is longer is cut.
    public static let violationBytes = 1 << 10
    /// An error's sentence; a longer one is cut. With ``errorDetailsBytes`` it fits into a frame and into an MCP
    /// result, however much of it JSON has to escape.
    public static let errorMessageBytes = 4 << 10
    /// An error's details as JSON. Larger ones are left out, and the sentence says so.
    public static let errorDetailsBytes = 128 << 10
    /// Schemas within one schema and all that it refers to: far more than an operation needs, a few MiB compiled.
    public static let schemaNodes = 16_384
    /// Schemas that are being applied at one time while a value is checked, so that the stack is bounded: JSON of
    /// ``jsonDepth`` through eight references or alternatives at each level.
    public static let schemaNesting = 512
    /// What checking one value may take: schemas applied, values compared, states of a pattern. Several for each of
    /// ``jsonValues``, a fraction of a second; a hostile schema gets no more.
    public static let schemaSteps = 2 << 20
    /// How long what the database said of a key is believed: the longest a revocation on another hub may go unnoticed.
    public static let credentialCache = Duration.seconds(5)
    /// Calls a second, and calls at once, that a key or the hub's settings may allow.
    public static let callRates = 0.01...1_000_000
    public static let callBursts = 1...1_000_000
    /// Keys remembered at a time, about 1 KiB each.
    public static let credentialsRemembered = 10_000
    /// How long the outcome of a mutation can be had again under its idempotency key.
    public static let idempotencySeconds = 86_400
    /// How long a mutation under an idempotency key may be under way before another attempt may run it again, if its
    /// caller does not wait longer.
    public static let idempotencyLeaseSeconds = 600
    /// How much longer than its caller waits such a mutation has its key, so that its outcome can be written down.
    public static let idempotencyGraceSeconds = 60
    /// How long a second attempt waits for the first one's outcome before it is told to come back.
    public static let idempotencyWait = Duration.seconds(10)
    /// One secret of a service.
    public static let secretBytes = 64 << 10
    /// Rules of one role.
    public static let roleRules = 200
    /// One setting's value as JSON.
    public static let settingBytes = 64 << 10
    /// Requests that one MCP session may have under way: a model's tools, not a fleet.
    public static let mcpRequestsInFlight = 64
    /// Messages in one list, in the MCP revision that has lists.
    public static let mcpBatch = 32
    /// Values of a subscription that one tool call may answer with at most, and if it does not say how many.
    public static let mcpValues = 1_000
    public static let mcpValuesUsual = 100
    /// An operation's answer, or all values of one, as an MCP result: it stands there twice, and clients bound an event
    /// to 1 MiB. Also a part of a session's output.
    public static let mcpResultBytes = 256 << 10
    /// What is shown of an answer that is larger than that.
    public static let mcpCutBytes = 32 << 10
    /// What is shown of one value in a progress notification.
    public static let mcpProgressBytes = 16 << 10
    /// Sessions on one page of the list of resources.
    public static let mcpResources = 50
}
