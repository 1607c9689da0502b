import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import Protocol

/// What libraries say of a request that failed, as a person says it.
enum WebTrouble {
    /// Of a request without an answer.
    static func fault(_ error: any Error) -> Fault {
        if error is HTTPParserError { return Fault(.unavailable, "The service answered with what is not HTTP.") }
        if error as? HTTPClientError == .remoteConnectionClosed {
            return Fault(.unavailable, "The service closed the connection without an answer.")
        }
        return Fault(.unavailable, "The service cannot be reached: \(reason(error)).")
    }

    /// The end of a sentence.
    static func reason(_ error: any Error) -> String {
        switch error {
        case let error as NIOConnectionError:
            error.connectionErrors.first.map { reason($0.error) } ?? "its name is not known"
        case let error as IOError: String(cString: strerror(error.errnoCode)).lowercased()
        case is HTTPParserError: "what came is not HTTP"
        case let error as HTTPClientError where closed.contains(error): "the connection was closed"
        case let error as HTTPClientError where late.contains(error): "no connection came about in time"
        case ChannelError.eof, ChannelError.inputClosed, ChannelError.ioOnClosedChannel, ChannelError.alreadyClosed:
            "the connection was closed"
        case ChannelError.connectTimeout: "no connection came about in time"
        default: other(error)
        }
    }

    private static let closed = [HTTPClientError.remoteConnectionClosed, .uncleanShutdown]
    private static let late = [HTTPClientError.connectTimeout, .tlsHandshakeTimeout]

    /// What has no type that is known here: TLS, and what no release had yet.
    private static func other(_ error: any Error) -> String {
        let said = "\(error)"
        guard String(reflecting: type(of: error)).hasPrefix("NIOSSL.") else { return String(said.prefix(200)) }
        return said.contains("CERTIFICATE_VERIFY_FAILED") || said.contains("failedToValidateHostname")
            ? "its certificate is not one that is trusted for that name" : "no secure connection came about"
    }
}
