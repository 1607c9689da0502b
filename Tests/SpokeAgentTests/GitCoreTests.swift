import Foundation
import Protocol
import SpokeCore
import Testing

/// The values that decide about worktrees.
@Suite struct GitCoreTests {
    @Test func branchNamesFollowTheRulesOfGit() async throws {
        let fixture = try await GitFixture(files: 1)
        let names = [
            "main", "wt/fix-login", "a.b", "a@b", "ü/ß", "x.lock", "a/.b", "a..b", "a//b", "/a", "a/", "a.", "a b",
            "a~b",
            "a^b", "a:b", "a?b", "a*b", "a[b", "a\\b", "a@{b", "-a", "", "a\tb", "a.lock/b", "a-", "HEAD", ".a",
            "a/-b", "{}",
        ]
        for name in names {
            let script = "git check-ref-format --branch '\(name)' >/dev/null 2>&1 && echo yes || echo no"
            let git = try await fixture.shell(script)
            #expect((BranchName.violation(of: name) == nil) == (git == "yes"), "“\(name)”: git says \(git)")
        }
        #expect(BranchName.suggested(for: " Fix the  Login\tpage ") == "wt/fix-the-login-page")
        #expect(throws: Fault.self) { try BranchName("--force") }
        #expect(throws: Fault.self) { try BranchName(String(repeating: "a", count: 201)) }
    }

    @Test func branchesAreReadFromFilesAsGitReadsThem() async throws {
        let fixture = try await GitFixture(files: 1)
        try await fixture.shell(
            "cd origin; git branch old; git tag -a -m note note; git pack-refs --all; "
                + "git commit -q --allow-empty -m newer; git branch new/leaf; "
                + "git symbolic-ref refs/heads/alias refs/heads/old"
        )
        let git = fixture.origin + "/.git"
        let packed = [UInt8](try Data(contentsOf: URL(filePath: git + "/packed-refs")))
        for branch in ["main", "feature", "old", "new/leaf"] {
            let ref = "refs/heads/\(branch)"
            // None loose: the packed one counts.
            let loose = FileManager.default.contents(atPath: "\(git)/\(ref)").map { RefFiles.look(loose: [UInt8]($0)) }
            let look = loose ?? RefFiles.looks(for: [ref], packed: packed)[0]
            #expect(try await look.commit == fixture.shell("git rev-parse \(ref)", in: fixture.origin))
        }
        let absent = ["refs/heads/new", "refs/heads/ma", "refs/heads/mainly", ""]
        #expect(RefFiles.looks(for: absent, packed: packed).allSatisfy { $0 == .absent })
        let name = String(repeating: "0123456789", count: 4)
        for text in ["ref: refs/heads/old\n", "", "\n", name, "\(name.dropLast())\n", "\(name)a\n", "x\(name)\n"] {
            #expect(RefFiles.look(loose: Array(text.utf8)) == .unclear, "“\(text)”")
        }
        #expect(RefFiles.look(loose: Array("\(String(repeating: "0", count: 40))\n".utf8)) == .unclear)
        let damaged = Array("# pack-refs\nnothing\n^\(name)\nzz refs/heads/a\n\(name) refs/heads/b".utf8)
        #expect(
            RefFiles.looks(for: ["refs/heads/b", "refs/heads/a", "refs/heads/c"], packed: damaged)
                == [.commit(name), .unclear, .absent]
        )
    }

    @Test func mistypedNamesFindTheirNeighbours() {
        #expect(Nearness.nearest("mian", among: ["main", "feature", "maintenance"]).first == "main")
        #expect(Nearness.nearest("login", among: ["wt/login-page", "x"]) == ["wt/login-page"])
        #expect(Nearness.nearest("zzzzzz", among: ["main"]).isEmpty)
    }

    @Test func addressesAreURLsScpFormsAndAbsolutePaths() throws {
        for good in [
            "/srv/repo", "https://example.com/a.git", "git@example.com:a/b.git", "ssh://git@h:22/x", "file:///x",
            "/odd/a::b",
        ] {
            #expect((try RepositoryAddress(good)).rawValue == good)
        }
        for bad in [
            "", "-x", "repo", "./repo", "ext::sh -c x", "ftp://x/y", "ssh://-oX/y", "a\nb:c", "-o:x", "ssh://u@-oX/y",
        ] {
            #expect(throws: Fault.self, "\(bad)") { try RepositoryAddress(bad) }
        }
        let told = AddressText.withoutCredentials("at 'https://u:p@h/x' and ssh://h/y")
        #expect(told == "at 'https://…@h/x' and ssh://h/y")
    }

    @Test func aDiskIsAmpleSoftOrHardAndDoesNotFlap() {
        let marks = DiskWatermarks(softBytes: 10, hardBytes: 2, softShare: 0.05, hardShare: 0.01, releaseBytes: 5)
        func level(_ free: Int64, _ previous: DiskLevel = .ample, files: Int64 = 50) -> DiskLevel {
            marks.verdict(
                on: DiskReading(totalBytes: 100, freeBytes: free, totalFiles: 100, freeFiles: files),
                tenants: [],
                previous: previous
            ).level
        }
        #expect(level(50) == .ample && level(10) == .ample && level(9) == .soft && level(1) == .hard)
        #expect(level(12, .soft) == .soft && level(15, .soft) == .ample && level(15, .hard) == .ample)
        #expect(level(50, files: 4) == .soft && level(50, files: 0) == .hard)
        // A small disk is not tight for ever.
        let small = DiskReading(totalBytes: 1 << 30, freeBytes: 900 << 20)
        #expect(DiskWatermarks().verdict(on: small, tenants: []).acceptsSessions)
    }

    @Test func theLongestUnusedLeavesFirstAndNoMoreThanNeeded() {
        func tenant(_ id: WorkspaceID, _ used: Double, _ size: Int64, removable: Bool = true) -> DiskTenant {
            DiskTenant(
                workspaceId: id,
                lastUsedAt: Date(timeIntervalSince1970: used),
                sizeBytes: size,
                isRemovable: removable
            )
        }
        let marks = DiskWatermarks(softBytes: 10, hardBytes: 2, softShare: 0, hardShare: 0, releaseBytes: 5)
        let tenants = [
            tenant("new", 9, 100), tenant("old", 1, 4), tenant("held", 0, 100, removable: false), tenant("mid", 5, 4),
        ]
        let verdict = marks.verdict(on: DiskReading(totalBytes: 100, freeBytes: 8), tenants: tenants)
        #expect(verdict.remove == ["old", "mid"])
        #expect(!verdict.acceptsSessions && verdict.message?.isEmpty == false)
    }

    @Test func aPlanReusesABranchAndCreatesAMissingOne() throws {
        let branch = try BranchName("wt/x")
        func plan(_ base: String?, local: String? = nil, remote: String? = nil) throws -> WorktreePlan {
            try WorktreePlan(
                branch: branch,
                baseName: "main",
                facts: .init(base: base, local: local, remote: remote, holder: nil),
                names: []
            )
        }
        #expect(try plan("b").createsBranch && plan("b").start == "b")
        #expect(
            try !plan("b", local: "l", remote: "r").createsBranch && plan("b", local: "l", remote: "r").start == "l"
        )
        #expect(try plan("b", remote: "r").start == "r" && plan("b", remote: "r").base == "b")
        #expect(throws: Fault.self) { try plan(nil) }
    }

    @Test func aSalvageNoteReadsWhatItWrote() throws {
        for note in [
            SalvageNote(workspaceId: "w", branch: "wt/x", head: "abc", underWay: ["merge", "rebase"]),
            SalvageNote(workspaceId: "w", branch: nil, head: nil),
        ] {
            let commit = "tree t\nparent a\nparent b\nauthor x\n\n\(note.message)"
            #expect(SalvageNote(commit: commit) == note)
            #expect(SalvageNote.parents(ofCommit: commit) == ["a", "b"])
            #expect(SalvageNote(commit: "tree t\n\nIndex of \(note.message)") == nil)
        }
        #expect(SalvageNote(commit: "tree t\n\nfix\n") == nil && SalvageNote(commit: "") == nil)
    }

    @Test func theIndexListingFindsWhatHidesAndWhatConflicts() {
        let zero = "0000"
        let listing = IndexListing(
            "H 100644 \(zero) 0\tplain\0h 100644 \(zero) 0\thidden\0H 160000 c0 0\tsub dir\0"
                + "M 100644 b1 1\tboth\0M 100644 b2 2\tboth\0M 100644 b3 3\tboth\0M 100644 t3 3\ttheirs\0"
        )
        #expect(listing.assumedUnchanged == ["hidden"] && listing.submodules == ["sub dir": "c0"])
        #expect(listing.conflicts["both"]?.object == "b2" && listing.conflicts["theirs"]?.object == "t3")
        let report = StatusReport(
            "# branch.oid abc\0# branch.head (detached)\01 .M N... a\02 R. N... new\0old\0? x\0! ignored\0"
        )
        #expect(report.head == "abc" && report.branch == nil && report.files == 3)
    }
}
