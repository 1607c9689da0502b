import Foundation
public import Protocol
import SpokeCore

/// Names the commit that a worktree of the pool was filled with; there only once it is complete.
private let warmMark = "nave-warm"

extension Worktrees {
    /// Makes the mirror of a repository and fills its pool, so that the first session finds both.
    public func warm(_ repository: String, defaultBranch: String) async throws(Fault) {
        let address = try RepositoryAddress(repository)
        if let violation = BranchName.violation(of: defaultBranch) { throw Fault.invalid("defaultBranch", violation) }
        _ = try await locked(address) { try await self.mirror(of: address) }
        try await fillPool(of: address, defaultBranch: defaultBranch)
    }

    /// Has the pool filled again, but not at once: whoever just got a worktree is starting a process in it.
    func refillLater(_ address: RepositoryAddress, defaultBranch: String) {
        post.yield(.refill(address, defaultBranch: defaultBranch, notBefore: .now + Self.refillDelay))
    }

    /// Longer than a session's start takes, much shorter than a person needs for the next.
    private static let refillDelay = Duration.seconds(1)

    /// How many worktrees stand ready for a repository.
    public func warmCount(of repository: String) throws(Fault) -> Int {
        let address = try RepositoryAddress(repository)
        return warmTrees(in: Mirror(address: address, path: "\(root)/repos/\(Mirror.name(of: address)).git")).count
    }

    /// Adds worktrees until the pool is full. Each waits until no checkout runs, and yields the processor.
    func fillPool(of address: RepositoryAddress, defaultBranch: String) async throws(Fault) {
        while true {
            try await Self.faulting { try await checkouts.whenIdle() }
            let name = "warm-\(UUID().uuidString.lowercased())"
            let directory = "\(root)/worktrees/.warm/\(name)"
            filling.insert(name)
            defer { filling.remove(name) }
            let made = try await locked(address) { () async throws(Fault) -> WarmDraft? in
                let mirror = try await self.mirror(of: address)
                guard self.warmTrees(in: mirror).count < self.warmCount else { return nil }
                let start = try await self.commits(["refs/remotes/origin/\(defaultBranch)"], in: mirror)[0]
                guard let start else { return nil }
                try await self.git(
                    ["worktree", "add", "--quiet", "--no-checkout", "--detach", "--", directory, start],
                    in: mirror.place
                )
                return WarmDraft(mirror: mirror, start: start)
            }
            guard let made else { return }
            let place = Git.Place.worktree(admin: made.mirror.admin(name), directory: directory)
            try await git(["reset", "--hard", "--quiet"], in: place, quietly: true)
            try Folder.write(made.start, to: "\(made.mirror.admin(name))/\(warmMark)")
        }
    }

    /// A complete worktree of the pool, if there is one. Needs the repository's lock.
    func warmTree(in mirror: Mirror) -> String? {
        warmTrees(in: mirror).first { Folder.exists("\(root)/worktrees/.warm/\($0)") }
    }

    func warmTrees(in mirror: Mirror) -> [String] {
        Folder.names(in: mirror.path + "/worktrees").filter {
            $0.hasPrefix("warm-") && Folder.exists("\(mirror.admin($0))/\(warmMark)")
        }
    }

    /// Makes a worktree of the pool the order's own: another directory, another branch. Needs the repository's lock.
    ///
    /// `git worktree move` does the same in two milliseconds more and refuses trees with submodules; what it changes
    /// are a directory's name and the path in `gitdir`. The way back, in `.git`, is written anew as well: in a data
    /// directory that was copied or moved it leads into the other one's mirror.
    ///
    /// - Returns: whether it was filled with the very commit at which the plan starts.
    func take(
        _ warm: String,
        for record: WorktreeRecord,
        _ plan: WorktreePlan,
        branch: BranchName,
        in mirror: Mirror
    ) async throws(Fault) -> Bool {
        let admin = mirror.admin(warm)
        let filled = Folder.text("\(admin)/\(warmMark)") == plan.start
        // From here on it belongs to nobody else; after a crash the sweep finds it without its mark.
        Folder.drop("\(admin)/\(warmMark)")
        if Folder.exists(record.directory) { trash(record.directory) }
        Self.settle(index: admin + "/index")
        try Folder.move("\(root)/worktrees/.warm/\(warm)", to: record.directory)
        try Folder.write(record.directory + "/.git\n", to: admin + "/gitdir")
        try Folder.write("gitdir: \(admin)\n", to: record.directory + "/.git")
        if plan.createsBranch {
            try await makeBranch(branch, at: plan.start, in: mirror)
        }
        try Folder.write("ref: \(branch.ref)\n", to: admin + "/HEAD")
        return filled
    }

    /// Dates the index of a tree that nobody has used yet into the second after its files.
    ///
    /// git compares whole seconds: a file as young as the index may have changed since, so git reads it again
    /// (Documentation/technical/racy-git.txt), and a tree that was filled within a second is read as a whole. Once that
    /// second is over, whatever changes a file from here on shows in the file's own time.
    private static func settle(index: String) {
        var facts = stat()
        guard stat(index, &facts) == 0, time(nil) > facts.st_mtim.tv_sec else { return }
        let next = timeval(tv_sec: facts.st_mtim.tv_sec + 1, tv_usec: 0)
        // Where this fails, git only reads more than it must.
        utimes(index, [next, next])
    }
}

/// A worktree of the pool that has its place and not yet its files.
private struct WarmDraft: Sendable {
    let mirror: Mirror
    let start: String
}
