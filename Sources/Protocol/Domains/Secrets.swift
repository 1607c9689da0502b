public import Foundation

/// A client's secret as it is listed: everything but its value.
public struct SecretRecord: Codable, Hashable, Sendable, Described {
    public static let fields = [
        "clientId": "The client whose secret it is.",
        "client": "That client's name.",
        "key": "What the secret is called, such as apiKey.",
        "keyVersion": "The version of the hub's key with which it is sealed.",
        "expiresAt": "When it stops being of use; never, if absent.",
        "createdAt": "When it was first set.",
        "updatedAt": "When it was last set or sealed anew.",
    ]
    public var clientId: ClientID
    public var client: String
    public var key: String
    public var keyVersion: String
    public var expiresAt: Date?
    public var createdAt: Date
    public var updatedAt: Date

    public init(
        clientId: ClientID,
        client: String,
        key: String,
        keyVersion: String,
        expiresAt: Date?,
        createdAt: Date,
        updatedAt: Date
    ) {
        self.clientId = clientId
        self.client = client
        self.key = key
        self.keyVersion = keyVersion
        self.expiresAt = expiresAt
        self.createdAt = createdAt
        self.updatedAt = updatedAt
    }
}

/// Gives a client a secret.
public struct SetSecret: RemoteOperation {
    public static let name = "secret.set"
    public static let kind = OperationKind.mutation
    public static let summary = "Gives an outside service a secret, or replaces it; nobody can read it back."
    public static let access = AccessControl.scopes("secret:write")
    /// Its input is one: nothing of the call is kept but that it was made.
    public static let answersSecret = true
    public static let fields = [
        "client": "The client, by id or name.",
        "key": "What the secret is called, such as apiKey.",
        "value": "The secret; kept encrypted, at most 64 KiB.",
        "ttlSeconds": "How long it is of use; for ever, if left out.",
    ]
    public static let examples = [SetSecret(client: "gitea", key: "token", value: "…")]
    public typealias Output = SecretRecord

    public var client: String
    public var key: String
    public var value: String
    public var ttlSeconds: Int?

    public init(client: String, key: String, value: String, ttlSeconds: Int? = nil) {
        self.client = client
        self.key = key
        self.value = value
        self.ttlSeconds = ttlSeconds
    }
}

/// Lists secrets without their values.
public struct ListSecrets: RemoteOperation {
    public static let name = "secret.list"
    public static let kind = OperationKind.query
    public static let summary = "Lists secrets by client and key, never their values."
    public static let access = AccessControl.scopes("secret:read")
    public static let fields = [
        "client": "Only those of this client, by id or name.",
        "limit": "How many at most, 1 to 500; 100 if left out.",
        "cursor": "Where to go on: nextCursor of the page before.",
    ]
    public static let examples = [ListSecrets(), ListSecrets(client: "gitea")]
    public typealias Output = SecretList

    public var client: String?
    public var limit: Int?
    public var cursor: String?

    public init(client: String? = nil, limit: Int? = nil, cursor: String? = nil) {
        self.client = client
        self.limit = limit
        self.cursor = cursor
    }
}

/// Some secrets, and where the next ones start.
public struct SecretList: Codable, Hashable, Sendable, Described {
    public static let fields = [
        "secrets": "The secrets, without values.", "nextCursor": "Where the next page starts; absent on the last one.",
    ]
    public var secrets: [SecretRecord]
    public var nextCursor: String?

    public init(secrets: [SecretRecord], nextCursor: String?) {
        self.secrets = secrets
        self.nextCursor = nextCursor
    }
}

/// Forgets a secret.
public struct DeleteSecret: RemoteOperation {
    public static let name = "secret.delete"
    public static let kind = OperationKind.mutation
    public static let summary = "Forgets one secret of an outside service."
    public static let access = AccessControl.scopes("secret:write")
    public static let fields = ["client": "The client, by id or name.", "key": "What the secret is called."]
    public static let examples = [DeleteSecret(client: "gitea", key: "token")]
    public typealias Output = SecretRecord

    public var client: String
    public var key: String

    public init(client: String, key: String) {
        self.client = client
        self.key = key
    }
}

/// Seals all secrets with the hub's newest key.
public struct RotateSecrets: RemoteOperation {
    public static let name = "secret.rotate"
    public static let kind = OperationKind.mutation
    public static let summary =
        "Seals secrets anew with the hub's newest key; interrupted, it goes on where it stopped."
    public static let access = AccessControl.scopes("secret:admin")
    public static let fields = ["limit": "How many at most in this call; all if left out."]
    public static let examples = [RotateSecrets(), RotateSecrets(limit: 1_000)]

    public struct Output: Codable, Hashable, Sendable, Described {
        public static let fields = [
            "keyVersion": "The version of the key that seals now.",
            "rotated": "How many this call sealed anew.",
            "remaining": "How many are still sealed with an older key.",
        ]
        public var keyVersion: String
        public var rotated: Int
        public var remaining: Int

        public init(keyVersion: String, rotated: Int, remaining: Int) {
            self.keyVersion = keyVersion
            self.rotated = rotated
            self.remaining = remaining
        }
    }

    public var limit: Int?

    public init(limit: Int? = nil) { self.limit = limit }
}
