import Foundation
import Protocol
import Testing

/// Where requests to web services may go, what is hidden of them, and whose the place of a credential is.
@Suite struct WebTests {
    private static func bytes(_ text: String) -> [UInt8] {
        if text.contains(".") { return text.split(separator: ".").compactMap { UInt8($0) } }
        let halves = text.components(separatedBy: "::")
        func words(_ half: String) -> [UInt8] {
            half.split(separator: ":").flatMap { word in
                let number = UInt16(word, radix: 16) ?? 0
                return [UInt8(number >> 8), UInt8(number & 0xFF)]
            }
        }
        let (head, tail) = (words(halves[0]), halves.count > 1 ? words(halves[1]) : [])
        return head + [UInt8](repeating: 0, count: 16 - head.count - tail.count) + tail
    }

    @Test func onlyTheOpenInternetIsOpen() {
        let open = [
            "1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.0.0.1", "128.0.0.1",
            "169.253.0.1", "172.15.0.1", "172.32.0.1", "192.167.0.1", "192.169.0.1", "198.17.0.1", "198.20.0.1",
            "223.255.255.255", "2606:4700::1111", "2a00:1450::1", "::ffff:808:808", "64:ff9b::808:808",
            "2002:808:808::1", "2001:4860::8888",
        ]
        for address in open { #expect(OutboundRules.isOpen(Self.bytes(address)), "\(address)") }
        let inside = [
            "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.127.255.255", "127.0.0.1",
            "127.255.255.254", "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.2.1",
            "192.168.1.1", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1", "240.0.0.1",
            "255.255.255.255", "::", "::1", "::ffff:7f00:1", "::ffff:a00:1", "::7f00:1", "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::1", "100::1", "2001::1", "2001:db8::1", "2002:7f00:1::1", "2002:a00:1::", "fc00::1", "fdff::1",
            "fe80::1", "febf::1", "fec0::1", "ff02::1",
        ]
        for address in inside { #expect(!OutboundRules.isOpen(Self.bytes(address)), "\(address)") }
        #expect(!OutboundRules.isOpen([]) && !OutboundRules.isOpen([1, 2, 3]))
    }

    @Test func whatTheOperatorNamesIsAllowedOnThatPortAlone() throws {
        let rules = try OutboundRules(allowing: ["LocalHost:8080", "10.0.0.7:443", "[fd00::1]:80"])
        func objection(_ url: String, _ bytes: String) throws -> Fault? {
            rules.objection(to: try WebAddress(url, field: "url"), at: Self.bytes(bytes))
        }
        #expect(try objection("http://localhost:8080/x", "127.0.0.1") == nil)
        #expect(try objection("https://10.0.0.7/", "10.0.0.7") == nil)
        #expect(try objection("http://[fd00::1]/", "fd00::1") == nil)
        #expect(try objection("http://localhost:8081/", "127.0.0.1")?.code == .accessDenied)
        #expect(try objection("http://10.0.0.7/", "10.0.0.7")?.code == .accessDenied)
        #expect(try objection("https://rebound.example/", "10.0.0.7")?.code == .accessDenied)
        #expect(try objection("https://open.example/", "93.184.216.34") == nil)
        for wrong in ["", "localhost", "localhost:", "localhost:0", "localhost:70000", "http://x:1", "a:1/b", "u@h:1"] {
            #expect(throws: Fault.self, "\(wrong)") { try OutboundRules(allowing: [wrong]) }
        }
    }

    @Test func anAddressInSettingsHoldsNoCredential() throws {
        let token = "ghp_" + String(repeating: "a", count: 36)
        for bad in [
            "https://x.example/?token=abc", "https://x.example/?a=1&API_KEY=1", "https://x.example/y?key=1",
            "https://x.example/?q=\(token)", "https://x.example/?q=eyJhbGci.eyJzdWIi.c2ln", "https://me:pw@x.example/",
            "https://x.example/?q=%67hp_aaaaaaaaaaaaaaaa", "https://x.example/?access-token=",
        ] {
            let fault = #expect(throws: Fault.self, "\(bad)") { try WebAddress(setting: bad, field: "url") }
            #expect(fault?.code == .validation && fault?.message.contains("no credential") == true)
            #expect(fault?.message.contains(token) == false && fault?.message.contains("pw") == false)
        }
        for good in [
            "https://x.example/?version=2&format=json", "https://x.example/token/ghp_x",
            "https://x.example/?keyboard=1",
            "https://x.example", "https://x.example/?tokens=5&q=eyJ",
        ] {
            #expect(throws: Never.self, "\(good)") { try WebAddress(setting: good, field: "url") }
        }
        // What is added to a request is no setting.
        #expect(try WebAddress("https://x.example/?token=abc", field: "url").host == "x.example")
    }

    @Test func secretsAreHiddenWhereverTheyStand() {
        let veil = SecretVeil(["s3cr/et", "s3cr"])
        #expect(veil.hiding("a s3cr/et b s3cr") == "a [hidden] b [hidden]")
        #expect(veil.hiding("?k=s3cr%2Fet&b=czNjci9ldA==") == "?k=[hidden]&b=[hidden]")
        let value: JSONValue = ["s3cr": ["x", "Bearer s3cr/et", 7], "plain": true]
        #expect(veil.hiding(value) == ["[hidden]": ["x", "Bearer [hidden]", 7], "plain": true])
        #expect(veil.hiding([0xFF] + Array("s3cr".utf8)) == [0xFF] + Array("****".utf8))
        let fault = veil.hiding(Fault(.execution, "no s3cr/et", details: ["body": "s3cr"]))
        #expect(fault.message == "no [hidden]" && fault.details?["body"] == "[hidden]")
        #expect(SecretVeil([""]).hiding("abc") == "abc" && SecretVeil(["***"]).hiding(Array("***".utf8)).count == 3)
    }

    @Test func theCredentialsPlaceIsNobodyElsesToFill() throws {
        let operation = try #require(
            try WebDocument([
                "openapi": "3.0.0",
                "paths": [
                    "/x": [
                        "get": [
                            "operationId": "x",
                            "parameters": [
                                ["name": "api_key", "in": "query", "required": true], ["name": "q", "in": "query"],
                                ["name": "X-Key", "in": "header", "required": true],
                                ["name": "Authorization", "in": "header", "required": true],
                            ],
                            "responses": [:],
                        ]
                    ],
                    "/host": ["get": ["parameters": [["name": "Host", "in": "header"]], "responses": [:]]],
                ],
            ]).operations.first
        )
        let bound = operation.withholding("api_key", in: .query).withholding("x-key", in: .header)
        #expect(bound.inputSchema["properties"] == ["q": true] && bound.inputSchema["required"] == [])
        let request = try bound.request(for: ["q": "1", "api_key": "mine", "X-Key": "mine"])
        #expect(request.headers.isEmpty && request.target == "/x?q=1")
        let addition = WebAddition(query: ["api_key": "a&b"])
        #expect(addition.target(of: request) == "/x?q=1&api_key=a%26b")
        #expect(addition.target(of: try bound.request(for: [:])) == "/x?api_key=a%26b")
        let plan = try JSONValue(encoding: bound.plan).decoded(as: WebRequestPlan.self)
        #expect(plan == bound.plan)
    }

    @Test func headersThatARequestSetsItselfAreNoParameters() throws {
        func left(_ name: String) throws -> [String] {
            try WebDocument([
                "openapi": "3.0.0",
                "paths": ["/x": ["get": ["parameters": [["name": .string(name), "in": "header"]], "responses": [:]]]],
            ]).leftOut
        }
        for name in ["Host", "transfer-encoding", "Connection", "a b", "x\r\ny"] {
            #expect(try left(name).count == 1, "\(name)")
        }
        for name in ["Accept", "content-type", "AUTHORIZATION", "x-mode"] { #expect(try left(name).isEmpty, "\(name)") }
    }

    @Test func aSmallDocumentDoesNotBecomeALargeOne() throws {
        let fields = Dictionary(uniqueKeysWithValues: (0..<8_000).map { ("f\($0)", ["type": "string"] as JSONValue) })
        let answer: JSONValue = [
            "200": ["content": ["application/json": ["schema": ["$ref": "#/components/schemas/Large"]]]]
        ]
        let get: JSONValue = ["get": ["responses": answer]]
        let paths = Dictionary(uniqueKeysWithValues: (0..<50).map { ("/p\($0)", get) })
        let document = try WebDocument([
            "openapi": "3.0.0", "paths": .object(paths),
            "components": [
                "schemas": [
                    "Large": ["properties": .object(fields), "items": ["$ref": "#/components/schemas/Other"]],
                    "Other": ["properties": .object(fields)],
                ]
            ],
        ])
        #expect(document.operations.isEmpty && document.leftOut.count == 50)
        #expect(document.leftOut.allSatisfy { $0.contains("too large") })
    }
}
