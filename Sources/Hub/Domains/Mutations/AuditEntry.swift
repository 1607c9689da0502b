import HubCore
import Protocol

/// One line of the audit trail. What its caller chose freely is made short and storable here, and nowhere else: no text
/// of an input keeps a line from being written.
struct AuditEntry: Sendable {
    let action: String
    let owner: AccountID
    private(set) var keyId: KeyID?
    private(set) var sessionId: String?
    let requestId: String
    let outcome: AuditOutcome
    private(set) var details: JSONValue
    /// What the input names; says to which organisation the line belongs.
    private(set) var org: String?
    private(set) var project: String?
    private(set) var session: String?
    private(set) var workspace: String?

    /// - Parameters:
    ///   - account: The account that the input names.
    ///   - names: What it names, by field, and what it made.
    ///   - fault: Why it was refused or failed; `nil` for what was done.
    ///   - facts: What else is to be known of it, in the hub's own words.
    init(
        _ action: String,
        by caller: Caller,
        digest: String? = nil,
        about: Belongings = Belongings(of: .null),
        account: String? = nil,
        names: [String: [String]] = [:],
        fault: Fault? = nil,
        facts: [String: JSONValue] = [:]
    ) {
        self.action = action
        owner = caller.accountId
        keyId = caller.keyId
        sessionId = caller.sessionId.flatMap { Self.name($0.rawValue) }
        requestId = Self.shown(caller.requestId)
        outcome = AuditOutcome(fault)
        org = about.first(.organization).flatMap(Self.name)
        project = about.first(.project).flatMap(Self.name)
        session = about.first(.session).flatMap(Self.name)
        workspace = about.first(.workspace).flatMap(Self.name)
        var members = facts
        if let address = caller.address { members["from"] = .string(address) }
        if let digest { members["inputDigest"] = .string("sha256:" + digest) }
        if let fault { members["code"] = .string(Self.shown(fault.code.rawValue)) }
        if let call = caller.callId { members["callId"] = .string(call.rawValue) }
        if let spoke = caller.spokeId { members["spokeId"] = .string(spoke.rawValue) }
        if let account { members["account"] = .string(Self.shown(account)) }
        if let org = about.first(.organization) { members["org"] = .string(Self.shown(org)) }
        let told = names.mapValues { texts -> JSONValue in
            let shown = texts.map { JSONValue.string(Self.shown($0)) }
            return shown.count == 1 ? shown[0] : .array(shown)
        }
        if !told.isEmpty { members["about"] = .object(told) }
        details = .object(members)
    }

    /// The same without anything that could be refused: for a line that the database did not take, such as one that
    /// names a key that has just been removed.
    var bare: AuditEntry {
        var bare = self
        (bare.keyId, bare.sessionId, bare.org, bare.project, bare.session, bare.workspace) = (
            nil, nil, nil, nil, nil, nil
        )
        var kept: [String: JSONValue] = ["unkept": true]
        for name in ["inputDigest", "from", "code", "callId"] { kept[name] = details[name] }
        bare.details = .object(kept)
        return bare
    }

    /// What may be the name of something; nothing is called by other texts.
    private static func name(_ text: String) -> String? {
        !text.isEmpty && text.utf8.count <= Limits.nameBytes && !Wording.hasControl(text) ? text : nil
    }

    /// A text for people: its beginning, with a mark in the place of each control character.
    private static func shown(_ text: String) -> String {
        var shown = String.UnicodeScalarView()
        var left = Limits.nameBytes
        for scalar in text.unicodeScalars {
            let isControl = scalar.properties.generalCategory == .control
            let next = isControl ? "\u{FFFD}" : scalar
            left -= UTF8.width(next)
            guard left >= 0 else { break }
            shown.append(next)
        }
        return String(shown)
    }
}

extension AuditOutcome {
    /// What a mutation's end is called in the trail.
    init(_ fault: Fault?) {
        self =
            switch fault?.code {
            case nil: .succeeded
            case .accessDenied?, .unauthenticated?: .denied
            case .some: .failed
            }
    }
}
