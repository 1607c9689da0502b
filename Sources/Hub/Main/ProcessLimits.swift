import Foundation
import Logging

/// How many files and sockets the process may have open.
enum DescriptorLimit {
    /// Raises the soft limit to the hard one: each link is a descriptor.
    static func raise(logger: Logger) {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        guard limit.rlim_cur < limit.rlim_max else { return }
        limit.rlim_cur = limit.rlim_max
        if setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) != 0 {
            logger.warning("The limit of open files could not be raised.", metadata: ["limit": "\(limit.rlim_max)"])
        }
    }
}
