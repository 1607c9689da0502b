/// What a caller must hold to run an operation (calls.md). An identity is always needed, whatever else is not.
public struct AccessControl: Codable, Hashable, Sendable, Described {
    public static let fields = [
        "requiredScopes": "All of these must be held.",
        "requiredScopesAny": "One of these must be held.",
        "resourceType": "A resource of this type must grant the action.",
        "resourceAction": "The action that a resource of the type must grant.",
    ]
    /// All of these, each `namespace:read|write|admin`; a stronger one of the same namespace does as well.
    public var requiredScopes: [String]
    /// At least one of these.
    public var requiredScopesAny: [String]?
    /// With ``resourceAction``: some resource of this type must grant the action.
    public var resourceType: String?
    /// With ``resourceType``: the action that must be granted.
    public var resourceAction: String?

    public init(
        requiredScopes: [String] = [],
        requiredScopesAny: [String]? = nil,
        resourceType: String? = nil,
        resourceAction: String? = nil
    ) {
        self.requiredScopes = requiredScopes
        self.requiredScopesAny = requiredScopesAny
        self.resourceType = resourceType
        self.resourceAction = resourceAction
    }

    /// Whoever has an identity.
    public static let anyone = AccessControl()

    /// Whoever has all of these scopes.
    public static func scopes(_ scopes: String...) -> AccessControl { AccessControl(requiredScopes: scopes) }

    /// Whoever has one of these scopes.
    public static func anyScope(of scopes: String...) -> AccessControl { AccessControl(requiredScopesAny: scopes) }

    /// Whether it takes a right to more than reading.
    public var asksForChange: Bool {
        let isMore = { (scope: String) in !scope.hasSuffix(":read") }
        return requiredScopes.contains(where: isMore) || requiredScopesAny?.allSatisfy(isMore) ?? false
    }

    /// Lets the identity pass, or says what it lacks. In this order: an identity at all; all of `requiredScopes`; one
    /// of `requiredScopesAny`; the action on some resource of the type.
    ///
    /// - Parameter isSession: Whether it is a session's: then its spawn grants what is missing, no key.
    /// - Throws: `UNAUTHENTICATED` without an identity, `ACCESS_DENIED` with what is missing in `details`.
    public func check(_ identity: Identity?, isSession: Bool = false) throws(Fault) {
        guard let identity else {
            throw Fault(.unauthenticated, "Send a key in the Authorization header: Bearer nave_….")
        }
        let missing = requiredScopes.filter { !identity.holds($0) }
        guard missing.isEmpty else {
            let it = missing.count > 1 ? "them" : "it"
            throw Self.denied(Self.list(missing), isSession, it, missing: missing)
        }
        if let any = requiredScopesAny, !any.contains(where: identity.holds) {
            throw Self.denied(any.count > 1 ? "one of \(Self.list(any))" : Self.list(any), isSession, missing: any)
        }
        if let resourceType, let resourceAction, !identity.may(resourceAction, onSome: resourceType) {
            throw Self.denied(
                "the right to \(resourceAction) some \(resourceType)",
                isSession,
                missing: ["\(resourceType):*#\(resourceAction)"]
            )
        }
    }

    private static func denied(_ need: String, _ isSession: Bool, _ it: String = "it", missing: [String]) -> Fault {
        let way = isSession ? "a session has what its spawn grants" : "ask for a key with \(it)"
        return Fault(
            .accessDenied,
            "This needs \(need); \(way).",
            details: .object(["missing": .array(missing.map(JSONValue.string))])
        )
    }

    private static func list(_ scopes: [String]) -> String {
        switch scopes.count {
        case 0: "a scope that nobody holds"
        case 1: "the scope \(scopes[0])"
        default: "the scopes \(scopes.joined(separator: ", "))"
        }
    }
}

/// Who is asking, as far as rights go. The hub resolves it from the credential; what a payload claims is not looked at.
public struct Identity: Codable, Hashable, Sendable {
    /// The account's id, or the spoke's or session's for their own credentials.
    public var id: String
    /// `namespace:read|write|admin`, where `admin` brings `write` and `write` brings `read`, or `*` for everything.
    public var scopes: [String]
    /// Actions by `type:id`, as in `["project:4f1c…": ["deploy"]]`; id or action may be `*`.
    public var resources: [String: [String]]?

    public init(id: String, scopes: [String], resources: [String: [String]]? = nil) {
        self.id = id
        self.scopes = scopes
        self.resources = resources
    }

    /// The scope that stands for all rights, those on resources included.
    public static let everything = "*"

    /// Whether the scope was granted: by name, by a stronger one of its namespace, or by `*`.
    public func holds(_ scope: String) -> Bool { scopes.contains { Self.grant($0, brings: scope) } }

    /// The one place that knows that `admin` brings `write` and `write` brings `read`.
    private static func grant(_ granted: String, brings scope: String) -> Bool {
        if granted == scope || granted == everything { return true }
        guard let split = scope.lastIndex(of: ":") else { return false }
        let stronger: [String] =
            switch scope[split...] {
            case ":read": [":write", ":admin"]
            case ":write": [":admin"]
            default: []
            }
        return stronger.contains { granted.hasSuffix($0) && granted.dropLast($0.count) == scope[..<split] }
    }

    /// Whether it looks after all organisations, a member of them or not: hub and spokes ask this alike.
    public var overseesOrganizations: Bool { holds("org:admin") }

    /// Whether some resource of the type grants the action.
    public func may(_ action: String, onSome type: String) -> Bool {
        holds(Self.everything)
            || (resources ?? [:]).contains { key, actions in
                key.hasPrefix(type + ":") && (actions.contains(action) || actions.contains("*"))
            }
    }

    /// Whether this very resource, or all of its type, grants the action.
    public func may(_ action: String, on type: String, id: String) -> Bool {
        holds(Self.everything)
            || ["\(type):\(id)", "\(type):*"].contains { key in
                resources?[key].map { $0.contains(action) || $0.contains("*") } ?? false
            }
    }

    /// Whether everything that the other may do, this one may do: a grant must never exceed the granter.
    public func covers(scopes wanted: [String], resources wantedResources: [String: [String]]?) -> Bool {
        guard wanted.allSatisfy(holds) else { return false }
        return (wantedResources ?? [:]).allSatisfy { key, actions in
            let parts = key.split(separator: ":", maxSplits: 1)
            guard parts.count == 2 else { return holds(Self.everything) }
            return actions.allSatisfy { may($0, on: String(parts[0]), id: String(parts[1])) }
        }
    }
}
