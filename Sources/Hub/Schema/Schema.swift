/// One step of the database's history. Once released it is never edited; the next one corrects it.
public struct SchemaStep: Hashable, Sendable {
    /// Its place in history, from 1 without gaps.
    public let number: Int
    /// A word or two, as in the file's name.
    public let name: String
    /// Any number of statements, run in one transaction.
    public let sql: String

    init(_ number: Int, _ name: String, _ bytes: [UInt8]) {
        self.number = number
        self.name = name
        self.sql = String(decoding: bytes, as: UTF8.self)
    }
}

/// The database's whole history, oldest first.
public enum Schema {
    /// The schema in which every table lives.
    public static let name = "nave"

    public static let steps = [
        SchemaStep(1, "identity", PackageResources.m0001_identity_sql),
        SchemaStep(2, "projects", PackageResources.m0002_projects_sql),
        SchemaStep(3, "operations", PackageResources.m0003_operations_sql),
        SchemaStep(4, "spokes", PackageResources.m0004_spokes_sql),
        SchemaStep(5, "sessions", PackageResources.m0005_sessions_sql),
        SchemaStep(6, "coordination", PackageResources.m0006_coordination_sql),
        SchemaStep(7, "calls", PackageResources.m0007_calls_sql),
        SchemaStep(8, "registrations", PackageResources.m0008_registrations_sql),
        SchemaStep(9, "access", PackageResources.m0009_access_sql),
        SchemaStep(10, "tasks", PackageResources.m0010_tasks_sql),
        SchemaStep(11, "services", PackageResources.m0011_services_sql),
        SchemaStep(12, "detections", PackageResources.m0012_detections_sql),
        SchemaStep(13, "viewers", PackageResources.m0013_viewers_sql),
    ]
}
