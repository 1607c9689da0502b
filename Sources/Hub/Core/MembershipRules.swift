public import Protocol

/// What members may do to an organisation and to each other.
///
/// There is always an owner: the account that answers for the organisation keeps level owner until it hands it on.
/// Owners are made and unmade by owners alone; admins look after the rest. Nobody needs leave to go, but for the owner
/// that answers.
public enum MembershipRules {
    /// What somebody wants to do.
    public enum Deed: Hashable, Sendable {
        /// See the organisation and its members.
        case see
        /// Change its names; bring projects in and take them out.
        case change
        /// Remove it, or hand it on.
        case dispose
        /// Take an account in with this level.
        case add(MembershipLevel)
        /// Change a member's level.
        case set(Member, to: MembershipLevel)
        /// End a membership; one's own if `isSelf`.
        case remove(Member, isSelf: Bool)
    }

    /// A member as far as the rules care.
    public struct Member: Hashable, Sendable {
        public var level: MembershipLevel
        /// Whether this account answers for the organisation.
        public var answers: Bool

        public init(level: MembershipLevel, answers: Bool) {
            self.level = level
            self.answers = answers
        }
    }

    /// Why the deed is refused to somebody of this level; `nil` if it is not.
    ///
    /// - Parameters:
    ///   - level: The actor's level; `nil` for those who are no members.
    ///   - oversees: The actor looks after all organisations (`org:admin`).
    public static func refusal(of deed: Deed, by level: MembershipLevel?, oversees: Bool) -> Fault? {
        if !oversees, let refusal = refusal(of: deed, by: level) { return refusal }
        switch deed {
        case .set(let member, let next): return member.answers && next != .owner ? mustHandOn : nil
        case .remove(let member, _): return member.answers ? mustHandOn : nil
        case .see, .change, .dispose, .add: return nil
        }
    }

    private static func refusal(of deed: Deed, by level: MembershipLevel?) -> Fault? {
        guard let level else { return Fault(.accessDenied, "Only members of the organisation may ask this.") }
        return switch deed {
        case .see, .remove(_, isSelf: true): nil
        case .change: level == .member ? needs("an owner or admin") : nil
        case .dispose: level == .owner ? nil : needs("an owner")
        case .add(let added): touching([added], by: level)
        case .set(let member, let next): touching([member.level, next], by: level)
        case .remove(let member, isSelf: false): touching([member.level], by: level)
        }
    }

    private static func touching(_ levels: [MembershipLevel], by level: MembershipLevel) -> Fault? {
        switch level {
        case .owner: nil
        case .admin: levels.contains(.owner) ? needs("an owner") : nil
        case .member: needs("an owner or admin")
        }
    }

    private static func needs(_ who: String) -> Fault {
        Fault(.accessDenied, "This needs \(who) of the organisation; ask one of them.")
    }

    private static var mustHandOn: Fault {
        Fault(
            .conflict,
            "This account answers for the organisation; hand it on with org.transferOwnership first.",
            details: ["field": "account"]
        )
    }
}
