import Protocol
import Testing

@testable import HubDomains

/// Projects: what may be added, how they are found again, and what their names collide with.
struct ProjectTests {
    @Test func aProjectIsAddedFoundChangedAndRemoved() async throws {
        let hub = try await TestHub.make()
        let added = try await hub.ask(
            CreateProject(
                name: "website",
                repoUrl: "https://example.org/website.git",
                verification: ["make test"],
                settings: ["a": 1]
            )
        )
        #expect(added.defaultBranch == "main")
        #expect(added.vcs == .git)
        #expect(added.verification == ["make test"])
        #expect(added.settings == ["a": 1])
        #expect(added.metadata == [:])
        #expect(try await hub.ask(GetProject(project: "website")) == added)
        #expect(try await hub.ask(GetProject(project: added.id.rawValue)) == added)
        let changed = try await hub.ask(UpdateProject(project: "website", name: "site", defaultBranch: "trunk"))
        #expect(changed.id == added.id)
        #expect((changed.name, changed.defaultBranch, changed.repoUrl) == ("site", "trunk", added.repoUrl))
        #expect(changed.settings == ["a": 1])
        #expect(try await hub.ask(DeleteProject(project: "site")).id == added.id)
        #expect(try await hub.refusal(GetProject(project: "site"))?.code == .notFound)
        await hub.close()
    }

    @Test func aTakenNameOrRepositoryIsSaidInTheCallersWords() async throws {
        let hub = try await TestHub.make()
        _ = try await hub.ask(CreateProject(name: "a", repoUrl: "/srv/a"))
        _ = try await hub.ask(CreateProject(name: "b", repoUrl: "/srv/b"))
        let name = try await hub.refusal(CreateProject(name: "a", repoUrl: "/srv/c"))
        #expect(name?.code == .conflict)
        #expect(name?.message == "There is a project called “a” already; choose another name.")
        let repository = try await hub.refusal(CreateProject(name: "c", repoUrl: "/srv/a"))
        #expect(repository?.code == .conflict)
        #expect(repository?.details == ["field": "repoUrl"])
        #expect(try await hub.refusal(UpdateProject(project: "b", name: "a"))?.details == ["field": "name"])
        await hub.close()
    }

    @Test func directoriesMayShareANameAndAreThenToldApartById() async throws {
        let hub = try await TestHub.make()
        let first = try await hub.ask(CreateProject(name: "notes", directory: "/srv/one"))
        _ = try await hub.ask(CreateProject(name: "notes", directory: "/srv/two"))
        #expect(try await hub.refusal(GetProject(project: "notes"))?.code == .conflict)
        #expect(try await hub.ask(GetProject(project: first.id.rawValue)).directory == "/srv/one")
        await hub.close()
    }

    @Test func aMissNamesWhatComesClose() async throws {
        let hub = try await TestHub.make()
        _ = try await hub.ask(CreateProject(name: "Website", repoUrl: "/srv/a"))
        let fault = try await hub.refusal(GetProject(project: "website"))
        #expect(fault?.message == "There is no project “website”; did you mean Website?")
        #expect(fault?.details == ["near": ["Website"]])
        #expect(try await hub.refusal(GetProject(project: "zzz"))?.details == ["near": []])
        await hub.close()
    }

    @Test func pagesOfProjectsFollowEachOtherByName() async throws {
        let hub = try await TestHub.make()
        for name in ["d", "a", "c", "b", "e"] {
            _ = try await hub.ask(CreateProject(name: name, repoUrl: "/srv/\(name)"))
        }
        let first = try await hub.ask(ListProjects(limit: 2))
        #expect(first.projects.map(\.name) == ["a", "b"])
        let rest = try await hub.ask(ListProjects(cursor: first.nextCursor))
        #expect(rest.projects.map(\.name) == ["c", "d", "e"])
        #expect(rest.nextCursor == nil)
        await hub.close()
    }

    @Test func wrongFieldsAreAllNamed() async throws {
        let hub = try await TestHub.make()
        let fault = try await hub.refusal(
            CreateProject(
                name: "-rf",
                repoUrl: "ext::sh -c id",
                directory: "../x",
                defaultBranch: "a..b",
                verification: ["a": 1],
                settings: [],
                iconUrl: "javascript:x"
            )
        )
        #expect(
            fault?.details?.arrayValue?.compactMap { $0["path"]?.stringValue } == [
                "name", "repoUrl", "directory", "defaultBranch", "verification", "settings", "iconUrl",
            ]
        )
        #expect(try await hub.refusal(CreateProject(name: "x"))?.code == .validation)
        await hub.close()
    }

    @Test(arguments: [
        "https://example.org/a.git", "http://127.0.0.1:8080/a", "ssh://git@example.org:22/a.git",
        "git@example.org:a.git",
        "git://example.org/a", "file:///srv/a", "/srv/git/a b.git", "https://user@example.org/a", "host:a.git",
        "ssh://[::1]/a",
    ])
    func repositoriesThatGitCanReachAreTaken(url: String) {
        #expect(ProjectRules.complaint(aboutRepository: url) == nil)
    }

    @Test(arguments: [
        "", "-a", "--upload-pack=touch /tmp/x", "a", "./a", "../a", "/srv/../etc", "ext::sh -c id", "fd::17/foo",
        "https://user:secret@example.org/a", "https://-x/a", "ssh://-oProxyCommand=id/a", "-host:a", "git@-host:a",
        "git@host:-a", "https://", "https://host", "ftp://host/a", "file://host/a", "/a\nb", "https://ex ample/a",
    ])
    func repositoriesThatAreWrongOrDangerousAreRefused(url: String) {
        #expect(ProjectRules.complaint(aboutRepository: url) != nil)
    }

    @Test func branchesFollowTheRulesOfGit() {
        for name in ["main", "feature/a-b", "v1.0", "ä", "a@b"] { #expect(ProjectRules.isBranch(name), "\(name)") }
        for name in [
            "", "-a", "/a", "a/", "a..b", "a b", "a~b", "a^", "a:b", "a?", "a*", "a[b", "a\\b", ".a", "a/.b", "a.lock",
            "a/b.lock/c", "a.", "@", "a@{b", "a//b", "HEAD", "a\u{7f}", "a\n",
        ] { #expect(!ProjectRules.isBranch(name), "\(name)") }
    }
}
