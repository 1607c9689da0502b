public import Protocol

/// What bounds the operations that a spoke offers. Beside ``Limits``, which both ends share.
extension Limits {
    /// No deadline keeps a call waiting for longer, in milliseconds.
    public static let callMilliseconds: Int64 = 86_400_000
    /// How long the hub's answer to a call from this machine is waited for if whoever asks does not say: as long as
    /// the hub works on it.
    public static let askPatience = Duration.seconds(300)
    /// A part of a file, patch or output in one answer, and what a call takes if it does not say.
    public static let answerBytesMost = 512 << 10
    public static let answerBytesUsual = 256 << 10
    /// What is read before and behind a part of a file for the sake of secrets that it cuts, in bytes; of longer ones a
    /// part may show.
    public static let redactionWindow = 1 << 20
    /// What fs.write takes: what fits into one request, with room for its JSON.
    public static let writeBytes = 700 << 10
    /// Programs that run for calls at a time.
    public static let programsRunning = 64
    /// Seconds that a program may run for a call if its caller names none, and at most.
    public static let programSecondsUsual = 3_600
    public static let programSecondsMost = 86_400
    /// Arguments and environment of a program, as JSON brought them.
    public static let programWords = 1_024
    public static let programBytes = 256 << 10
    /// What a command operation may print.
    public static let commandOutputBytes = 512 << 10
    /// Seconds that a command operation may run if the owner names none.
    public static let commandSecondsUsual = 600
    /// Operations that a spoke's owner may add, and what all specs of a spoke may take in its hello.
    public static let commandOperations = 200
    public static let specBytes = 640 << 10
}
