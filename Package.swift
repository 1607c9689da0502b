// swift-tools-version: 6.2
import PackageDescription

/// Every target is compiled under the same house rules (docs/style.md).
let house: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
]

func nio(_ names: String...) -> [Target.Dependency] { names.map { .product(name: $0, package: "swift-nio") } }
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let log = Target.Dependency.product(name: "Logging", package: "swift-log")
let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let lifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let signals = Target.Dependency.product(name: "UnixSignals", package: "swift-service-lifecycle")
let subprocess = Target.Dependency.product(name: "Subprocess", package: "swift-subprocess")
let system = Target.Dependency.product(name: "SystemPackage", package: "swift-system")
let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
let sqlite = Target.Dependency.product(name: "GRDBSQLite", package: "GRDB.swift")
let httpClient = Target.Dependency.product(name: "AsyncHTTPClient", package: "async-http-client")
let httpTypes = Target.Dependency.product(name: "HTTPTypes", package: "swift-http-types")
let yaml = Target.Dependency.product(name: "Yams", package: "Yams")
let tls = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")

let package = Package(
    name: "nave",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "hub", targets: ["Hub"]),
        .executable(name: "spoke", targets: ["Spoke"]),
        .executable(name: "spoke-supervisor", targets: ["Supervisor"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2"),
    ],
    targets: [
        // What hub and spoke say to each other, and how a link behaves: values only.
        .target(
            name: "Protocol",
            dependencies: [crypto],
            exclude: ["Transport", "WebTransport"],
            swiftSettings: house
        ),
        // Where bytes and time are real, for both ends.
        .target(
            name: "Transport",
            dependencies: ["Protocol", log, tls]
                + nio("NIOCore", "NIOPosix", "NIOHTTP1", "NIOWebSocket", "NIOFoundationCompat"),
            path: "Sources/Protocol/Transport",
            swiftSettings: house
        ),
        // Requests to web services, for both ends.
        .target(
            name: "WebTransport",
            dependencies: ["Protocol", httpClient, yaml] + nio("NIOCore", "NIOPosix", "NIOHTTP1"),
            path: "Sources/Protocol/WebTransport",
            swiftSettings: house
        ),

        // The hub.
        .systemLibrary(
            name: "CPostgres",
            path: "Sources/Hub/CPostgres",
            pkgConfig: "libpq",
            providers: [.apt(["libpq-dev"])]
        ),
        .target(
            name: "Postgres",
            dependencies: ["Protocol", "CPostgres", log],
            path: "Sources/Hub/Postgres",
            swiftSettings: house
        ),
        .target(
            name: "HubSchema",
            path: "Sources/Hub/Schema",
            resources: [.embedInCode("SQL")],
            swiftSettings: house
        ),
        .target(name: "HubCore", dependencies: ["Protocol"], path: "Sources/Hub/Core", swiftSettings: house),
        .target(
            name: "HubDomains",
            dependencies: ["Protocol", "HubCore", "Postgres", crypto, log],
            path: "Sources/Hub/Domains",
            swiftSettings: house
        ),
        .target(
            name: "HubServer",
            dependencies: [
                "Protocol", "Transport", "WebTransport", "HubCore", "HubDomains", "Postgres", "HubSchema", log,
                lifecycle, tls, httpTypes,
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "HummingbirdTLS", package: "hummingbird"),
                .product(name: "NIOExtras", package: "swift-nio-extras"),
                .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
                .product(name: "NIOHTTPTypesHTTP1", package: "swift-nio-extras"),
            ] + nio("NIOCore", "NIOPosix", "NIOHTTP1", "NIOWebSocket", "NIOFoundationCompat"),
            path: "Sources/Hub/Server",
            swiftSettings: house
        ),
        .target(
            name: "Coordinator",
            dependencies: ["Protocol", arguments, httpClient, tls] + nio("NIOCore", "NIOHTTP1"),
            path: "Sources/Hub/Coordinator",
            swiftSettings: house
        ),
        .executableTarget(
            name: "Hub",
            dependencies: [
                "Protocol", "Transport", "Postgres", "HubSchema", "HubCore", "HubDomains", "HubServer", "Coordinator",
                log, lifecycle, arguments, yaml,
            ],
            path: "Sources/Hub/Main",
            swiftSettings: house
        ),

        // The spoke.
        .executableTarget(
            name: "Supervisor",
            path: "Sources/Spoke/Supervisor",
            cSettings: [.unsafeFlags(["-std=gnu11", "-Wall", "-Wextra", "-Werror"])]
        ),
        .target(name: "CLinux", path: "Sources/Spoke/CLinux"),
        .target(name: "SpokeCore", dependencies: ["Protocol"], path: "Sources/Spoke/Core", swiftSettings: house),
        .target(
            name: "SpokeAgent",
            dependencies: [
                "Protocol", "Transport", "WebTransport", "SpokeCore", "CLinux", log, lifecycle, grdb, sqlite,
                subprocess, system,
                yaml, httpClient, crypto, tls, signals,
            ] + nio("NIOCore", "NIOPosix", "NIOHTTP1"),
            path: "Sources/Spoke/Agent",
            swiftSettings: house
        ),
        .executableTarget(
            name: "Spoke",
            dependencies: ["Protocol", "SpokeAgent", log, lifecycle, arguments],
            path: "Sources/Spoke/Main",
            swiftSettings: house
        ),

        // What it costs, and a writer for tests to kill.
        .executableTarget(
            name: "JournalBench",
            dependencies: ["Protocol", "SpokeCore", "SpokeAgent", sqlite],
            path: "Benchmarks/Journal",
            swiftSettings: house
        ),
        .executableTarget(
            name: "Bench",
            dependencies: ["Protocol", "Transport", "Postgres", "HubCore", "HubDomains", log, httpClient]
                + nio("NIOCore", "NIOPosix", "NIOHTTP1", "NIOWebSocket"),
            path: "Benchmarks",
            exclude: ["Journal", "python"],
            swiftSettings: house
        ),

        // The proof.
        .target(
            name: "TestSupport",
            dependencies: ["Protocol", "Transport", "Postgres", "HubSchema", subprocess, system, log],
            path: "Tests/TestSupport",
            swiftSettings: house
        ),
        .testTarget(name: "HouseTests", swiftSettings: house),
        .testTarget(
            name: "ProtocolTests",
            dependencies: ["Protocol", "Transport", "TestSupport", crypto]
                + nio("NIOCore", "NIOPosix", "NIOHTTP1", "NIOWebSocket", "NIOEmbedded"),
            resources: [.copy("Fixtures")],
            swiftSettings: house
        ),
        .testTarget(
            name: "SimulationTests",
            dependencies: ["Protocol", "HubCore", "SpokeCore", "TestSupport"],
            swiftSettings: house
        ),
        .testTarget(
            name: "PostgresTests",
            dependencies: ["Postgres", "TestSupport", "Protocol", log],
            swiftSettings: house
        ),
        .testTarget(
            name: "HubDomainTests",
            dependencies: ["Protocol", "Postgres", "HubCore", "HubDomains", "HubSchema", "TestSupport", log],
            exclude: ["Traces"],
            swiftSettings: house
        ),
        .testTarget(
            name: "SpokeAgentTests",
            dependencies: [
                "Protocol", "SpokeCore", "SpokeAgent", "JournalBench", "TestSupport", grdb, subprocess, system, log,
                crypto,
            ],
            swiftSettings: house
        ),
        .testTarget(
            name: "EndToEndTests",
            dependencies: [
                "Protocol", "Transport", "TestSupport", "HubServer", "Postgres", httpClient, log, subprocess, system,
                crypto,
            ] + nio("NIOCore", "NIOPosix", "NIOHTTP1", "NIOFoundationCompat"),
            swiftSettings: house
        ),
    ]
)
