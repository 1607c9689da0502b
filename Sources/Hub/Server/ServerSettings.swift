import Glibc
public import HubCore
import NIOCore
import NIOSSL
public import Protocol

/// The two PEM files that make a hub speak TLS.
public struct TLSFiles: Hashable, Sendable {
    /// The chain, the hub's own certificate first.
    public var certificate: String
    public var key: String

    public init(certificate: String, key: String) {
        self.certificate = certificate
        self.key = key
    }

    /// Read once, at start.
    ///
    /// - Fails with `validation` if a file is not what it should be.
    func configuration() throws(Fault) -> TLSConfiguration {
        do {
            let chain = try NIOSSLCertificate.fromPEMFile(certificate)
            guard !chain.isEmpty else { throw Fault(.validation, "\(certificate) holds no certificate.") }
            var configuration = TLSConfiguration.makeServerConfiguration(
                certificateChain: chain.map { .certificate($0) },
                privateKey: .privateKey(try NIOSSLPrivateKey(file: key, format: .pem))
            )
            configuration.minimumTLSVersion = .tlsv12
            configuration.applicationProtocols = ["http/1.1"]
            // Reading both proves little: a context proves that they belong together.
            _ = try NIOSSLContext(configuration: configuration)
            return configuration
        } catch let fault as Fault {
            throw fault
        } catch {
            throw Fault(.validation, "\(certificate) and \(key) are not a PEM certificate and its key.")
        }
    }
}

/// How a hub's doors stand.
public struct ServerSettings: Sendable {
    public var host: String
    /// 0 picks a free one.
    public var port: Int
    public var tls: TLSFiles?
    /// The URL by which others reach this hub; the listening address if absent.
    public var advertise: String?
    public var callRate = TokenBucket.Rate(perSecond: Limits.callsPerSecond, burst: Limits.callsBurst)
    public var refusalRate = TokenBucket.Rate(perSecond: Limits.refusalsPerSecond, burst: Limits.refusalsBurst)
    /// Where calls of clients' web services may go.
    public var outbound = OutboundRules.internetOnly
    public var requestHeadMax = Limits.requestHead
    public var eventKeepalive = Limits.eventKeepalive

    public init(host: String, port: Int, tls: TLSFiles? = nil, advertise: String? = nil) {
        self.host = host
        self.port = port
        self.tls = tls
        self.advertise = advertise
    }

    /// The URL by which the hub is reached once it listens on `port`.
    public func url(port: Int) -> String {
        if let advertise { return advertise }
        let everywhere = ["0.0.0.0", "::"].contains(host)
        let name = everywhere ? "127.0.0.1" : host.contains(":") ? "[\(host)]" : host
        return "\(tls == nil ? "http" : "https")://\(name):\(port)"
    }

    /// What ended the doors, for the operator: an address that cannot be listened on is told with its remedy.
    public func told(_ error: any Error) -> any Error {
        let remedy: String
        switch (error as? IOError)?.errnoCode {
        case EADDRINUSE: remedy = "another program listens there already; stop it"
        case EADDRNOTAVAIL: remedy = "this machine has no such address; look at `ip address`"
        case EACCES: remedy = "ports below 1024 are for root or CAP_NET_BIND_SERVICE; get that right"
        default:
            guard error is SocketAddressError.UnknownHost else { return error }
            remedy = "no address is known for that name; mend the name"
        }
        let address = host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        return Fault(.unavailable, "The hub cannot listen on “\(address)”: \(remedy), or choose another `--listen`.")
    }
}
