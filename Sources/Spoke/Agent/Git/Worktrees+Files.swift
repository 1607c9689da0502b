import Foundation
import Protocol
import SpokeCore

/// What git keeps in small files is read and written here without running it: each run costs a spawn several
/// milliseconds. Whatever is not as plain as expected is left to git.
extension Worktrees {
    /// What the mirror's files say about refs, which may only be branches: other refs can name what is no commit.
    func looks(at refs: [String], in mirror: Mirror) -> [RefFiles.Look] {
        let packed = RefFiles.looks(for: refs, packed: Folder.read(mirror.path + "/packed-refs") ?? [])
        return zip(refs, packed).map { ref, packed in
            let path = "\(mirror.path)/\(ref)"
            // A folder of that name holds other refs; the ref itself may still be a packed one.
            guard Folder.exists(path), !Folder.isFolder(path) else { return packed }
            return Folder.read(path).map(RefFiles.look(loose:)) ?? .unclear
        }
    }

    /// What decides about an order whose base is a branch; `nil` where only git can tell.
    func factsFromFiles(_ request: PrepareRequest, in mirror: Mirror) -> WorktreePlan.Facts? {
        let remote = "refs/remotes/origin/"
        let refs = [remote + request.baseName, "refs/heads/\(request.baseName)"]
        let looks = looks(at: refs + [request.branch.ref, remote + request.branch.rawValue], in: mirror)
        guard !looks.contains(.unclear), let base = looks[0].commit ?? looks[1].commit else { return nil }
        return WorktreePlan.Facts(
            base: base,
            local: looks[2].commit,
            remote: looks[3].commit,
            holder: holder(of: request.branch, in: mirror)
        )
    }

    /// Makes an empty worktree on its branch, which need not be there yet: what `git worktree add --no-checkout`
    /// does in five processes.
    ///
    /// The administrative folder appears whole: git in any other worktree fails on one that is half made.
    func add(_ record: WorktreeRecord, on branch: BranchName, in mirror: Mirror) throws(Fault) {
        let admin = mirror.admin(record.adminName)
        let draft = newDraft("worktree")
        defer { discardDraft(draft) }
        try Folder.make(draft)
        try Folder.write("ref: \(branch.ref)\n", to: draft + "/HEAD")
        try Folder.write("../..\n", to: draft + "/commondir")
        try Folder.write(record.directory + "/.git\n", to: draft + "/gitdir")
        // As git makes it: who may look into the data directory at all is settled above.
        guard mkdir(record.directory, 0o777) == 0 else {
            throw Fault(
                .execution,
                "The folder \(record.directory) cannot be made: \(String(cString: strerror(errno)))"
            )
        }
        try Folder.write("gitdir: \(admin)\n", to: record.directory + "/.git")
        try Folder.make(mirror.path + "/worktrees")
        try Folder.move(draft, to: admin)
    }

    /// The commit of the seat's branch, if git started in its directory finds the seat and nothing else: the way from
    /// the directory to its administrative folder, from there to the mirror and back, and to the branch. `nil` where
    /// only git can tell.
    func headFromFiles(_ seat: Seat, on branch: BranchName) -> String? {
        let (directory, admin) = (seat.record.directory, seat.mirror.admin(seat.record.adminName))
        guard Folder.text(directory + "/.git") == "gitdir: \(admin)",
            Folder.text(admin + "/gitdir") == directory + "/.git",
            Folder.text(admin + "/commondir") == "../..",
            Folder.text(admin + "/HEAD") == "ref: \(branch.ref)",
            !Folder.exists(admin + "/config.worktree")
        else { return nil }
        return looks(at: [branch.ref], in: seat.mirror)[0].commit
    }
}
