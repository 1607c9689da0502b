import Foundation
import Protocol

/// Where Postgres is installed.
struct PostgresPrograms: Sendable, Hashable {
    /// The directory of `initdb` and `postgres`.
    let directory: String
    /// The major version, such as 15; `nil` if it was found on PATH and not asked.
    let major: Int?

    var initdb: String { directory + "/initdb" }
    var postgres: String { directory + "/postgres" }

    /// The programs that fit a cluster of this major version; any, the highest first, for a new cluster.
    static func find(major wanted: Int?, path: String?) throws(Fault) -> PostgresPrograms {
        let debian = "/usr/lib/postgresql"
        // A directory that is not there has no versions in it.
        let versions = ((try? FileManager.default.contentsOfDirectory(atPath: debian)) ?? []).compactMap(Int.init)
        let installed = versions.sorted(by: >).map {
            PostgresPrograms(directory: "\(debian)/\($0)/bin", major: $0)
        }
        let onPath = (path ?? "").split(separator: ":").map { PostgresPrograms(directory: String($0), major: nil) }
        for programs in onPath + installed where programs.isComplete {
            guard let wanted, let major = programs.major ?? programs.askedMajor() else { return programs }
            if wanted == major { return programs }
        }
        let version = wanted.map { " \($0), which wrote this database" } ?? ""
        throw Fault(
            .unavailable,
            "Postgres\(version) is not installed; install Debian's package “postgresql” or pass --database URL."
        )
    }

    private var isComplete: Bool {
        [initdb, postgres].allSatisfy { FileManager.default.isExecutableFile(atPath: $0) }
    }

    /// The version as `pg_config`'s neighbour says it: the share directory of PATH installations is not predictable.
    private func askedMajor() -> Int? {
        // `postgres --version` answers “postgres (PostgreSQL) 15.18 (Debian …)”.
        guard let output = try? Child.output(of: postgres, ["--version"]) else { return nil }
        let number = output.split(separator: " ").first { $0.first?.isNumber == true }
        return number.flatMap { Int($0.prefix { $0.isNumber }) }
    }
}
