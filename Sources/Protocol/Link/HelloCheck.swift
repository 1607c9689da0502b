/// What a hello and a welcome must say whatever the hub knows of the spoke.
extension LinkHello {
    /// The protocol version both speak.
    public static let version = 1

    /// Why no hub can take this hello; `nil` for one that is in order.
    public var refusal: LinkRefused? {
        guard versions.contains(Self.version) else {
            return LinkRefused(
                code: .version,
                message: "This hub speaks protocol version \(Self.version); install a spoke that does.",
                retryAfterMilliseconds: nil
            )
        }
        let names = [spokeId.rawValue, name, incarnation, bootId]
        let namesFit = names.allSatisfy { 1...Limits.nameBytes ~= $0.utf8.count }
        let numbers = 0...Limits.streamNumber
        let journalFits =
            numbers.contains(journal.epoch) && journal.first >= 1 && journal.first <= journal.next
            && numbers.contains(journal.next)
        let commandsFit = numbers.contains(commands.epoch) && numbers.contains(commands.seq)
        guard namesFit, journalFits, commandsFit, slots >= 0 else {
            return LinkRefused(
                code: .invalid,
                message: "The hello names itself or its streams in a way that cannot be; reinstall the spoke.",
                retryAfterMilliseconds: nil
            )
        }
        return nil
    }

    /// Where the commands of `epoch` go on for this spoke; `nil` if it holds ones of a later epoch, which only
    /// another hub, or this one before it lost its memory, can have sent.
    public func commandsMark(in epoch: Int64) -> StreamMark? {
        if commands.epoch == epoch { return commands }
        return commands.epoch < epoch ? .start(of: epoch) : nil
    }
}

extension LinkWelcome {
    /// Why this welcome cannot be an answer to the hello; `nil` for one that can.
    func refusal(for hello: LinkHello) -> CloseReason? {
        guard hello.versions.contains(version) else { return .notAllowed("The welcome names a version not offered.") }
        let mark = journalAcknowledged
        guard mark.epoch == hello.journal.epoch, mark.seq >= hello.journal.first - 1, mark.seq < hello.journal.next
        else {
            return .diverged("The hub stands at journal \(mark.epoch)/\(mark.seq), which is not in this spoke's file.")
        }
        guard mark.seq != hello.journal.next - 1 || mark.hash == hello.journal.headHash else {
            return .diverged("The hub knows another record \(mark.seq) of the journal.")
        }
        guard let commands = hello.commandsMark(in: commandsEpoch), 0...Limits.streamNumber ~= commandsNext,
            commands.seq < commandsNext
        else { return .diverged("This spoke holds commands that the hub does not know.") }
        return nil
    }
}
