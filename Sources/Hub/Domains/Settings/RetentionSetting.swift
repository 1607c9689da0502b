public import Protocol

/// For how many days something is kept, as an operator may set it (`setting.set`).
public enum RetentionSetting: String, CaseIterable, Sendable {
    /// What sessions printed, from their end on.
    case output
    /// Who changed what.
    case audit
    /// Who called what: the call graph.
    case call

    /// Its name among the settings.
    public var key: String { "retention.\(rawValue)Days" }

    /// Days for which it is kept unless somebody says otherwise.
    public var usual: Int {
        switch self {
        case .output: 90
        case .audit: 400
        case .call: 30
        }
    }

    /// The longest that can be asked for: a century, which is for ever.
    public static let longest = 36_500

    /// What a stored value amounts to; what is no number of days is not heeded.
    public func days(_ stored: JSONValue?) -> Int {
        guard case .integer(let days)? = stored, (1...Int64(Self.longest)).contains(days) else { return usual }
        return Int(days)
    }
}
