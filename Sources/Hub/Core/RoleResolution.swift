public import Protocol

/// What a role says of an action: its own rules in order, then those of the role that it inherits from, and so on. The
/// first rule that matches decides; if none does, the answer is deny.
public enum RoleResolution {
    /// A role as far as this goes.
    public struct Layer: Hashable, Sendable {
        public var name: String
        public var rules: [RoleRule]

        public init(name: String, rules: [RoleRule]) {
            self.name = name
            self.rules = rules
        }
    }

    /// The rule that decided.
    public struct Decision: Hashable, Sendable {
        public var role: String
        public var index: Int
        public var rule: RoleRule
    }

    /// Who decides on the action; `nil` if no rule matches, which means deny.
    ///
    /// - Parameter chain: The role first, then those from which it inherits, nearest first.
    public static func decide(_ action: String, on subject: String, by chain: [Layer]) -> Decision? {
        for layer in chain {
            for (index, rule) in layer.rules.enumerated() where matches(rule, action, subject) {
                return Decision(role: layer.name, index: index, rule: rule)
            }
        }
        return nil
    }

    /// Whether a rule is about this action on this subject.
    static func matches(_ rule: RoleRule, _ action: String, _ subject: String) -> Bool {
        Wildcard.matches(rule.action, action) && Wildcard.matches(rule.pattern ?? "*", subject)
    }
}

/// Patterns in which `*` stands for any run of characters, also none, and everything else for itself.
public enum Wildcard {
    /// Whether the whole text is as the pattern says.
    ///
    /// Goes back to the last star only, so that it takes no longer than the product of both lengths.
    public static func matches(_ pattern: String, _ text: String) -> Bool {
        let (pattern, text) = (Array(pattern.utf8), Array(text.utf8))
        let star = UInt8(ascii: "*")
        var (at, position) = (0, 0)
        var resume: (pattern: Int, text: Int)?
        while position < text.count {
            if at < pattern.count, pattern[at] == star {
                resume = (at + 1, position)
                at += 1
            } else if at < pattern.count, pattern[at] == text[position] {
                at += 1
                position += 1
            } else if let back = resume {
                resume = (back.pattern, back.text + 1)
                (at, position) = (back.pattern, back.text + 1)
            } else {
                return false
            }
        }
        return pattern[at...].allSatisfy { $0 == star }
    }
}
