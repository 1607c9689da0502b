import HubDomains
import Protocol
import Testing

/// Tasks that are read from the files of a worktree, through whoever has it.
@Suite struct TaskFolderTests {
    /// A spoke with these files, in its place.
    private func lead(_ hub: TestHub, _ files: [String: String]) {
        hub.domains.composed.lead { (name, input, caller, _) async throws(Fault) in
            guard caller.identity.scopes.contains("fs:read"), input["workspaceId"] == "w" else {
                throw Fault(.accessDenied, "Not that one.")
            }
            func answer(_ output: some Encodable) -> Answer {
                Answer(data: WireCoder.bytes(of: output), operationId: name, requestId: caller.requestId)
            }
            guard name == ReadFile.name else {
                return answer(GlobFiles.Output(paths: files.keys.sorted(), hasMore: false))
            }
            let path = input["path"]?.stringValue ?? ""
            let text = files[path] ?? ""
            return answer(
                ReadFile.Output(
                    path: path,
                    sizeBytes: 1,
                    offset: 0,
                    text: text == "binary" ? nil : text,
                    base64: nil,
                    nextOffset: nil
                )
            )
        }
    }

    private func request(_ directory: String, workspace: WorkspaceID? = "w") -> ImportTasks {
        ImportTasks(projectId: "app", directory: directory, workspaceId: workspace)
    }

    @Test func filesBecomeTasksWithTheirPathsBelowTheFolder() async throws {
        let hub = try await TestHub.make()
        _ = try await hub.project()
        lead(
            hub,
            [
                "plan/store.md": "---\nname: Keep it\n---\nIn a table.\n",
                "plan/web/login.md": "---\nid: log-in\ndepends_on: [store]\n---\n", "plan/.draft/x.md": "---\n",
            ]
        )
        let taken = try await hub.ask(request("plan"))
        #expect(taken.created == ["store", "log-in"] && taken.dependencies == 1)
        let tasks = try await hub.ask(ExportTasks(projectId: "app")).tasks
        #expect(tasks.map(\.path) == ["web/login.md", "store.md"] && tasks.last?.body == "In a table.\n")
        #expect(try await hub.ask(request("plan/")).updated.count == 2)
        await hub.close()
    }

    @Test func whatIsNoTaskIsNamed() async throws {
        let hub = try await TestHub.make()
        _ = try await hub.project()
        for (files, directory, code, words) in [
            (["a.md": "binary"], "", Fault.Code.validation, "a.md"),
            (["a.md": "---\nrisk: huge\n---\n"], "", .validation, "a.md"),
            (["x/a.md": "---\n---\n", "y/a.md": "---\n---\n"], "", .validation, "y/a.md.id"),
            ([:], "plan", .notFound, "plan"), ([:], "/etc", .validation, "directory"),
            ([:], "a/../..", .validation, ".."),
        ] {
            lead(hub, files)
            let refused = try await hub.refusal(request(directory))
            #expect(refused?.code == code && refused?.message.contains(words) == true, "\(refused as Any)")
        }
        #expect(try await hub.refusal(request("", workspace: nil))?.code == .validation)
        #expect(try await hub.refusal(ImportTasks(projectId: "app"))?.code == .validation)
        #expect(try await hub.refusal(ImportTasks(projectId: "app", tasks: [], directory: ""))?.code == .validation)
        #expect(try await hub.refusal(ImportTasks(projectId: "app", tasks: [], workspaceId: "w"))?.code == .validation)
        #expect(try await hub.count("SELECT count(*) FROM nave.tasks") == 0)
        await hub.close()
    }
}
