public import Logging
public import Postgres
import Protocol

/// Every domain of the hub over one database: the stores, and the table of all that can be asked.
public struct Domains: Sendable {
    public let accounts: AccountStore
    public let keys: KeyStore
    public let joinTokens: JoinTokenStore
    public let projects: ProjectStore
    public let operations: OperationStore
    public let settings: SettingStore
    public let mutations: MutationStore
    /// From bearer keys to principals.
    public let authenticator: Authenticator
    /// What can be asked, for those who list it.
    public let catalogue = OperationCatalogue()
    /// What can be asked, for those who ask.
    public let table: OperationTable

    public init(database: Database, logger: Logger) {
        accounts = AccountStore(database: database)
        keys = KeyStore(database: database)
        joinTokens = JoinTokenStore(database: database)
        projects = ProjectStore(database: database)
        operations = OperationStore(database: database)
        settings = SettingStore(database: database)
        mutations = MutationStore(database: database)
        authenticator = Authenticator(keys: keys)

        var table = OperationTable(recording: mutations, logger: logger)
        AccountOperations(accounts: accounts).register(in: &table)
        KeyOperations(keys: keys, authenticator: authenticator).register(in: &table)
        JoinTokenOperations(tokens: joinTokens).register(in: &table)
        ProjectOperations(projects: projects).register(in: &table)
        SettingOperations(settings: settings).register(in: &table)
        OperationOperations(specs: { [catalogue] in catalogue.specs }).register(in: &table)
        catalogue.show(table.specs)
        self.table = table
    }
}
