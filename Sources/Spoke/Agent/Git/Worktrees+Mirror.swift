import Foundation
import Logging
public import Protocol
import SpokeCore

extension Worktrees {
    /// Fetches what is new at the origin, for orders that must not work on what was known before.
    ///
    /// - Fails as a clone would, with git's last error line.
    public func refresh(_ repository: String) async throws(Fault) {
        let address = try RepositoryAddress(repository)
        try await locked(address) {
            let mirror = try await self.mirror(of: address)
            try await self.fetch(mirror)
        }
    }

    /// The mirror of a repository; made first if there is none, rebuilt if it is broken. Needs the repository's lock.
    func mirror(of address: RepositoryAddress) async throws(Fault) -> Mirror {
        let mirror = Mirror(address: address, path: "\(root)/repos/\(Mirror.name(of: address)).git")
        if trustedMirrors.contains(mirror.path), Folder.exists(mirror.path + "/HEAD") { return mirror }
        if !Folder.exists(mirror.path), let aside = asides(of: mirror).last { try Folder.move(aside, to: mirror.path) }
        if !Folder.exists(mirror.path) {
            try await make(mirror)
        } else if try await !isWhole(mirror) {
            try await rebuild(mirror)
        }
        try adoptWorktrees(of: mirror)
        trustedMirrors.insert(mirror.path)
        return mirror
    }

    /// Fetches everything the refspec names, or one commit that no branch of the origin leads to.
    func fetch(_ mirror: Mirror, commit: String? = nil) async throws(Fault) {
        var arguments = ["fetch", "--quiet", "--no-write-fetch-head", "--no-auto-maintenance", "--force"]
        arguments += mirror.address.isLocal ? [Self.uploadPackForAnyOwner] : []
        arguments += commit == nil ? ["--prune", "origin"] : ["--no-tags", "origin", commit ?? ""]
        try await git(arguments, in: mirror.place, limit: Git.networkLimit)
        // A mirror that is fetched for the first time is not yet in its place.
        let place = "\(root)/repos/\(Mirror.name(of: mirror.address)).git"
        try await store.save(
            MirrorRecord(repository: mirror.address.rawValue, directory: place, fetchedAt: clock())
        )
    }

    /// git refuses to read a repository of another owner; the order and the owner's policy already allowed this one.
    /// The setting reaches only the reading process, not the mirror and not the worktrees.
    static let uploadPackForAnyOwner = "--upload-pack=git -c 'safe.directory=*' upload-pack"

    /// Makes the mirror beside its place and puts it there when it is complete.
    private func make(_ mirror: Mirror) async throws(Fault) {
        let draft = try await build(mirror)
        try Folder.move(draft, to: mirror.path)
        discardDraft(draft)
        log.info("A repository was mirrored.", metadata: ["repository": "\(mirror.address.shown)"])
    }

    private func build(_ mirror: Mirror) async throws(Fault) -> String {
        let draft = newDraft("mirror")
        do throws(Fault) {
            try await git(["init", "--quiet", "--bare", "--template=", "--", draft], in: .nowhere)
            try Folder.write(mirror.configuration, to: draft + "/config")
            try Folder.make(draft + "/worktrees")
            try await fetch(Mirror(address: mirror.address, path: draft))
            let first = try await git(["for-each-ref", "--count=1", "--format=%(refname)"], in: .mirror(draft))
            guard !first.output.isEmpty else {
                throw Fault(.notFound, "The repository \(mirror.address.shown) is empty: push a first commit to it.")
            }
            return draft
        } catch {
            discardDraft(draft)
            try await store.deleteMirror(of: mirror.address.rawValue)
            guard error.code == .execution else { throw error }
            throw Fault(
                .execution,
                "The repository \(mirror.address.shown) cannot be fetched: \(error.message)",
                details: error.details
            )
        }
    }

    /// Whether git can read the mirror's refs and the commits they name.
    private func isWhole(_ mirror: Mirror) async throws(Fault) -> Bool {
        let refs = try await git.ask(["for-each-ref", "--format=%(objectname)"], in: mirror.place)
        guard refs.status == 0, !refs.output.isEmpty else { return false }
        let objects = try await git.ask(["cat-file", "--batch-check"], in: mirror.place, input: refs.output)
        return objects.status == 0 && !objects.text.contains(" missing")
    }

    /// Whether all that the origin's branches lead to is there. Slow: asked only after something failed.
    func isSound(_ mirror: Mirror) async throws(Fault) -> Bool {
        guard try await isWhole(mirror) else { return false }
        return try await git.ask(
            ["rev-list", "--objects", "--quiet", "--remotes", "--branches"],
            in: mirror.place
        ).status == 0
    }

    /// Fetches a new mirror, brings over what only the broken one has (branches, salvages, worktrees), and swaps
    /// the two. The broken one is kept beside for ``Limits/salvageDays``.
    func rebuild(_ mirror: Mirror) async throws(Fault) {
        log.warning("A mirror is broken and is rebuilt.", metadata: ["repository": "\(mirror.address.shown)"])
        let draft = try await build(mirror)
        try await bringObjects(from: mirror.path, to: draft)
        try await bringRefs(from: mirror, to: draft)
        let aside = "\(mirror.path.dropLast(4)).broken-\(Int(clock().timeIntervalSince1970))"
        if Folder.exists(aside) { try discard(aside) }
        // After a crash between these two steps, the next use finds the broken one and begins again.
        try Folder.move(mirror.path, to: aside)
        try Folder.move(draft, to: mirror.path)
        discardDraft(draft)
        try adoptWorktrees(of: mirror)
    }

    /// Takes over the worktrees that a broken mirror set aside still has.
    private func adoptWorktrees(of mirror: Mirror) throws(Fault) {
        for aside in asides(of: mirror) {
            let folder = aside + "/worktrees"
            for name in Folder.names(in: folder) where !Folder.exists(mirror.admin(name)) {
                try Folder.move("\(folder)/\(name)", to: mirror.admin(name))
            }
        }
    }

    /// Broken mirrors set aside, oldest first.
    private func asides(of mirror: Mirror) -> [String] {
        let stem = "\(Mirror.name(of: mirror.address)).broken-"
        return Folder.names(in: root + "/repos").filter { $0.hasPrefix(stem) }.map { "\(root)/repos/\($0)" }
    }

    /// Links the loose objects and the packs that still verify: what a worktree made is nowhere else.
    private func bringObjects(from old: String, to new: String) async throws(Fault) {
        for folder in Folder.names(in: old + "/objects") where folder.utf8.count == 2 {
            try Folder.make("\(new)/objects/\(folder)")
            for name in Folder.names(in: "\(old)/objects/\(folder)") {
                // An object that is there already came from the origin and is the better copy.
                link("\(old)/objects/\(folder)/\(name)", "\(new)/objects/\(folder)/\(name)")
            }
        }
        for name in Folder.names(in: old + "/objects/pack") where name.hasSuffix(".idx") {
            let stem = "\(old)/objects/pack/\(name.dropLast(4))"
            guard try await git.ask(["verify-pack", "--", stem + ".idx"], in: .nowhere).status == 0 else { continue }
            for ending in ["pack", "idx"] {
                link("\(stem).\(ending)", "\(new)/objects/pack/\(name.dropLast(3))\(ending)")
            }
        }
    }

    /// Takes over the refs that are ours and whose history is whole; says which are not.
    private func bringRefs(from mirror: Mirror, to draft: String) async throws(Fault) {
        // Without these two, git would not read the refs of what is otherwise there.
        try Folder.write("ref: refs/heads/none\n", to: mirror.path + "/HEAD")
        try Folder.write(mirror.configuration, to: mirror.path + "/config")
        let listed = try await git.ask(
            ["for-each-ref", "--format=%(objectname) %(refname)", "refs/heads/", "refs/salvage/", "refs/restored/"],
            in: mirror.place
        )
        for line in listed.text.split(separator: "\n") {
            let parts = line.split(separator: " ", maxSplits: 1).map(String.init)
            guard parts.count == 2 else { continue }
            let whole = try await git.ask(
                ["rev-list", "--objects", "--quiet", parts[0], "--not", "--remotes"],
                in: .mirror(draft)
            )
            if whole.status == 0 {
                try await git(["update-ref", parts[1], parts[0]], in: .mirror(draft))
            } else {
                log.error("A ref could not be brought over from a broken mirror.", metadata: ["ref": "\(parts[1])"])
            }
        }
    }
}
