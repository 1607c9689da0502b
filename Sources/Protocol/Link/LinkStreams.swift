/// What both ends of an open link have: a stream out, a stream in, and the peer's signs of life.
struct LinkStreams: Hashable, Sendable {
    var outgoing: StreamSender
    var incoming: StreamReceiver
    private(set) var beatInterval: Duration
    private var silenceLimit: Duration
    private var heardAt: Moment
    private var retryAt: Moment?
    private var retryDelay = Limits.applyRetryFirst

    init(outgoing: StreamSender, incoming: StreamReceiver, beat: Int64, silence: Int64, at now: Moment) {
        self.outgoing = outgoing
        self.incoming = incoming
        beatInterval = Self.bounded(beat)
        silenceLimit = Self.bounded(silence)
        heardAt = now
    }

    /// A peer's milliseconds as a duration that nothing overflows with.
    static func bounded(_ milliseconds: Int64) -> Duration {
        .milliseconds(min(max(milliseconds, 10), Limits.intervalLongest.milliseconds))
    }

    mutating func heard(at now: Moment) { heardAt = now }

    mutating func beats(every interval: Duration) {
        beatInterval = Self.bounded(interval.milliseconds)
    }

    /// When the peer has been silent for too long. Three beats may always be missed, however slow they are.
    var silenceAt: Moment { heardAt + max(silenceLimit, beatInterval * 3) }

    /// When either a failed transaction is due again or silence is too long.
    var nextDeadline: Moment { min(silenceAt, retryAt ?? silenceAt) }

    /// A transaction that moved nothing is one that failed: asking for it again at once would spin.
    mutating func applied(_ mark: StreamMark, at now: Moment) -> [StreamStep] {
        guard mark != incoming.applied else {
            applyFailed(at: now)
            return []
        }
        (retryAt, retryDelay) = (nil, Limits.applyRetryFirst)
        return incoming.applied(mark)
    }

    mutating func applyFailed(at now: Moment) {
        incoming.failed()
        retryAt = now + retryDelay
        retryDelay = min(retryDelay * 2, Limits.applyRetryLongest)
    }

    mutating func retryIfDue(at now: Moment) -> [StreamStep] {
        guard let due = retryAt, due <= now else { return [] }
        retryAt = nil
        return incoming.retry()
    }
}
