import Foundation
import Testing

/// The house rules that a compiler does not know. See docs/style.md.
@Suite struct HouseTests {
    /// Who may import whom. A folder missing here may not exist; the longest match counts.
    static let mayImport: [String: Set<String>] = [
        "Sources/Protocol": ["Foundation", "Crypto"],
        "Sources/Protocol/Transport": [
            "Foundation", "Protocol", "Logging", "Synchronization", "NIOCore", "NIOPosix", "NIOHTTP1", "NIOWebSocket",
            "NIOSSL", "NIOFoundationCompat", "Glibc", "NIOConcurrencyHelpers",
        ],
        "Sources/Protocol/WebTransport": [
            "Foundation", "Protocol", "AsyncHTTPClient", "NIOCore", "NIOPosix", "NIOHTTP1", "Synchronization", "Yams",
            "Glibc",
        ],
        "Sources/Hub/Postgres": ["Foundation", "Protocol", "CPostgres", "Logging", "Synchronization", "Glibc"],
        "Sources/Hub/Schema": [],
        "Sources/Hub/Core": ["Foundation", "Protocol"],
        "Sources/Hub/Domains": [
            "Foundation", "Protocol", "HubCore", "Postgres", "Crypto", "Logging", "Synchronization",
        ],
        "Sources/Hub/Server": [
            "Foundation", "Protocol", "Transport", "WebTransport", "HubCore", "HubDomains", "HubSchema", "Postgres",
            "Logging", "ServiceLifecycle", "Synchronization", "Hummingbird", "HummingbirdCore", "HummingbirdTLS",
            "HTTPTypes",
            "NIOCore", "NIOPosix", "NIOHTTP1", "NIOWebSocket", "NIOSSL", "NIOExtras", "NIOHTTPTypes",
            "NIOHTTPTypesHTTP1", "NIOFoundationCompat", "Glibc", "UnixSignals",
        ],
        "Sources/Hub/Coordinator": [
            "Foundation", "Protocol", "ArgumentParser", "AsyncHTTPClient", "NIOCore", "NIOHTTP1", "NIOSSL", "Glibc",
            "NIOFoundationCompat",
        ],
        "Sources/Hub/Main": [
            "Foundation", "Protocol", "Transport", "Postgres", "HubSchema", "HubCore", "HubDomains", "HubServer",
            "Coordinator", "Logging", "ServiceLifecycle", "ArgumentParser", "Yams", "Glibc", "Dispatch",
            "Synchronization",
        ],
        "Sources/Spoke/Core": ["Foundation", "Protocol"],
        "Sources/Spoke/Agent": [
            "Foundation", "Protocol", "Transport", "WebTransport", "SpokeCore", "Logging", "ServiceLifecycle",
            "Synchronization", "GRDB", "CLinux",
            "GRDBSQLite", "Subprocess", "SystemPackage", "Yams", "AsyncHTTPClient", "NIOCore", "NIOPosix", "NIOHTTP1",
            "NIOSSL", "Glibc", "Dispatch", "Crypto", "UnixSignals",
        ],
        "Sources/Spoke/Main": [
            "Foundation", "Protocol", "SpokeAgent", "SpokeCore", "Logging", "ServiceLifecycle", "ArgumentParser",
            "Glibc",
        ],
    ]

    /// Where time, chance and identity come in from outside.
    static let deciding = ["Sources/Protocol/", "Sources/Hub/Core/", "Sources/Spoke/Core/"]
    static let doing = ["Sources/Protocol/Transport/", "Sources/Protocol/WebTransport/"]

    @Test func filesFitInTheHead() throws {
        for file in try SourceFile.all(below: ["Sources", "Tests"], extensions: ["swift", "c", "h"]) {
            #expect(file.lines.count <= 401, "\(file.path) has \(file.lines.count) lines")
        }
    }

    @Test func linesFitOnTheScreen() throws {
        for file in try SourceFile.all(below: ["Sources", "Tests"], extensions: ["swift", "c", "h"]) {
            for (number, line) in file.lines.enumerated() where line.count > 120 {
                Issue.record("\(file.path):\(number + 1) has \(line.count) columns")
            }
        }
    }

    @Test func functionsFitInTheHead() throws {
        for file in try SourceFile.all(below: ["Sources"]) {
            var start: (line: Int, indent: Int)?
            for (number, line) in file.lines.enumerated() {
                let indent = line.prefix { $0 == " " }.count
                if let begun = start, line.hasPrefix(String(repeating: " ", count: begun.indent) + "}"),
                    indent == begun.indent
                {
                    let length = number - begun.line + 1
                    #expect(length <= 61, "\(file.path):\(begun.line + 1) is a function of \(length) lines")
                    start = nil
                } else if start == nil,
                    line.contains(/^ *((public|private|fileprivate|static|mutating|nonisolated|@\w+) )*(func|init)\b/),
                    line.hasSuffix("{")
                {
                    start = (number, indent)
                }
            }
        }
    }

    @Test func importsPointInward() throws {
        for file in try SourceFile.all(below: ["Sources"]) {
            let homes = Self.mayImport.keys.filter { file.path.hasPrefix($0 + "/") }
            let home = try #require(homes.max { $0.count < $1.count }, "\(file.path) is homeless")
            for module in file.lines.compactMap(Self.imported(by:)) {
                #expect(Self.mayImport[home]?.contains(module) == true, "\(file.path) imports \(module)")
            }
        }
    }

    @Test func machinesAreTold() throws {
        let banned = [
            "Date()", "Date.now", "ContinuousClock", "UUID()", "Task.sleep", " = Task {", "SystemRandomNumberGenerator",
            ".randomElement()", ".shuffled()",
        ]
        for file in try Self.deciders() {
            for (number, line) in file.lines.enumerated() where !line.contains("//") {
                for word in banned where line.contains(word) {
                    Issue.record("\(file.path):\(number + 1) says “\(word)”; bring it in with the event instead")
                }
            }
        }
    }

    @Test func nothingIsForcedOrLeftUndone() throws {
        let banned = [/\btry!/, /\bas!/, /\bTODO\b/, /\bFIXME\b/, /\bXXX\b/, /Thread\.sleep/, /fatalError\(/]
        for file in try SourceFile.all(below: ["Sources"]) {
            for (number, line) in file.lines.enumerated() {
                for form in banned where line.contains(form) {
                    Issue.record("\(file.path):\(number + 1): \(line.trimmingCharacters(in: .whitespaces))")
                }
                if line.contains("@unchecked Sendable") {
                    let before = file.lines[max(0, number - 6)..<number].joined()
                    #expect(before.contains("//"), "\(file.path):\(number + 1) claims Sendable without a proof")
                }
            }
        }
    }

    @Test func namesSayWhatThingsAre() throws {
        let banned = /\b(class|struct|enum|actor|protocol) \w*(Manager|Helper|Utils|Handler|Impl|Base|Common)\b/
        let sanctioned = ["ChannelHandler", "ChannelInboundHandler", "ChannelDuplexHandler"]
        for file in try SourceFile.all(below: ["Sources"]) {
            for (number, line) in file.lines.enumerated() where line.contains(banned) {
                if sanctioned.contains(where: line.contains) { continue }
                Issue.record("\(file.path):\(number + 1): \(line.trimmingCharacters(in: .whitespaces))")
            }
        }
    }

    /// A domain is one stem in several places, so that a newcomer can guess the others.
    @Test func everyDomainHasItsFiles() throws {
        let paths = Set(try SourceFile.all(below: ["Sources/Hub/Domains", "Sources/Protocol/Domains"]).map(\.path))
        let form = /Sources\/Hub\/Domains\/(\w+)\/(\w+)Operations\.swift/
        for (folder, _) in paths.compactMap({ $0.wholeMatch(of: form).map { ($0.1, $0.2) } }) {
            #expect(paths.contains("Sources/Protocol/Domains/\(folder).swift"), "\(folder) has no records")
        }
    }

    private static func deciders() throws -> [SourceFile] {
        try SourceFile.all(below: ["Sources"]).filter { file in
            deciding.contains(where: file.path.hasPrefix) && !doing.contains(where: file.path.hasPrefix)
        }
    }

    private static func imported(by line: String) -> String? {
        let form =
            /\s*(?:@\w+(?:\(\w+\))? )?(?:public |package |internal )?import (?:struct |class |enum |func )?(\w+).*/
        return line.wholeMatch(of: form).map { String($0.1) }
    }
}
