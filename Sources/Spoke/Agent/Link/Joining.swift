import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import NIOSSL
public import Protocol

/// A spoke's lasting proof of identity, got once for a join token (contract.md).
public struct SpokeCredential: Codable, Sendable {
    public var spokeId: SpokeID
    public var name: String
    /// The hub's URL as given at joining: `http://…` or `https://…`.
    public var hub: String
    /// The bearer key for the link; never leaves this file but in the header of a connection.
    public var key: String
    public var labels: [String: String]
    /// A PEM file with the authorities that vouch for the hub; the system's if absent.
    public var authorityFile: String?

    /// Reads the credential of a data directory.
    ///
    /// - Throws: `NOT_FOUND` if this spoke never joined, `ACCESS_DENIED` if others may read the file.
    public static func read(_ paths: SpokePaths) throws(Fault) -> SpokeCredential {
        guard FileManager.default.fileExists(atPath: paths.credential) else {
            throw Fault(
                .notFound,
                "This spoke has not joined a hub; run `spoke join URL --token T` with the same --data-dir."
            )
        }
        return try WireCoder.value(from: try PrivateFile.readSecret(paths.credential))
    }
}

/// Trades a join token for a credential.
public struct Joining: Sendable {
    public var hub: String
    public var token: String
    public var name: String
    public var labels: [String: String]
    /// A PEM file with the authorities that vouch for the hub; the system's if absent.
    public var authorityFile: String?

    public init(
        hub: String,
        token: String,
        name: String,
        labels: [String: String],
        authorityFile: String? = nil
    ) {
        self.authorityFile = authorityFile
        self.hub = hub
        self.token = token
        self.name = name
        self.labels = labels
    }

    private struct Refusal: Decodable { var error: Fault }

    /// Asks the hub and stores the credential, readable by the owner alone.
    ///
    /// - Throws: `CONFLICT` if the directory already belongs to a spoke, `UNAUTHENTICATED` for a wrong, used or expired
    ///   token, `UNAVAILABLE` if the hub cannot be reached.
    public func run(in paths: SpokePaths) async throws(Fault) -> SpokeCredential {
        guard let url = URL(string: hub), ["http", "https"].contains(url.scheme), url.host() != nil else {
            throw Fault.invalid("url", "must be the hub's address, such as http://127.0.0.1:7420, not \(hub).")
        }
        guard !FileManager.default.fileExists(atPath: paths.credential) else {
            throw Fault(
                .conflict,
                "\(paths.root) already belongs to a spoke; choose another --data-dir or remove that one."
            )
        }
        try paths.create()
        let base = hub.hasSuffix("/") ? String(hub.dropLast()) : hub
        let answer = try await post(
            JoinRequest(token: token, name: name, labels: labels, spokeType: .compute),
            to: "\(base)/v1/join"
        )
        let credential = SpokeCredential(
            spokeId: answer.spokeId,
            name: answer.name,
            hub: base,
            key: answer.credential,
            labels: answer.labels,
            authorityFile: authorityFile
        )
        try PrivateFile.write(WireCoder.bytes(of: credential), to: paths.credential)
        return credential
    }

    private func post(_ body: JoinRequest, to url: String) async throws(Fault) -> JoinAnswer {
        var request = HTTPClientRequest(url: url)
        request.method = .POST
        request.headers.add(name: "content-type", value: "application/json")
        request.body = .bytes(ByteBuffer(bytes: WireCoder.bytes(of: body)))
        let (status, bytes): (UInt, [UInt8])
        let client = try HTTPClient.trusting(authorityFile)
        defer { client.shutdownInBackground() }
        do {
            let response = try await client.execute(request, timeout: .seconds(30))
            let buffer = try await response.body.collect(upTo: Limits.frameBytes)
            (status, bytes) = (response.status.code, Array(buffer.readableBytesView))
        } catch is NIOSSLError {
            throw Fault(.unavailable, "The certificate of \(hub) is not trusted; pass the authority's with --ca-file.")
        } catch {
            throw Fault(.unavailable, "No hub answers at \(hub); check the address and that it runs.")
        }
        guard status == 200 else {
            // A refusal that is not the hub's own JSON comes from something else on the way.
            if let refusal = try? WireCoder.value(Refusal.self, from: bytes) { throw refusal.error }
            throw Fault(.unavailable, "\(url) answered with status \(status); is that a hub?")
        }
        return try WireCoder.value(from: bytes)
    }
}

extension HTTPClient {
    /// A client for one errand.
    ///
    /// - Throws: `VALIDATION_ERROR` if the file holds no certificates.
    fileprivate static func trusting(_ authorityFile: String?) throws(Fault) -> HTTPClient {
        var configuration = HTTPClient.Configuration()
        if let authorityFile {
            do {
                var tls = TLSConfiguration.makeClientConfiguration()
                tls.trustRoots = .certificates(try NIOSSLCertificate.fromPEMFile(authorityFile))
                configuration.tlsConfiguration = tls
            } catch {
                throw Fault.invalid("ca-file", "\(authorityFile) holds no PEM certificates.")
            }
        }
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    /// Ends it without anybody waiting: its one errand is done.
    fileprivate func shutdownInBackground() { shutdown { _ in } }
}
