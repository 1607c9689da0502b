/// The part of a link's messages that belongs to calls: passed through by the link, decided elsewhere (calls.md).
public enum CallMessage: Hashable, Sendable {
    case requested(CallRequested)
    case responded(CallResponded)
    case completed(CallEnded)
    case aborted(CallEnded)
    case failed(CallFailed)
    case credit(CallCredit)

    /// The call it belongs to.
    public var requestId: String {
        switch self {
        case .requested(let call): call.requestId
        case .responded(let answer): answer.requestId
        case .completed(let end), .aborted(let end): end.requestId
        case .failed(let failure): failure.requestId
        case .credit(let credit): credit.requestId
        }
    }

    /// The same, as it is sent.
    public var linkMessage: LinkMessage {
        switch self {
        case .requested(let call): .callRequested(call)
        case .responded(let answer): .callResponded(answer)
        case .completed(let end): .callCompleted(end)
        case .aborted(let end): .callAborted(end)
        case .failed(let failure): .callFailed(failure)
        case .credit(let credit): .callCredit(credit)
        }
    }
}
