public import Foundation

/// One provider's offer of one operation, as it is stored.
public struct RegistrationRecord: Codable, Hashable, Sendable, Described {
    public static let fields = [
        "id": "The registration's id.",
        "operationId": "The definition that is offered: namespace.name, or with @version for a further one.",
        "providerType": "What offers it.",
        "providerId": "Which one offers it.",
        "status": "Whether the offer stands: it is inactive while its provider is away.",
        "reason": "Why a client's offer does not stand.",
        "preRemapName": "What the provider itself calls it.",
        "activatedAt": "Since when it stands, or stood last.",
        "deactivatedAt": "Since when it does not stand; absent while it does.",
        "createdAt": "When it was first made.",
    ]
    public var id: String
    public var operationId: String
    public var providerType: ProviderType
    public var providerId: String
    public var status: RegistrationStatus
    public var reason: String?
    public var preRemapName: String?
    public var activatedAt: Date
    public var deactivatedAt: Date?
    public var createdAt: Date

    public init(
        id: String,
        operationId: String,
        providerType: ProviderType,
        providerId: String,
        status: RegistrationStatus,
        reason: String? = nil,
        preRemapName: String?,
        activatedAt: Date,
        deactivatedAt: Date?,
        createdAt: Date
    ) {
        self.id = id
        self.operationId = operationId
        self.providerType = providerType
        self.providerId = providerId
        self.status = status
        self.reason = reason
        self.preRemapName = preRemapName
        self.activatedAt = activatedAt
        self.deactivatedAt = deactivatedAt
        self.createdAt = createdAt
    }
}

/// Offers of operations, newest first.
public struct ListRegistrations: RemoteOperation {
    public static let name = "registration.list"
    public static let kind = OperationKind.query
    public static let summary = "Who offers which operation, newest first, also those who are away."
    public static let access = AccessControl.scopes("operation:read")
    public static let examples = [ListRegistrations(status: .inactive)]
    public static let fields = [
        "operationId": "Only offers of this definition.",
        "providerType": "Only offers of providers of this kind.",
        "providerId": "Only offers of this provider.",
        "status": "Only offers in this state.",
        "limit": "At most this many, 1 to 500; 100 if absent.",
        "cursor": "Goes on where an earlier answer's nextCursor points.",
    ]

    public struct Output: Codable, Hashable, Sendable, Described {
        public static let fields = [
            "registrations": "One entry per offer.",
            "nextCursor": "Where the next page begins; absent on the last.",
        ]
        public var registrations: [RegistrationRecord]
        public var nextCursor: String?

        public init(registrations: [RegistrationRecord], nextCursor: String?) {
            self.registrations = registrations
            self.nextCursor = nextCursor
        }
    }

    public var operationId: String?
    public var providerType: ProviderType?
    public var providerId: String?
    public var status: RegistrationStatus?
    public var limit: Int?
    public var cursor: String?

    public init(
        operationId: String? = nil,
        providerType: ProviderType? = nil,
        providerId: String? = nil,
        status: RegistrationStatus? = nil,
        limit: Int? = nil,
        cursor: String? = nil
    ) {
        self.operationId = operationId
        self.providerType = providerType
        self.providerId = providerId
        self.status = status
        self.limit = limit
        self.cursor = cursor
    }
}

/// Forgets a definition that nobody offers any more.
public struct DeleteOperation: RemoteOperation {
    public static let name = "operation.delete"
    public static let kind = OperationKind.mutation
    public static let summary = "Forgets a definition that nobody offers; its calls stay on record as removed ones."
    public static let access = AccessControl.scopes("operation:admin")
    public static let examples = [DeleteOperation(operationId: "fs.frobnicate")]
    public static let fields = [
        "operationId": "The definition: namespace.name, or with @version for a further one."
    ]

    public struct Output: Codable, Hashable, Sendable, Described {
        public static let fields = [
            "operationId": "The definition that is gone.",
            "registrations": "Offers of absent providers that went with it.",
            "calls": "Calls on record that are now held by the operation system.removed.",
        ]
        public var operationId: String
        public var registrations: Int
        public var calls: Int

        public init(operationId: String, registrations: Int, calls: Int) {
            self.operationId = operationId
            self.registrations = registrations
            self.calls = calls
        }
    }

    public var operationId: String

    public init(operationId: String) { self.operationId = operationId }
}
