public import Foundation

/// What a join token's ids are of.
public typealias JoinTokenID = Identifier<Subject.JoinToken>

extension Subject {
    public enum JoinToken {}
}

/// A join token without its secret.
public struct JoinTokenRecord: Codable, Hashable, Sendable, Described {
    public static let fields = [
        "id": "The token's id.",
        "prefix": "The eight characters by which a person recognises the token.",
        "labels": "Given to every spoke that joins with it.",
        "usesLeft": "How many spokes may still join with it.",
        "expiresAt": "When it stops being accepted.",
        "createdBy": "The account that made it, and that answers for the spokes that join with it.",
        "createdAt": "When it was made.",
    ]
    public var id: JoinTokenID
    public var prefix: String
    public var labels: [String: String]
    public var usesLeft: Int
    public var expiresAt: Date
    public var createdBy: AccountID
    public var createdAt: Date

    public init(
        id: JoinTokenID,
        prefix: String,
        labels: [String: String],
        usesLeft: Int,
        expiresAt: Date,
        createdBy: AccountID,
        createdAt: Date
    ) {
        self.id = id
        self.prefix = prefix
        self.labels = labels
        self.usesLeft = usesLeft
        self.expiresAt = expiresAt
        self.createdBy = createdBy
        self.createdAt = createdAt
    }
}

/// Makes a token with which spokes may join.
public struct CreateJoinToken: RemoteOperation {
    public static let name = "token.create"
    public static let kind = OperationKind.mutation
    public static let summary = "Makes a join token for spokes; it is shown this once."
    public static let access = AccessControl.scopes("token:write")
    public static let answersSecret = true
    public static let fields = [
        "ttlSeconds": "How long it is accepted, 1 second to 30 days; one hour if left out.",
        "uses": "How many spokes may join with it, 1 to 10,000; one if left out.",
        "labels": "Given to every spoke that joins with it, as in {\"region\": \"eu\"}.",
    ]
    public static let examples = [CreateJoinToken(), CreateJoinToken(ttlSeconds: 600, uses: 3, labels: ["gpu": "yes"])]
    public typealias Output = IssuedJoinToken

    public var ttlSeconds: Int?
    public var uses: Int?
    public var labels: [String: String]?

    public init(ttlSeconds: Int? = nil, uses: Int? = nil, labels: [String: String]? = nil) {
        self.ttlSeconds = ttlSeconds
        self.uses = uses
        self.labels = labels
    }
}

/// A join token, shown this once.
public struct IssuedJoinToken: Codable, Hashable, Sendable, Described {
    public static let fields = [
        "token": "The token itself, for spoke join; it is shown this once and stored nowhere.",
        "expiresAt": "When it stops being accepted.",
        "id": "Its id, for token.revoke.",
    ]
    public var token: String
    public var expiresAt: Date
    public var id: JoinTokenID

    public init(token: String, expiresAt: Date, id: JoinTokenID) {
        self.token = token
        self.expiresAt = expiresAt
        self.id = id
    }
}

/// Lists the tokens that spokes may still join with.
public struct ListJoinTokens: RemoteOperation {
    public static let name = "token.list"
    public static let kind = OperationKind.query
    public static let summary =
        "Lists join tokens that are still accepted, the soonest to expire first, without secrets."
    public static let access = AccessControl.scopes("token:read")
    public static let fields = [
        "limit": "How many at most, 1 to 500; 100 if left out.",
        "cursor": "Where to go on: nextCursor of the page before.",
    ]
    public static let examples = [ListJoinTokens()]
    public typealias Output = JoinTokenList

    public var limit: Int?
    public var cursor: String?

    public init(limit: Int? = nil, cursor: String? = nil) {
        self.limit = limit
        self.cursor = cursor
    }
}

/// Some join tokens, and where the next ones start.
public struct JoinTokenList: Codable, Hashable, Sendable, Described {
    public static let fields = [
        "tokens": "The tokens.", "nextCursor": "Where the next page starts; absent on the last one.",
    ]
    public var tokens: [JoinTokenRecord]
    public var nextCursor: String?

    public init(tokens: [JoinTokenRecord], nextCursor: String? = nil) {
        self.tokens = tokens
        self.nextCursor = nextCursor
    }
}

/// Makes a token unusable at once.
public struct RevokeJoinToken: RemoteOperation {
    public static let name = "token.revoke"
    public static let kind = OperationKind.mutation
    public static let summary = "Makes a join token unusable at once; spokes that joined with it stay."
    public static let access = AccessControl.scopes("token:write")
    public static let fields = ["id": "The token's id."]
    public static let examples = [RevokeJoinToken(id: "0e2d8e0a-8f0f-4f43-8f6e-0a5f0c2f3b11")]
    public typealias Output = JoinTokenRecord

    public var id: JoinTokenID

    public init(id: JoinTokenID) { self.id = id }
}
