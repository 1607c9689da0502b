import Crypto
import Foundation
import Protocol
import SpokeCore

/// A bare repository of the spoke's own, from which worktrees are made. Never a person's clone.
struct Mirror: Sendable {
    let address: RepositoryAddress
    let path: String

    /// The name of the mirror's folder without `.git`: a hash, since addresses hold anything.
    static func name(of address: RepositoryAddress) -> String {
        SHA256.hash(data: Array(address.rawValue.utf8)).prefix(12).map { byte in
            let text = String(byte, radix: 16)
            return text.count == 1 ? "0" + text : text
        }.joined()
    }

    var place: Git.Place { .mirror(path) }

    /// The administrative folder of a worktree.
    func admin(_ name: String) -> String { "\(path)/worktrees/\(name)" }

    /// What git needs to know, written once: worktrees run in parallel and git locks its configuration to change it.
    /// The origin's branches live apart from those of the worktrees, so that no fetch moves a branch that
    /// somebody works on; and nothing is ever collected behind anyone's back.
    var configuration: String {
        """
        [core]
        \trepositoryformatversion = 0
        \tfilemode = true
        \tbare = true
        \tlogAllRefUpdates = true
        [extensions]
        \tpreciousObjects = true
        [gc]
        \tauto = 0
        \tautoDetach = false
        \tworktreePruneExpire = never
        [maintenance]
        \tauto = false
        [receive]
        \tautogc = false
        [remote "origin"]
        \turl = \(Self.quoted(address.rawValue))
        \tfetch = +refs/heads/*:refs/remotes/origin/*
        \tfetch = +refs/tags/*:refs/tags/*
        [push]
        \tdefault = current

        """
    }

    private static func quoted(_ text: String) -> String {
        "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
    }
}
