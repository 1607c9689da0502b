public import AsyncHTTPClient
import NIOCore
import NIOHTTP1
public import Protocol
import Synchronization

/// Requests to services that somebody vouches for.
public enum Web {
    /// What is read of an answer that says only that something failed.
    public static let refusalBytes = 64 << 10

    /// No redirect is followed: it would carry a credential to somebody else.
    static var configuration: HTTPClient.Configuration {
        var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow)
        configuration.connectionPool.retryConnectionEstablishment = false
        // A stream holds its connection: as many as there may be calls.
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = Limits.callsInFlight
        return configuration
    }

    private static let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)

    /// Sends a request and answers when the head of its response is there.
    ///
    /// - Throws: `TIMEOUT`, `ABORTED` when the task is cancelled, `UNAVAILABLE` for what cannot be reached.
    public static func execute(
        _ request: HTTPClientRequest,
        within limit: Duration
    ) async throws(Fault) -> HTTPClientResponse {
        try await execute(request, within: limit, by: client)
    }

    static func execute(
        _ request: HTTPClientRequest,
        within limit: Duration,
        by client: HTTPClient
    ) async throws(Fault) -> HTTPClientResponse {
        do {
            return try await client.execute(request, timeout: .milliseconds(limit.milliseconds))
        } catch let fault as Fault {
            throw fault
        } catch {
            if Task.isCancelled { throw Fault(.aborted, "The call was aborted.") }
            if let error = error as? HTTPClientError, error == .deadlineExceeded {
                throw Fault(.timeout, "The service did not answer within \(limit.spoken).")
            }
            throw WebTrouble.fault(error)
        }
    }

    /// The whole body of a response.
    ///
    /// - Throws: `TOO_LARGE`, `ABORTED` when the task is cancelled, `UNAVAILABLE` for a body that breaks off.
    public static func bytes(of response: HTTPClientResponse, most: Int) async throws(Fault) -> [UInt8] {
        do {
            return Array(try await response.body.collect(upTo: most).readableBytesView)
        } catch is NIOTooManyBytesError {
            throw Fault(.tooLarge, "The service answered with more than \(most) bytes.")
        } catch {
            if Task.isCancelled { throw Fault(.aborted, "The call was aborted.") }
            throw Fault(.unavailable, "The answer of the service broke off: \(WebTrouble.reason(error)).")
        }
    }

    /// Whether a response is a stream of server-sent events.
    public static func isStream(_ response: HTTPClientResponse) -> Bool {
        response.headers.first(name: "content-type")?.lowercased().hasPrefix("text/event-stream") == true
    }
}

/// Ends work from which nothing was heard for too long.
public struct Listening: Sendable {
    private let sign = Sign()
    public let limit: Duration

    public init(for limit: Duration) { self.limit = limit }

    /// Something was heard: the time begins anew.
    public func heard() { sign.last.withLock { $0 = .now } }

    /// Whoever listens is busy with what was heard: the time stands still until ``heard()``.
    public func busy() { sign.last.withLock { $0 = nil } }

    /// Runs work to its end, and cancels it once the time is over.
    ///
    /// - Throws: whatever `work` throws; what `late` is where the time was over; `ABORTED` when the task is cancelled.
    public func bound<Value: Sendable>(
        otherwise late: Fault,
        _ work: @escaping @Sendable () async throws(Fault) -> Value
    ) async throws(Fault) -> Value {
        heard()
        let outcome = await withTaskGroup(of: Result<Value, Fault>?.self) { group in
            group.addTask { await Self.result(of: work) }
            group.addTask {
                // Cancelled as soon as the work is done.
                while let left = left(), (try? await Task.sleep(for: left)) != nil {}
                return nil
            }
            let first = await group.next() ?? nil
            group.cancelAll()
            return first
        }
        if let outcome { return try outcome.get() }
        throw Task.isCancelled ? Fault(.aborted, "The call was aborted.") : late
    }

    private func left() -> Duration? {
        let left = sign.last.withLock { $0 }.map { $0 + limit - .now } ?? limit
        return left > .zero && !Task.isCancelled ? left : nil
    }

    private static func result<Value>(of work: () async throws(Fault) -> Value) async -> Result<Value, Fault> {
        do throws(Fault) { return .success(try await work()) } catch { return .failure(error) }
    }

    private final class Sign: Sendable {
        let last = Mutex<ContinuousClock.Instant?>(.now)
    }
}

extension Duration {
    /// As a person reads it: whole seconds where it is such.
    var spoken: String { milliseconds.isMultiple(of: 1_000) ? "\(milliseconds / 1_000) s" : "\(milliseconds) ms" }
}
