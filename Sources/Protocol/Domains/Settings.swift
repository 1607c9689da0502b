/// Settings by key.
public struct SettingList: Codable, Hashable, Sendable, Described {
    public static let fields = [
        "settings": "Values by key.", "nextCursor": "Where the list goes on; absent at its end.",
    ]
    public var settings: [String: JSONValue]
    public var nextCursor: String?

    public init(settings: [String: JSONValue], nextCursor: String? = nil) {
        self.settings = settings
        self.nextCursor = nextCursor
    }
}

/// Reads settings.
public struct GetSettings: RemoteOperation {
    public static let name = "setting.get"
    public static let kind = OperationKind.query
    public static let summary = "The hub's settings that differ from their defaults: one, or all by key."
    public static let access = AccessControl.scopes("setting:read")
    public static let fields = [
        "key": "Only this one.", "limit": "How many at most, 1 to 500; 100 if left out.",
        "cursor": "The nextCursor of the page before.",
    ]
    public static let examples = [GetSettings(), GetSettings(key: "retention.outputDays")]
    public typealias Output = SettingList

    public var key: String?
    public var limit: Int?
    public var cursor: String?

    public init(key: String? = nil, limit: Int? = nil, cursor: String? = nil) {
        self.key = key
        self.limit = limit
        self.cursor = cursor
    }
}

/// Changes a setting.
public struct SetSetting: RemoteOperation {
    public static let name = "setting.set"
    public static let kind = OperationKind.mutation
    public static let summary = "Changes one of the hub's settings; null brings its default back."
    public static let access = AccessControl.scopes("setting:admin")
    public static let fields = [
        "key": "Its name, as in retention.outputDays.",
        "value": "Any JSON of at most 64 KiB; null removes the setting. Never a secret.",
    ]
    public static let examples = [SetSetting(key: "retention.outputDays", value: 30)]
    public typealias Output = SettingList

    public var key: String
    public var value: JSONValue

    public init(key: String, value: JSONValue) {
        self.key = key
        self.value = value
    }
}
