import Foundation
import HubDomains
import Logging
import Protocol

/// Makes the first key and the first join token of a hub whose database has no administrator yet.
struct FirstStart {
    let directory: DataDirectory
    let logger: Logger

    /// Files first, then the database: whatever happens in between, nobody is locked out (``AccountStore/begin``).
    func prepare(_ accounts: AccountStore) async throws {
        guard try await accounts.isFirstStart() else {
            if !FileManager.default.fileExists(atPath: directory.adminKeyFile) {
                logger.notice(
                    "The database has an administrator already; use the key of the hub that was started first.",
                    metadata: ["missing": "\(directory.adminKeyFile)"]
                )
            }
            return
        }
        let (key, token) = (Secret(.key), Secret(.joinToken))
        try SecretFile.write(key.revealed + "\n", to: directory.adminKeyFile)
        try SecretFile.write(token.revealed + "\n", to: directory.joinTokenFile)
        guard try await accounts.begin(key: key, joinToken: token) else {
            try? FileManager.default.removeItem(atPath: directory.adminKeyFile)  // Opens nothing; may be gone.
            try? FileManager.default.removeItem(atPath: directory.joinTokenFile)  // Opens nothing; may be gone.
            logger.notice("Another hub on this database was started first; use its key.")
            return
        }
        logger.notice(
            "First start: wrote the administrator's key and a join token for one spoke.",
            metadata: ["key": "\(directory.adminKeyFile)", "joinToken": "\(directory.joinTokenFile)"]
        )
    }
}
