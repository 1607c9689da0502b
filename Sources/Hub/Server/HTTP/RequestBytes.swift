import HTTPTypes
import HubCore
import HummingbirdCore
import NIOCore
import NIOHTTP1
import Protocol

/// Reads a request's body whole, within the limit of size; ``RequestBodyDeadline`` sees to that of time.
enum RequestBytes {
    /// Collects the body into `request`, so that a stream of events can still notice the client's leaving.
    ///
    /// - Fails with `tooLarge` over ``Limits/requestBodyBytes``, `timeout` if it trickles, `validation` if it is not
    ///   HTTP, `aborted` if the client went away.
    static func collect(_ request: inout Request) async throws(Fault) -> ByteBuffer {
        let tooLarge = Fault(
            .tooLarge,
            "The body is larger than \(Limits.requestBodyBytes) bytes; send less at a time."
        )
        if let length = request.headers[.contentLength].flatMap({ Int($0) }), length > Limits.requestBodyDiscarded {
            throw tooLarge
        }
        let body = request.body
        let whole: ByteBuffer?
        do {
            whole = try await read(body)
        } catch is RequestBodyLate {
            let wait = Limits.requestBody.milliseconds
            throw Fault(.timeout, "The body took longer than \(wait) ms to arrive; send it at once.")
        } catch is HTTPParserError {
            throw Fault(.validation, "The body is not HTTP/1.1 that can be read.")
        } catch {
            throw Fault(.aborted, "The client went away while it sent its request.")
        }
        guard let whole else { throw tooLarge }
        request.body = .init(buffer: whole)
        return whole
    }

    /// The body, or nil if it is too large.
    private static func read(_ body: RequestBody) async throws -> ByteBuffer? {
        var (whole, count) = (ByteBuffer(), 0)
        for try await piece in body {
            count += piece.readableBytes
            if count <= Limits.requestBodyBytes {
                whole.writeImmutableBuffer(piece)
            } else if count <= Limits.requestBodyDiscarded {
                whole = ByteBuffer()
            } else {
                return nil
            }
        }
        return count <= Limits.requestBodyBytes ? whole : nil
    }
}
