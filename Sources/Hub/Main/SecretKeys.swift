import Foundation
import HubDomains
import Logging

/// The file with the keys that seal clients' secrets: `secret.keys` in the data directory, mode 0600, a line a version,
/// the newest first. It never goes to the database, so that a dump of that opens nothing.
struct SecretKeys {
    let directory: DataDirectory
    let logger: Logger

    /// Reads the file; the first time it is made with one fresh key.
    func seal() throws -> SecretSeal {
        let path = directory.secretKeyFile
        if !FileManager.default.fileExists(atPath: path) {
            try SecretFile.write(SecretSeal.line(version: 1) + "\n", to: path)
            logger.notice("Wrote a key for clients' secrets; keep a copy where the database's backups are not.")
        }
        return try SecretSeal(SecretFile.read(path))
    }
}
