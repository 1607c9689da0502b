import Foundation
import Protocol
import Testing

/// TLS in the hub itself, with an authority that only those who are told of it trust.
@Suite struct TLSTests {
    @Test func onlyWhoTrustsTheAuthorityTalksToTheHub() async throws {
        try await withFleet { fleet in
            let authority = try await Self.makeCertificates(in: fleet)
            let files = fleet.folder.path
            try await fleet.startHub(["--tls-certificate", "\(files)/hub.crt", "--tls-key", "\(files)/hub.key"])
            let url = "https://\(fleet.url.dropFirst("http://".count))"
            let stranger = try await fleet.hub("spokes", "--url", url)
            #expect(stranger.exitCode == 69)
            #expect(stranger.errors.contains("--ca-file"), "\(stranger.errors)")

            let token = try await fleet.hub("token", "create", "--url", url, "--ca-file", authority, "--json")
            let text = try token.json()["token"]?.stringValue ?? ""
            let join = ["join", url, "--token", text, "--name", "one", "--data-dir", fleet.directory(of: "one").path]
            #expect(try await fleet.run("spoke", join).exitCode == 69)
            #expect(try await fleet.run("spoke", join + ["--ca-file", authority]).exitCode == 0)
            try fleet.startSpoke("one")
            _ = try await eventually("the spoke is connected over TLS") {
                let spokes = try await fleet.hub("spokes", "--url", url, "--ca-file", authority, "--json")
                return try spokes.json()["spokes"]?.arrayValue?.first { $0["status"]?.stringValue == "connected" }
            }
        }
    }

    /// An authority of its own and a certificate for loopback; answers the authority's file.
    private static func makeCertificates(in fleet: Fleet) async throws -> String {
        let script = """
            set -e; cd '\(fleet.folder.path)'
            openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.crt -subj /CN=test -days 2
            openssl req -newkey rsa:2048 -nodes -keyout hub.key -out hub.csr -subj /CN=localhost
            printf 'subjectAltName=IP:127.0.0.1' > san
            openssl x509 -req -in hub.csr -CA ca.crt -CAkey ca.key -CAcreateserial -out hub.crt -days 2 -extfile san
            chmod 600 hub.key
            """
        let program = try FleetProgram(
            "/bin/sh",
            ["-c", script],
            environment: fleet.environment,
            folder: fleet.folder,
            name: "openssl"
        )
        let code = await program.exit()
        try #require(code == 0, "\(program.logText)")
        return "\(fleet.folder.path)/ca.crt"
    }
}
