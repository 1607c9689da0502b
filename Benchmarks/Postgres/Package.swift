// swift-tools-version: 6.2
import PackageDescription

/// A package of its own, so that nobody builds it who only wants the product.
/// `swift run -c release --package-path Benchmarks/Postgres bench-postgres`
let package = Package(
    name: "bench-postgres",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(name: "nave", path: "../.."),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    ],
    targets: [
        .executableTarget(
            name: "bench-postgres",
            dependencies: [
                .product(name: "Postgres", package: "nave"),
                .product(name: "Protocol", package: "nave"),
                .product(name: "Logging", package: "swift-log"),
            ],
            path: "Sources",
            swiftSettings: [
                .swiftLanguageMode(.v6),
                .enableUpcomingFeature("ExistentialAny"),
                .enableUpcomingFeature("InternalImportsByDefault"),
                .enableUpcomingFeature("MemberImportVisibility"),
            ]
        )
    ]
)
