public import Protocol

/// Which states of an account follow which.
public enum AccountLifecycle {
    /// An active account is locked by an administrator (suspended) or given up (deactivated); either is opened again.
    /// What was given up is not locked as well: it is refused already.
    public static func mayBecome(_ next: AccountStatus, from status: AccountStatus) -> Bool {
        switch (status, next) {
        case (.active, .suspended), (.active, .deactivated), (.suspended, .active), (.suspended, .deactivated),
            (.deactivated, .active):
            true
        case (.active, .active), (.suspended, .suspended), (.deactivated, .deactivated), (.deactivated, .suspended):
            false
        }
    }

    /// The states from which this one can be reached: what a guarded update asks for.
    public static func origins(of next: AccountStatus) -> [AccountStatus] {
        AccountStatus.allCases.filter { mayBecome(next, from: $0) }
    }
}
