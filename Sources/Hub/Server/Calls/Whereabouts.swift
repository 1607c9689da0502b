import HubCore
import HubDomains
import Protocol
import Synchronization

/// On which spoke a session or a workspace is, remembered for a moment so that calls about one do not ask the database
/// each time.
final class Whereabouts: Sendable {
    /// What a call is about.
    struct Subject: Hashable, Sendable {
        var session: SessionID?
        var workspace: WorkspaceID?
    }

    private struct Entry {
        var spoke: SpokeID?
        var until: ContinuousClock.Instant
    }

    private let registrations: RegistrationStore
    private let entries = Mutex<[Subject: Entry]>([:])

    init(registrations: RegistrationStore) { self.registrations = registrations }

    /// The spoke that holds it; `nil` if none does.
    func spoke(of subject: Subject) async throws(Fault) -> SpokeID? {
        let now = ContinuousClock.now
        if let entry = entries.withLock({ $0[subject] }), entry.until > now { return entry.spoke }
        let spoke = try await registrations.holder(ofSession: subject.session, workspace: subject.workspace)
        entries.withLock { entries in
            // Full of what nobody asks about any more: begin again rather than look for what is old.
            if entries.count >= Limits.whereaboutsRemembered { entries = [:] }
            entries[subject] = Entry(spoke: spoke, until: now + Limits.whereaboutsCache)
        }
        return spoke
    }

    /// What the input of a call says that it is about; `nil` if nothing.
    static func subject(of input: JSONValue) -> Subject? {
        guard case .object(let members) = input else { return nil }
        let session = members["sessionId"]?.stringValue.map { SessionID($0) }
        let workspace = members["workspaceId"]?.stringValue.map { WorkspaceID($0) }
        return session == nil && workspace == nil ? nil : Subject(session: session, workspace: workspace)
    }
}
