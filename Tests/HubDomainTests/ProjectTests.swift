import HubCore
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

    /// Every pair of a line is one repository, and no two lines are.
    static let places: [[String]] = [
        [
            "/srv/git/r6", "/srv/git/r6/", "//srv/git//r6", "/srv/git/r6/.git", "/srv/git/r6.git", "/srv/git/r6.git/",
            "file:///srv/git/r6", "FILE:///srv/git/%726/", "file:///srv/git/x/%2e%2e/r6", "/srv/git/r6/.git/",
        ],
        ["/srv/git/R6", "file:///srv/git/R6"], ["/srv/git/r%36"], ["/srv/git/.git", "/srv/git"],
        [
            "https://example.org/ada/r6", "https://Example.ORG:443/ada/r6.git", "http://example.org/ada/r6/",
            "https://ada@example.org/ada//r6", "ssh://git@example.org/ada/r6", "ssh://example.org:22/ada/r6.git",
            "git@example.org:ada/r6", "example.org:/ada/r6.git", "git://example.org:9418/ada/r6",
            "[git@example.org:22]:ada/r6",
            "https://example.org/ADA/R%36.git", "https://example.org./ada/r6", "https://example.org:/ada/r6",
        ],
        ["https://example.org:8443/ada/r6", "https://EXAMPLE.org:08443/ada/r6.git/"], ["ssh://example.org:2222/ada/r6"],
        ["https://example.org/ada/r7"], ["https://example.com/ada/r6"], ["https://example.org/ada/r6/wiki"],
        ["ssh://[::1]/a", "ssh://[::1]:22/a.git"], ["ssh://[::1]:2222/a"], ["ssh://[::2]/a"],
    ]

    @Test func addressesOfOneRepositoryAreTheSamePlace() {
        let places = Self.places.map { addresses in Set(addresses.map { RepositoryPlace(of: $0) }) }
        for (place, addresses) in zip(places, Self.places) { #expect(place.count == 1, "\(addresses): \(place)") }
        #expect(Set(places).count == places.count)
    }

    @Test func aRepositoryHasOneProjectHoweverItsAddressIsWritten() async throws {
        let hub = try await TestHub.make()
        let owner = try await hub.stranger("org:write", "project:write")
        let stranger = try await hub.stranger("project:write")
        _ = try await hub.ask(CreateOrganization(name: "Ops"), by: owner)
        let secret = try await hub.ask(CreateProject(name: "secret", repoUrl: "/srv/r6", org: "ops"), by: owner)
        let open = try await hub.ask(CreateProject(name: "open", repoUrl: "git@h:open.git"))
        for address in ["/srv/r6", "/srv/r6/", "file:///srv/r6", "/srv/r6/.git", "/srv//r6"] {
            let known = try await hub.refusal(CreateProject(name: "x", repoUrl: address), by: owner)
            #expect(known?.message == "The project “secret” has this repository; use that one.")
            let fault = try await hub.refusal(CreateProject(name: "x", repoUrl: address), by: stranger)
            #expect(fault?.code == .conflict && fault?.details == ["field": "repoUrl"])
            #expect(fault?.message.contains("secret") == false && fault?.message.contains("administrator") == true)
            let moved = UpdateProject(project: "open", repoUrl: address)
            #expect(try await hub.refusal(moved, by: stranger)?.message == fault?.message)
        }
        // Its own address may be written otherwise, and stays as it was given.
        let written = UpdateProject(project: "open", repoUrl: "ssh://git@h/open")
        #expect(try await hub.ask(written, by: stranger).repoUrl == "ssh://git@h/open")
        #expect(try await hub.ask(GetProject(project: secret.id.rawValue)).repoUrl == "/srv/r6")
        #expect(try await hub.ask(UpdateProject(project: open.id.rawValue, name: "new")).repoUrl == "ssh://git@h/open")
        await hub.close()
    }

    @Test func ofManyWhoAddOneRepositoryAtOnceOneDoes() async throws {
        let hub = try await TestHub.make()
        let added = await withTaskGroup(of: Bool.self) { group in
            for (place, address) in ["/srv/a", "/srv/a/", "/srv//a", "file:///srv/a", "/srv/a/.git"].enumerated() {
                group.addTask {
                    // Only whether it was let in counts here.
                    (try? await hub.ask(CreateProject(name: "p\(place)", repoUrl: address))) != nil
                }
            }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(added == 1)
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
