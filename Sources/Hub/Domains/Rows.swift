public import Postgres
import Protocol

// How the words of the contract are stored: as the text of their raw values, which a CHECK lists as well.
extension AccessLevel: Bindable, ColumnDecodable {}
extension AccountStatus: Bindable, ColumnDecodable {}
extension MembershipLevel: Bindable, ColumnDecodable {}
extension AuditOutcome: Bindable, ColumnDecodable {}
extension VersionControl: Bindable, ColumnDecodable {}
extension OperationKind: Bindable, ColumnDecodable {}
extension ProviderType: Bindable, ColumnDecodable {}
extension RegistrationStatus: Bindable, ColumnDecodable {}
