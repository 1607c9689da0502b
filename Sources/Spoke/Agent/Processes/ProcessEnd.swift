public import Foundation
public import Protocol

/// How a session's process ended, as its supervisor wrote it down.
public struct ProcessEnd: Hashable, Sendable {
    /// What the leader returned, if it ended by itself or by its own answer to a signal.
    public var exitCode: Int32?
    /// The signal that ended the leader, if one did.
    public var exitSignal: Int32?
    public var reason: ExitReason
    public var endedAt: Date
    /// Processes of the tree that outlived the leader and were ended. At most 256 are named.
    public var swept: [ProcessRecord]
    /// Processes that could not be ended.
    public var remaining: [ProcessRecord]
    /// Every process that was told to end and did, the leader among them if it was.
    public var ended: [ProcessRecord]
    /// Bytes in each spool: all that the process ever wrote, except where the reason is ``ExitReason/lost``.
    public var sizes: [Protocol.OutputStream: Int64]
    /// Why it could not be started, if it could not.
    public var failure: Fault?
}

/// What a running process has to tell.
public enum ProcessEvent: Hashable, Sendable {
    /// The stream has this many bytes altogether. Several growths may come as one.
    case output(Protocol.OutputStream, Int64)
    /// Its last event.
    case finished(ProcessEnd)
}

/// What an agent finds of a session's process after its own restart.
public enum Adoption: Sendable {
    /// It runs on, and everything that it wrote meanwhile is there.
    case running(SupervisedProcess)
    /// It ended meanwhile; everything that it wrote is there.
    case finished(ProcessEnd)
    /// Neither its supervisor nor its end was found, as after a reboot. What was left of it has been ended.
    case lost(ProcessEnd)
    /// It was never started; starting it is right.
    case absent
}
