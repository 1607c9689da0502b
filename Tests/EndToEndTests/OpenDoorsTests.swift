import Foundation
import Protocol
import Testing

/// The doors that others' programs use, driven by those programs: MCP by the official SDK, OpenAPI by a validator and a
/// fuzzer, metrics by Prometheus' own parser.
@Suite struct OpenDoorsTests {
    @Test func programsThatOthersWroteFindTheDoorsAsTheyExpectThem() async throws {
        try await withFleet { fleet in
            let ready = try await fleet.startHub()
            let keyFile = ready["adminKeyFile"]?.stringValue ?? ""
            let key = try String(contentsOfFile: keyFile, encoding: .utf8)
                .trimmingCharacters(in: .whitespacesAndNewlines)
            try await fleet.addSpoke("one")
            try await fleet.addProject("demo")
            try await modelsReachTheHub(fleet, key: key)
            try await modelsReachTheHubFromInsideASession(fleet)
            try await othersReadTheDocumentAndTheMetrics(fleet, key: key)
            try await aFuzzerFindsNothing(fleet, key: key)
        }
    }

    private func modelsReachTheHub(_ fleet: Fleet, key: String) async throws {
        let done = try await fleet.spawn("demo", ["sh", "-c", "echo grey and blue; echo more"])
        let endless = try await fleet.spawn("demo", ["sh", "-c", "echo begun; exec sleep 1000"])
        _ = try await fleet.end(of: done)
        _ = try await eventually("it prints") { try await fleet.logs(endless).isEmpty ? nil : true }
        try await succeeded("mcp_hub.py", [fleet.url + "/mcp", key, done, "grey and blue", endless], in: fleet)
        try await fleet.ask("abort", endless, "--grace", "100ms")
    }

    private func modelsReachTheHubFromInsideASession(_ fleet: Fleet) async throws {
        let spoke = Fleet.binaries.appending(path: "spoke").path
        let command = try await PythonTools.command("mcp_spoke.py", [spoke, "first words"])
        let script = command.map { "'\($0)'" }.joined(separator: " ") + " 2>&1"
        let grants = ["session:read", "project:read"]
        let session = try await fleet.spawnGranted("demo", script, grants: grants, on: "one")
        let ended = try await fleet.end(of: session, within: .seconds(180))
        let printed = String(decoding: try await fleet.logs(session), as: UTF8.self)
        #expect(ended["mapping"]?["status"]?.stringValue == "completed", "\(printed)")
        #expect(printed.contains("ok "), "\(printed)")
    }

    private func othersReadTheDocumentAndTheMetrics(_ fleet: Fleet, key: String) async throws {
        try await succeeded("openapi_check.py", [fleet.url, key], in: fleet)
    }

    /// Bounded examples of every operation of the hub's own: no 5xx, no status or form that the document does not
    /// declare, no input taken that the schema refuses. What a spoke does on its machine has tests of its own.
    private func aFuzzerFindsNothing(_ fleet: Fleet, key: String) async throws {
        let checks = [
            "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance",
            "negative_data_rejection",
        ]
        try await succeeded(
            "schemathesis",
            [
                "--config-file", PythonTools.file("schemathesis.toml"), "run", fleet.url + "/openapi.json", "--header",
                "Authorization: Bearer \(key)",
                "--checks", checks.joined(separator: ","), "--phases", "examples,coverage,fuzzing",
                "--exclude-path-regex", "^/v1/(subscribe/|call/(fs|git|host|process)[.])", "--max-examples", "5",
                "--seed", "1", "--workers", "2",
                "--request-timeout", "30", "--generation-database", "none", "--no-color",
            ],
            in: fleet
        )
    }

    private func succeeded(_ program: String, _ arguments: [String], in fleet: Fleet) async throws {
        let finished = try await PythonTools.run(program, arguments, in: fleet, within: .seconds(400))
        #expect(finished.exitCode == 0, "\(program): \(finished.errors.suffix(3_000))\(finished.text.suffix(8_000))")
    }
}
