public import Foundation

/// What makes a client's web service operations of the hub: the member `openapi` of its `config`.
public struct ClientService: Codable, Hashable, Sendable, Described {
    public static let fields = [
        "url": "Where its OpenAPI 3 document is, as JSON or YAML; fetched without the credential.",
        "document": "The document itself, instead of url.",
        "baseUrl": "Where the service is; what the document says if left out.",
        "namespace": "The first part of its operations' names; the client's name made fit if left out.",
        "version": "The version of its operations, to be changed with an incompatible document; 1 if left out.",
        "credential": "How requests show a secret of the client.",
        "timeoutSeconds": "How long one request may take, 1 to 600; 60 if left out.",
    ]
    public var url: String?
    public var document: JSONValue?
    public var baseUrl: String?
    public var namespace: String?
    public var version: String?
    public var credential: ClientCredential?
    public var timeoutSeconds: Int?

    public init(url: String? = nil, document: JSONValue? = nil, baseUrl: String? = nil, namespace: String? = nil) {
        self.url = url
        self.document = document
        self.baseUrl = baseUrl
        self.namespace = namespace
    }
}

/// How a request shows a client's secret. Names the secret, never says it.
public struct ClientCredential: Codable, Hashable, Sendable, Described {
    /// Where a secret stands in a request.
    public enum Place: String, Codable, CaseIterable, Hashable, Sendable { case bearer, header, query, basic }

    public static let fields = [
        "in": "Where it stands: Authorization as bearer or basic, a header, or the query.",
        "name": "The header or the field of the query.",
        "user": "The user for basic; without it the secret is user:password.",
        "key": "Which of the client's secrets it is, as set with secret.set.",
    ]
    public var `in`: Place
    public var name: String?
    public var user: String?
    public var key: String

    public init(in place: Place, name: String? = nil, user: String? = nil, key: String) {
        self.in = place
        self.name = name
        self.user = user
        self.key = key
    }

    /// What is added to a request to show this secret.
    ///
    /// - Throws: `VALIDATION_ERROR` for a secret that cannot stand there; it is not repeated.
    public func addition(showing secret: String) throws(Fault) -> WebAddition {
        func checked(_ value: String) throws(Fault) -> String {
            if let flaw = WebHeaders.flaw(ofValue: value) {
                throw Fault(.validation, "The secret “\(key)” \(flaw) to be sent; set it anew with secret.set.")
            }
            return value
        }
        var addition = WebAddition(veil: SecretVeil([secret]))
        switch `in` {
        case .bearer: addition.headers["authorization"] = "Bearer " + (try checked(secret))
        case .header: addition.headers[name ?? "authorization"] = try checked(secret)
        case .query: addition.query[name ?? "key"] = secret
        case .basic:
            let pair = user.map { "\($0):\(secret)" } ?? secret
            addition.headers["authorization"] = "Basic " + Data(pair.utf8).base64EncodedString()
            let word = user == nil ? secret.split(separator: ":", maxSplits: 1).dropFirst().joined() : secret
            addition.veil = SecretVeil([pair, word])
        }
        return addition
    }
}

/// What a client's web service offers at the moment.
public struct ClientOffer: Codable, Hashable, Sendable, Described {
    public static let fields = [
        "status": "Whether its operations can be called.",
        "reason": "Why they cannot.",
        "namespace": "The first part of their names.",
        "server": "Where requests go.",
        "operations": "How many there are.",
        "leftOut": "What of the document is not offered, and why; at most 20.",
        "since": "Since when this is so.",
    ]
    public var status: RegistrationStatus
    public var reason: String?
    public var namespace: String
    public var server: String?
    public var operations: Int
    public var leftOut: [String]
    public var since: Date

    public init(
        status: RegistrationStatus,
        reason: String? = nil,
        namespace: String,
        server: String? = nil,
        operations: Int = 0,
        leftOut: [String] = [],
        since: Date
    ) {
        self.status = status
        self.reason = reason
        self.namespace = namespace
        self.server = server
        self.operations = operations
        self.leftOut = leftOut
        self.since = since
    }
}
