public import Protocol
import Synchronization

/// What can be asked at this hub at the moment. Filled when the table is complete, and read by its own meta operations.
public final class OperationCatalogue: Sendable {
    private let contents = Mutex<[OperationSpec]>([])

    public init() {}

    /// All operations, by id.
    public var specs: [OperationSpec] { contents.withLock { $0 } }

    /// Shows these instead of what was shown before.
    public func show(_ specs: [OperationSpec]) { contents.withLock { $0 = specs.sorted { $0.id < $1.id } } }
}
