public import Protocol

/// What bounds the hub's own doors. Beside ``Limits``, which both ends share.
extension Limits {
    /// From a connection's first moment until its first request's head is whole, and from a later head's first bytes
    /// until it is. Ends heads that trickle.
    public static let requestHead = Duration.seconds(10)
    /// From a request's head until its body is whole, whether anybody reads it or not. Ends bodies that trickle.
    public static let requestBody = Duration.seconds(30)
    /// As much of a body over ``requestBodyBytes`` is read and thrown away before it is refused.
    public static let requestBodyDiscarded = 16 << 20
    /// How long `/readyz` waits for the database before it says that the hub is not ready.
    public static let readinessWait = Duration.seconds(5)
    /// How long a connection may stay open between two requests.
    public static let connectionIdle = Duration.seconds(75)
    /// One header field, name and value. A bearer key has under 100 bytes.
    public static let headerFieldBytes = 16 << 10
    /// All header fields of a request together.
    public static let headerListBytes = 64 << 10
    /// Header fields of a request.
    public static let headerFields = 100
    /// Connections that the kernel may hold for us while a whole fleet comes back at once.
    public static let listenBacklog = 4_096
    /// How long a connection stays readable after an answer that ends it, so that the answer is not lost to a reset.
    public static let connectionLinger = Duration.seconds(30)
    /// Calls that one key may make, on average and at once. Generous: it stops a loop gone wild, not a fleet.
    public static let callsPerSecond = 5_000.0
    public static let callsBurst = 20_000
    /// Attempts with a credential that is not known, per address.
    public static let refusalsPerSecond = 20.0
    public static let refusalsBurst = 200
    /// Keys and addresses whose rate is remembered at a time.
    public static let rateEntries = 20_000
    /// How long a call may take if its caller names no deadline, and the longest that one may name.
    public static let callDeadline = Duration.seconds(300)
    public static let callDeadlineLongest = Duration.seconds(3_600)
    /// A call's input or output that the call graph keeps as it is; of larger ones it keeps digest and size.
    public static let callPayloadBytes = 16 << 10
    /// Records of calls that may wait for the database, and their bytes; one more is dropped and counted.
    public static let callRecordsWaiting = 50_000
    public static let callRecordBytesWaiting = 64 << 20
    /// From the start of one small batch of them to the next, so that more come together; no reader waits for it.
    public static let callRecordsRest = Duration.milliseconds(50)
    /// A query that takes longer than this is written while it runs, a shorter one only when it is over.
    public static let callUnwritten = Duration.milliseconds(250)
    /// How long a call of a hub that is not heard of may stay unfinished in the graph.
    public static let callOrphaned = Duration.seconds(30)
    /// Calls in one tree that is answered, and calls below one that are looked through for an abort.
    public static let callTreeNodes = 1_000
    public static let callAbortNodes = 100_000
    /// Operations that `call.latency` lists, the most called first.
    public static let latencyOperations = 1_000
    /// How long an abort waits for a provider to say what became of a call: a program is interrupted, terminated and
    /// killed within 10 s.
    public static let callProof = Duration.seconds(15)
    /// How long a subscription may outlive its key, or its account's membership, where no news tells of the end: an
    /// expiry is told by nobody.
    public static let keyRound = Duration.seconds(1)
    /// The longest window of `call.latency`.
    public static let callWindowSeconds = 604_800
    /// Calls that one call may be declared to depend on at a time.
    public static let callDependencies = 100
    /// Between two signs of life on a stream of server-sent events.
    public static let eventKeepalive = Duration.seconds(15)
    /// How long the consumer of such a stream may take for the last word of a hub that shuts down.
    public static let eventFarewell = Duration.seconds(3)
    /// Operations that one spoke may offer: a large MCP server or two beside its own.
    public static let operationsPerSpoke = 1_000
    /// One JSON Schema of an operation that a spoke offers, as JSON.
    public static let schemaBytes = 64 << 10
    /// Nesting of such a schema.
    public static let schemaDepth = 32
    /// An operation's namespace, name, or version.
    public static let operationNameBytes = 100
    /// An error code that an operation declares for itself.
    public static let errorCodeBytes = 64
    /// What an operation says of itself: title, description, tags, and when its errors happen.
    public static let operationTextBytes = 16 << 10
    /// Providers that a call is tried on when links break under it: the spokes of a hub that loses its network.
    public static let callAttempts = 3
    /// How long it is believed on which spoke a session or a workspace is.
    public static let whereaboutsCache = Duration.seconds(5)
    /// Sessions and workspaces whose spoke is remembered at a time.
    public static let whereaboutsRemembered = 10_000
    /// Spokes named one by one where a list says who offers an operation, or why none does.
    public static let providersNamed = 100
    /// Request ids of calls that one hub process remembers, so that a query under a used one is not answered under it:
    /// twice as many at most, 16 bytes each.
    public static let callIdsRemembered = 1 << 16
    /// Request ids of calls that were given up, kept so that a late answer is nobody else's: twice as many at most.
    public static let callsGivenUp = 10_000
    /// The header that says which spoke shall answer.
    public static let targetBytes = 4 << 10
    /// Between two writes of what is kept in memory: heartbeats, leases, last uses.
    public static let flushInterval = Duration.seconds(5)
    /// Between two looks at whether the credentials of standing links are still accepted: for what no news tells of,
    /// such as the end of a key's time.
    public static let credentialRound = Duration.seconds(30)
    /// When it is worth asking again while the database is away.
    public static let databaseRetry = Duration.seconds(1)
    /// MCP sessions of one hub process, about 2 KiB each, and of one account or session among them.
    public static let mcpSessions = 1_000
    public static let mcpSessionsPerOwner = 100
    /// An MCP session without a message for this long is over; its client begins another.
    public static let mcpSessionIdle = Duration.seconds(1_800)
    /// Operations that `/metrics` counts apart; the calls of further ones are counted together.
    public static let metricsOperations = 500
    /// How long a starting hub waits for its database.
    public static let databaseStart = Duration.seconds(60)
}

/// What bounds looking for anomalies.
extension Limits {
    /// Between two rounds over all sessions that run.
    public static let detectionRound = Duration.seconds(30)
    /// Sessions that one `coord.detect` looks at; the hub's own rounds look at all.
    public static let sessionsPerLook = 5_000
    /// Findings that one `coord.detect` answers.
    public static let findingsAnswered = 500
    /// Open detections that a line of `coord.status` shows of its session; the others are counted.
    public static let detectionsShown = 50
    /// What is said when a detection is resolved.
    public static let detectionNoteBytes = 4 << 10
}

/// What bounds the tasks of a project.
extension Limits {
    /// A task's description, or the summary of what came of it: a long page.
    public static let taskBodyBytes = 256 << 10
    /// The path of a task's file below the directory that it was imported from.
    public static let taskPathBytes = 1_024
    /// Words to find a task by.
    public static let taskTags = 64
    /// Tasks that one task waits for directly.
    public static let taskDependencies = 1_000
    /// Tasks in one `task.import`; the size of a body bounds them, too.
    public static let tasksPerImport = 5_000
    /// Tasks of one claim.
    public static let tasksPerClaim = 100
    /// Tasks, and four times as many dependencies, that one question about a graph is answered for.
    public static let graphTasks = 250_000
    /// Between looks at which clients' documents are to be read again.
    public static let clientRound = Duration.seconds(20)
    /// A client's document that was read is read again after this; one that could not be, after a minute at most.
    public static let clientDocument = Duration.seconds(300)
    /// Between attempts to read a document that could not be read, at most.
    public static let clientRetry = Duration.seconds(60)
    /// Clients' documents that are read at the same time.
    public static let clientReads = 8
    /// A document that is stored with its client; every reader of the client gets it.
    public static let clientDocumentBytes = 256 << 10
    /// One answer of a client's web service, or one event: what fits into a frame of a link.
    public static let clientAnswerBytes = 512 << 10
    /// How long a request to a client's web service may take where its config does not say.
    public static let clientPatience = Duration.seconds(60)
}
