import HTTPTypes
import HubCore
import HummingbirdCore
import NIOCore
import NIOHTTP1
import Protocol

/// Reads a request's body whole, within the limits of size and time.
enum RequestBytes {
    /// Collects the body into `request`, so that a stream of events can still notice the client's leaving.
    ///
    /// - Fails with `tooLarge` over ``Limits/requestBodyBytes``, `timeout` if it trickles, `validation` if it is not
    ///   HTTP, `aborted` if the client went away.
    static func collect(_ request: inout Request, within wait: Duration) async throws(Fault) -> ByteBuffer {
        let tooLarge = Fault(
            .tooLarge,
            "The body is larger than \(Limits.requestBodyBytes) bytes; send less at a time."
        )
        if let length = request.headers[.contentLength].flatMap({ Int($0) }), length > Limits.requestBodyBytes {
            throw tooLarge
        }
        let body = request.body
        do {
            let buffer = try await withDeadline(wait) { try await body.collect(upTo: Limits.requestBodyBytes) }
            request.body = .init(buffer: buffer)
            return buffer
        } catch is NIOTooManyBytesError {
            throw tooLarge
        } catch is DeadlinePassed {
            throw Fault(.timeout, "The body took longer than \(wait.milliseconds) ms to arrive; send it at once.")
        } catch is HTTPParserError {
            throw Fault(.validation, "The body is not HTTP/1.1 that can be read.")
        } catch {
            throw Fault(.aborted, "The client went away while it sent its request.")
        }
    }
}
