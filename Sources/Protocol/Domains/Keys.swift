public import Foundation

/// An API key without its secret, of which the hub keeps nothing but a hash.
public struct KeyRecord: Codable, Hashable, Sendable, Described {
    public static let fields = [
        "id": "The key's id.",
        "ownerId": "The account that the key acts for.",
        "ownerEmail": "That account's address.",
        "name": "What it was made for, in its owner's words.",
        "prefix": "The eight characters behind nave_, by which a person recognises the key.",
        "scopes": "What it may do: namespace:read|write|admin, or * for everything.",
        "resources": "Actions by type:id.",
        "enabled": "Whether it is accepted at all.",
        "expiresAt": "When it stops being accepted; never, if absent.",
        "revokedAt": "When it was revoked.",
        "rotatedToId": "The key that takes its place.",
        "lastUsedAt": "When it was last shown, to within a few seconds.",
        "sessionId": "The session whose credential it is.",
        "spokeId": "The spoke whose credential it is.",
        "callsPerSecond": "How many calls a second it may make on average, if not as many as others.",
        "callsBurst": "How many calls it may make at once; goes with callsPerSecond.",
        "createdAt": "When it was made.",
    ]
    public var id: KeyID
    public var ownerId: AccountID
    public var ownerEmail: String?
    public var name: String
    public var prefix: String
    public var scopes: [String]
    public var resources: [String: [String]]
    public var enabled: Bool
    public var expiresAt: Date?
    public var revokedAt: Date?
    public var rotatedToId: KeyID?
    public var lastUsedAt: Date?
    public var sessionId: SessionID?
    public var spokeId: SpokeID?
    public var callsPerSecond: Double?
    public var callsBurst: Int?
    public var createdAt: Date

    public init(
        id: KeyID,
        ownerId: AccountID,
        ownerEmail: String? = nil,
        name: String,
        prefix: String,
        scopes: [String],
        resources: [String: [String]],
        enabled: Bool,
        expiresAt: Date?,
        revokedAt: Date?,
        rotatedToId: KeyID?,
        lastUsedAt: Date?,
        sessionId: SessionID?,
        spokeId: SpokeID?,
        callsPerSecond: Double? = nil,
        callsBurst: Int? = nil,
        createdAt: Date
    ) {
        self.id = id
        self.ownerId = ownerId
        self.ownerEmail = ownerEmail
        self.name = name
        self.prefix = prefix
        self.scopes = scopes
        self.resources = resources
        self.enabled = enabled
        self.expiresAt = expiresAt
        self.revokedAt = revokedAt
        self.rotatedToId = rotatedToId
        self.lastUsedAt = lastUsedAt
        self.sessionId = sessionId
        self.spokeId = spokeId
        self.callsPerSecond = callsPerSecond
        self.callsBurst = callsBurst
        self.createdAt = createdAt
    }
}

/// A key with its secret, shown this once.
public struct IssuedKey: Codable, Hashable, Sendable, Described {
    public static let fields = [
        "key": "The key itself; it is shown this once and stored nowhere.",
        "record": "The key as it will be listed.",
    ]
    public var key: String
    public var record: KeyRecord

    public init(key: String, record: KeyRecord) {
        self.key = key
        self.record = record
    }
}

/// Makes a key with some of the caller's own rights, for the caller's account or, by administrators, for another's.
public struct CreateKey: RemoteOperation {
    public static let name = "key.create"
    public static let kind = OperationKind.mutation
    public static let summary = "Makes an API key; its secret is shown this once."
    public static let access = AccessControl.scopes("key:write")
    public static let answersSecret = true
    public static let fields = [
        "name": "What the key is for, so that it can be recognised later.",
        "scopes": "What it may do: namespace:read|write|admin. Never more than the caller may do.",
        "resources": "Actions by type:id, as in {\"project:…\": [\"deploy\"]}.",
        "ttlSeconds": "How long it is accepted; for ever, if left out. At most ten years.",
        "account": "Whose key it will be, by id or email; the caller's own if left out. Others need key:admin.",
        "callsPerSecond":
            "How many calls a second it may make on average; the maker's rate if left out. Needs key:admin.",
        "callsBurst": "How many calls it may make at once; callsPerSecond rounded up if left out.",
    ]
    public static let examples = [
        CreateKey(name: "ci", scopes: ["project:read", "session:read"], resources: nil, ttlSeconds: 86_400),
        CreateKey(name: "ada", scopes: ["coord:write"], account: "ada@example.org", callsPerSecond: 50),
    ]
    public typealias Output = IssuedKey

    public var name: String
    public var scopes: [String]
    public var resources: [String: [String]]?
    public var ttlSeconds: Int?
    public var account: String?
    public var callsPerSecond: Double?
    public var callsBurst: Int?

    public init(
        name: String,
        scopes: [String],
        resources: [String: [String]]? = nil,
        ttlSeconds: Int? = nil,
        account: String? = nil,
        callsPerSecond: Double? = nil,
        callsBurst: Int? = nil
    ) {
        self.name = name
        self.scopes = scopes
        self.resources = resources
        self.ttlSeconds = ttlSeconds
        self.account = account
        self.callsPerSecond = callsPerSecond
        self.callsBurst = callsBurst
    }
}

/// Lists keys: the caller's own, or everyone's for holders of `key:admin`.
public struct ListKeys: RemoteOperation {
    public static let name = "key.list"
    public static let kind = OperationKind.query
    public static let summary = "Lists API keys without their secrets, newest first: one's own, or all with key:admin."
    public static let access = AccessControl.scopes("key:read")
    public static let fields = [
        "includeRevoked": "Whether revoked, disabled and expired keys are listed too.",
        "account": "Only keys of this account, by id or email.",
        "limit": "How many at most, 1 to 500; 100 if left out.",
        "cursor": "Where to go on: nextCursor of the page before.",
    ]
    public static let examples = [ListKeys()]
    public typealias Output = KeyList

    public var includeRevoked: Bool?
    public var account: String?
    public var limit: Int?
    public var cursor: String?

    public init(includeRevoked: Bool? = nil, account: String? = nil, limit: Int? = nil, cursor: String? = nil) {
        self.includeRevoked = includeRevoked
        self.account = account
        self.limit = limit
        self.cursor = cursor
    }
}

/// Some keys, and where the next ones start.
public struct KeyList: Codable, Hashable, Sendable, Described {
    public static let fields = [
        "keys": "The keys.", "nextCursor": "Where the next page starts; absent on the last one.",
    ]
    public var keys: [KeyRecord]
    public var nextCursor: String?

    public init(keys: [KeyRecord], nextCursor: String?) {
        self.keys = keys
        self.nextCursor = nextCursor
    }
}

/// Ends a key at once.
public struct RevokeKey: RemoteOperation {
    public static let name = "key.revoke"
    public static let kind = OperationKind.mutation
    public static let summary = "Revokes an API key at once; revoking it again changes nothing."
    public static let access = AccessControl.scopes("key:write")
    public static let fields = ["id": "The key's id."]
    public static let examples = [RevokeKey(id: "6f1f4f0e-57a0-4b37-9a1c-2f8a2f1d6f10")]
    public typealias Output = KeyRecord

    public var id: KeyID

    public init(id: KeyID) { self.id = id }
}

/// Replaces a key by another with the same rights; both are accepted for a while.
public struct RotateKey: RemoteOperation {
    public static let name = "key.rotate"
    public static let kind = OperationKind.mutation
    public static let summary = "Replaces an API key by another with the same rights; both are accepted for a while."
    public static let access = AccessControl.scopes("key:write")
    public static let answersSecret = true
    public static let fields = [
        "id": "The key to replace.",
        "overlapSeconds": "How long the old key is still accepted, 0 to 30 days; one hour if left out.",
    ]
    public static let examples = [RotateKey(id: "6f1f4f0e-57a0-4b37-9a1c-2f8a2f1d6f10", overlapSeconds: 600)]
    public typealias Output = IssuedKey

    public var id: KeyID
    public var overlapSeconds: Int?

    public init(id: KeyID, overlapSeconds: Int? = nil) {
        self.id = id
        self.overlapSeconds = overlapSeconds
    }
}

/// Changes what may change of a key: never what it may do.
public struct UpdateKey: RemoteOperation {
    public static let name = "key.update"
    public static let kind = OperationKind.mutation
    public static let summary = "Renames a key, switches it off and on, or changes its rate; its rights never change."
    public static let access = AccessControl.scopes("key:write")
    public static let fields = [
        "id": "The key's id.",
        "name": "Its new name.",
        "enabled": "False to refuse it until it is switched on again.",
        "callsPerSecond": "How many calls a second it may make on average; 0 for as many as others. Needs key:admin.",
        "callsBurst": "How many calls it may make at once; callsPerSecond rounded up if left out.",
    ]
    public static let examples = [
        UpdateKey(id: "6f1f4f0e-57a0-4b37-9a1c-2f8a2f1d6f10", enabled: false),
        UpdateKey(id: "6f1f4f0e-57a0-4b37-9a1c-2f8a2f1d6f10", callsPerSecond: 10, callsBurst: 20),
    ]
    public typealias Output = KeyRecord

    public var id: KeyID
    public var name: String?
    public var enabled: Bool?
    public var callsPerSecond: Double?
    public var callsBurst: Int?

    public init(
        id: KeyID,
        name: String? = nil,
        enabled: Bool? = nil,
        callsPerSecond: Double? = nil,
        callsBurst: Int? = nil
    ) {
        self.id = id
        self.name = name
        self.enabled = enabled
        self.callsPerSecond = callsPerSecond
        self.callsBurst = callsBurst
    }
}
