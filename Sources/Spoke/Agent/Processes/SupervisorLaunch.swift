import Dispatch
import Foundation
import Protocol

/// Starts supervisors. A thread of its own does it, one at a time: the system call waits until the new program is
/// loaded, which is too long for the concurrency pool and for the thread that carries everybody's bells.
enum SupervisorLaunch {
    private static let queue = DispatchQueue(label: "nave.supervisor-launch")

    /// Starts `executable` for a folder, with `socket` as its descriptor 3. It detaches itself: nothing is left for
    /// this process to wait for.
    static func launch(_ executable: String, in folder: SessionFolder, socket: Int32) async throws(Fault) {
        let error = await withCheckedContinuation { continuation in
            queue.async { continuation.resume(returning: spawn(executable, folder.path, socket)) }
        }
        guard error == 0 else { throw .system("start the supervisor \(executable)", error: error) }
    }

    private static func spawn(_ executable: String, _ folder: String, _ socket: Int32) -> Int32 {
        var actions = posix_spawn_file_actions_t()
        var error = posix_spawn_file_actions_init(&actions)
        guard error == 0 else { return error }
        defer { posix_spawn_file_actions_destroy(&actions) }
        error = posix_spawn_file_actions_adddup2(&actions, socket, 3)
        guard error == 0 else { return error }
        let arguments = [strdup(executable), strdup(folder), nil]
        defer { for argument in arguments { free(argument) } }
        // An empty environment: whatever the agent was given is none of the supervisor's business.
        let environment: [UnsafeMutablePointer<CChar>?] = [nil]
        var pid: pid_t = 0
        error = posix_spawn(&pid, executable, &actions, nil, arguments, environment)
        guard error == 0 else { return error }
        // What was started forks the supervisor and ends at once.
        while waitpid(pid, nil, 0) < 0 && errno == EINTR {}
        return 0
    }
}
