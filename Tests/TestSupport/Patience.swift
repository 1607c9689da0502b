/// How long a test waits for what must come. It is reached only where something is broken, so it is generous: a loaded
/// machine may be many times slower than the one where the test was written.
public let patience = Duration.seconds(120)
