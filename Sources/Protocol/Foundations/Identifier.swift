/// An id that cannot be mistaken for the id of something else. The text is opaque: UUIDs where the product
/// makes them, anything that an import brought otherwise.
public struct Identifier<Subject>: Hashable, Sendable, Comparable {
    public let rawValue: String

    public init(_ rawValue: String) { self.rawValue = rawValue }

    public static func < (first: Self, second: Self) -> Bool { first.rawValue < second.rawValue }
}

extension Identifier: CustomStringConvertible {
    public var description: String { rawValue }
}

extension Identifier: ExpressibleByStringLiteral {
    public init(stringLiteral value: String) { self.init(value) }
}

extension Identifier: Codable {
    public init(from decoder: any Decoder) throws {
        self.init(try decoder.singleValueContainer().decode(String.self))
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(rawValue)
    }
}

/// What the ids are of. Empty on purpose: they exist only as types.
public enum Subject {
    public enum Account {}
    public enum Call {}
    public enum Command {}
    public enum Detection {}
    public enum Hub {}
    public enum Key {}
    public enum Mapping {}
    public enum Message {}
    public enum Organization {}
    public enum Part {}
    public enum Project {}
    public enum Salvage {}
    public enum Session {}
    public enum Spoke {}
    public enum Task {}
    public enum Workspace {}
}

public typealias AccountID = Identifier<Subject.Account>
public typealias CallID = Identifier<Subject.Call>
public typealias CommandID = Identifier<Subject.Command>
public typealias DetectionID = Identifier<Subject.Detection>
public typealias HubID = Identifier<Subject.Hub>
public typealias KeyID = Identifier<Subject.Key>
public typealias MappingID = Identifier<Subject.Mapping>
public typealias MessageID = Identifier<Subject.Message>
public typealias OrganizationID = Identifier<Subject.Organization>
public typealias PartID = Identifier<Subject.Part>
public typealias ProjectID = Identifier<Subject.Project>
public typealias SalvageID = Identifier<Subject.Salvage>
public typealias SessionID = Identifier<Subject.Session>
public typealias SpokeID = Identifier<Subject.Spoke>
public typealias TaskID = Identifier<Subject.Task>
public typealias WorkspaceID = Identifier<Subject.Workspace>
