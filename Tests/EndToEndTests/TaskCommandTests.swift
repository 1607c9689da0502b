import Foundation
import Protocol
import Testing

/// `hub tasks`, from a directory of files to a session that completes one, and back to files.
@Suite struct TaskCommandTests {
    @Test func aDirectoryOfTasksIsWorkedOffAndWrittenBack() async throws {
        try await withFleet { fleet in
            try await fleet.startHub()
            try await fleet.addSpoke("one")
            try await fleet.addProject("demo")
            let plan = fleet.folder.appending(path: "plan")
            try FileManager.default.createDirectory(at: plan.appending(path: "web"), withIntermediateDirectories: true)
            let files = [
                "base.md": "---\nid: base\nname: Lay the base\nrisk: high\n---\n\nDo it.\n",
                "web/login.md": "---\nname: \"Log in: quickly\"\ndepends_on: [base]\ntags: [auth]\n---\n",
            ]
            for (path, text) in files { try Data(text.utf8).write(to: plan.appending(path: path)) }
            let project = ["--project", "demo"]
            let taken = try await fleet.run("hub", ["tasks", "import", plan.path] + project)
            #expect(taken.text == "2 added, 0 changed, 1 dependencies\n", "\(taken.errors)")
            let added = try await fleet.run("hub", ["tasks", "add", "Ship it", "--after", "login"] + project)
            #expect(added.text.hasSuffix("ship-it\n"), "\(added.errors)")
            try await questions(fleet, project)
            try await fleet.refused(
                ["tasks", "after", "base", "ship-it"] + project,
                "CONFLICT",
                saying: "base → login → ship-it → base"
            )
            let command = ["--task", "base", "--follow", "--", "true"]
            #expect(try await fleet.run("hub", ["spawn"] + project + command).exitCode == 0)
            let claimed = try await fleet.run("hub", ["tasks", "claim", "--assignee", "ada"] + project)
            #expect(claimed.text.contains("login"), "\(claimed.errors)")
            let step = ["tasks", "step", "login", "complete", "--note", "Works."]
            #expect(try await fleet.run("hub", step + project).text == "login  completed\n")
            let back = fleet.folder.appending(path: "back")
            #expect(try await fleet.run("hub", ["tasks", "export", back.path] + project).exitCode == 0)
            let written = try String(contentsOf: back.appending(path: "web/login.md"), encoding: .utf8)
            let entry = try TaskFile.entry(from: written, path: "web/login.md")
            #expect((entry.name, entry.status, entry.dependsOn) == ("Log in: quickly", .completed, ["base"]))
            let again = try await fleet.run("hub", ["tasks", "import", back.path] + project)
            #expect(again.text == "0 added, 3 changed, 2 dependencies\n", "\(again.errors)")
            #expect(try await fleet.run("hub", ["verify"]).text.hasPrefix("complete"))
        }
    }

    private func questions(_ fleet: Fleet, _ project: [String]) async throws {
        func answer(_ arguments: String...) async throws -> String {
            try await fleet.run("hub", ["tasks"] + arguments + project).text
        }
        #expect(try await answer("graph", "order") == "base\nlogin\nship-it\n")
        #expect(try await answer("graph", "criticalPath") == "base\nlogin\nship-it\n")
        #expect(try await answer("graph", "shouldDecompose").contains("risk: high"))
        #expect(try await answer("graph", "workflowCost").contains("total "))
        #expect(try await answer("ready").contains("Lay the base"))
        #expect(try await answer("list", "--tag", "auth").contains("login"))
        #expect(try await answer("show", "login").contains("dependsOn: base"))
        let order = try await fleet.ask("tasks", "graph", "order", "--project", "demo")
        #expect(order == ["order": ["base", "login", "ship-it"]])
    }
}
