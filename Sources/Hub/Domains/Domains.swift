public import Logging
public import Postgres
public import Protocol

/// Every domain of the hub over one database: the stores, and the table of all that can be asked.
public struct Domains: Sendable {
    public let accounts: AccountStore
    public let keys: KeyStore
    public let joinTokens: JoinTokenStore
    public let projects: ProjectStore
    public let operations: OperationStore
    /// What spokes offer, as it is stored.
    public let registrations: RegistrationStore
    /// What spokes offer, as this process knows it.
    public let providers: ProviderBoard
    /// What clients' web services offer.
    public let services: ClientServices
    public let settings: SettingStore
    public let mutations: MutationStore
    /// Spokes, sessions, workspaces, coordination and salvages.
    public let coordination: CoordinationDomain
    /// How operations ask for other operations; the doors are shown to it when they are built.
    public let composed = ComposedCalls()
    /// The call graph.
    public let calls: CallDomain
    /// From bearer keys to principals.
    public let authenticator: Authenticator
    /// What can be asked, for those who list it.
    public let catalogue = OperationCatalogue()
    /// What can be asked, for those who ask.
    public let table: OperationTable

    /// - Parameters:
    ///   - bell: Wakes operations that wait for news; one per process.
    ///   - hub: This process among the hubs of the database.
    ///   - seal: Keeps clients' secrets; without keys none can be kept.
    public init(
        database: Database,
        bell: some Bell = ProcessBell(),
        hub: HubID = .random(),
        seal: SecretSeal = .none,
        logger: Logger
    ) {
        accounts = AccountStore(database: database)
        keys = KeyStore(database: database)
        joinTokens = JoinTokenStore(database: database)
        projects = ProjectStore(database: database)
        operations = OperationStore(database: database)
        registrations = RegistrationStore(database: database)
        providers = ProviderBoard(store: registrations)
        settings = SettingStore(database: database)
        mutations = MutationStore(database: database)
        coordination = CoordinationDomain(database: database, bell: bell, composed: composed, logger: logger)
        calls = CallDomain(database: database, hub: hub, logger: logger)
        authenticator = Authenticator(keys: keys)

        var table = OperationTable(recording: mutations, logger: logger)
        let organizations = OrganizationStore(database: database)
        let members = MemberStore(database: database)
        AccountOperations(accounts: accounts, authenticator: authenticator).register(in: &table)
        OrganizationOperations(organizations: organizations, accounts: accounts).register(in: &table)
        MemberOperations(organizations: organizations, members: members, accounts: accounts).register(in: &table)
        KeyOperations(keys: keys, accounts: accounts, authenticator: authenticator).register(in: &table)
        AuditOperations(audit: AuditStore(database: database)).register(in: &table)
        let clients = ClientStore(database: database)
        let secrets = SecretStore(database: database, seal: seal)
        services = ClientServices(database: database, registrations: registrations, secrets: secrets)
        ClientOperations(clients: clients, organizations: organizations, accounts: accounts) { [catalogue] in
            Set(catalogue.specs.map(\.namespace))
        }.register(in: &table)
        SecretOperations(secrets: secrets, clients: clients).register(in: &table)
        RegistrationOperations(offers: OfferStore(database: database)).register(in: &table)
        RoleOperations(roles: RoleStore(database: database)).register(in: &table)
        JoinTokenOperations(tokens: joinTokens).register(in: &table)
        ProjectOperations(projects: projects, organizations: organizations).register(in: &table)
        SettingOperations(settings: settings).register(in: &table)
        coordination.register(in: &table)
        calls.register(in: &table)
        TaskOperations(database: database, projects: projects, composed: composed).register(in: &table)
        TaskGraphQuestions(projects: projects, graphs: TaskGraphStore(database: database)).register(in: &table)
        OperationOperations { [catalogue, providers, services] (caller) async throws(Fault) in
            catalogue.specs + (try await services.specs(for: caller, besides: providers.specs))
        }.register(in: &table)
        catalogue.show(table.specs)
        self.table = table
    }
}
