public import Protocol

/// Group commit for hot writers: what arrives while one batch commits is the next batch.
///
/// No timer: an idle writer commits a single item at once. Somebody must run it:
///
///     let writer = GroupWriter<Event, Int>(lanes: 2) { batch throws(Fault) in
///         try await database.execute(SQL.insert, [batch.map(\.id), batch.map(\.body)])
///     }
///     async let running: Void = writer.run()      // or a task of a group, or a service
///     try await writer.append(event)              // returns once the event's batch is committed
public final class GroupWriter<Item: Sendable, Output: Sendable>: Sendable {
    /// - Parameters:
    ///   - lanes: Batches that may be in flight at once.
    ///   - maxItems: Items of one batch.
    ///   - capacity: Items that may wait; one more is refused with `UNAVAILABLE`.
    ///   - order: Items of one key are written in order, never in two lanes at a time; `nil` for items without order.
    ///   - write: Makes a batch durable, as one statement or one transaction; what it answers, every item's writer gets.
    public init(
        lanes: Int = 2,
        maxItems: Int = 1_000,
        capacity: Int = 20_000,
        order: (@Sendable (Item) -> String?)? = nil,
        write: @escaping @Sendable ([Item]) async throws(Fault) -> Output
    ) {}

    /// Writes batches until the task is cancelled or ``finish()`` was called and all is written.
    public func run() async { fatalError() }

    /// Waits until the item is durable, and answers what its batch answered.
    public func append(_ item: Item) async throws(Fault) -> Output { fatalError() }

    /// The same without waiting: `done` is called once, on the task of a lane; it must be quick.
    public func submit(_ item: Item, done: @escaping @Sendable (Result<Output, Fault>) -> Void) { fatalError() }

    /// Takes no more items; ``run()`` returns when those taken are written.
    public func finish() { fatalError() }
}
