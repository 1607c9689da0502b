import HubDomains
import Protocol

/// Runs a call so that it ends when it is aborted, not only when its caller leaves.
enum AbortableRun {
    /// Answers as `work` does. An abort cancels it, exactly as a caller who leaves does.
    static func value<Value: Sendable>(
        of call: OpenCall,
        _ work: @escaping @Sendable () async throws(Fault) -> Value
    ) async throws(Fault) -> Value {
        // Not a child, since nobody could cancel that alone; it is waited for all the same.
        let task = Task { () -> Result<Value, Fault> in
            do throws(Fault) { return .success(try await work()) } catch { return .failure(error) }
        }
        call.whenAborted { task.cancel() }
        let result = await withTaskCancellationHandler {
            await task.value
        } onCancel: {
            task.cancel()
        }
        return try result.get()
    }
}
