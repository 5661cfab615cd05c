// swift-tools-version: 6.2
import PackageDescription

// Arrows point down: the executables compose, the targets under Shared know nothing of them,
// and neither executable ever imports the other (docs/architecture.md, "Targets").

let strict: [SwiftSetting] = [
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

func shared(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, path: "Sources/Shared/\(name)", swiftSettings: strict)
}

func tests(of name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .testTarget(
        name: "\(name)Tests", dependencies: [.byName(name: name), "TestSupport"] + dependencies,
        path: "Tests/\(name)Tests",
        swiftSettings: strict)
}

let nio: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioLocks: Target.Dependency = .product(name: "NIOConcurrencyHelpers", package: "swift-nio")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let nioHTTP: Target.Dependency = .product(name: "NIOHTTP1", package: "swift-nio")
let nioWebSocket: Target.Dependency = .product(name: "NIOWebSocket", package: "swift-nio")
let nioEmbedded: Target.Dependency = .product(name: "NIOEmbedded", package: "swift-nio")
let nioTLS: Target.Dependency = .product(name: "NIOTLS", package: "swift-nio")
let nioSSL: Target.Dependency = .product(name: "NIOSSL", package: "swift-nio-ssl")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let lifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let signals: Target.Dependency = .product(name: "UnixSignals", package: "swift-service-lifecycle")
let arguments: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let httpClient: Target.Dependency = .product(name: "AsyncHTTPClient", package: "async-http-client")
let sqlite: Target.Dependency = .product(name: "GRDB", package: "GRDB.swift")

let package = Package(
    name: "continuo",
    products: [
        .executable(name: "Frontdoor", targets: ["Frontdoor"]),
        .executable(name: "Worker", targets: ["Worker"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
    ],
    targets: [
        .target(name: "CUnixSocket", path: "Sources/Shared/CUnixSocket"),
        .systemLibrary(
            name: "CZeroMQ", path: "Sources/Shared/CZeroMQ", providers: [.apt(["libzmq3-dev"])]),
        .systemLibrary(
            name: "COpenSSL", path: "Sources/Shared/COpenSSL", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(
            name: "CCAres", path: "Sources/Shared/CCAres", providers: [.apt(["libc-ares-dev"])]),
        shared("Identity", ["COpenSSL"]),
        shared("JSONText"),
        shared("Sylkrtc", ["Identity", "JSONText"]),
        shared("Bus", ["CZeroMQ", "Identity", nio, nioLocks]),
        shared("Registry", ["Identity", "Telemetry", sqlite, logging, nio, nioLocks]),
        shared("Settings", ["Identity", "Telemetry", logging]),
        shared("SIPLookup", ["CCAres", "Identity", "Telemetry", logging, nio, nioLocks]),
        shared("Telemetry", ["JSONText", logging, nio, nioLocks, nioPosix, nioHTTP, signals]),
        .executableTarget(
            name: "Frontdoor",
            dependencies: [
                "CUnixSocket", "Identity", "JSONText", "Sylkrtc", "Bus", "Registry", "Settings", "Telemetry",
                nio, nioLocks, nioPosix, nioHTTP, nioWebSocket, nioTLS, nioSSL, logging, lifecycle, signals, arguments,
                httpClient,
            ],
            path: "Sources/Frontdoor", resources: [.copy("Page")], swiftSettings: strict),
        .executableTarget(
            name: "Worker",
            dependencies: [
                "Identity", "JSONText", "Sylkrtc", "Bus", "Registry", "Settings", "SIPLookup", "Telemetry",
                nio, nioPosix, nioHTTP, nioWebSocket, logging, lifecycle, signals, arguments,
            ],
            path: "Sources/Worker", swiftSettings: strict),
        .target(name: "TestSupport", dependencies: ["Settings"], path: "Tests/TestSupport", swiftSettings: strict),
        tests(of: "Identity"),
        tests(of: "JSONText"),
        tests(of: "Sylkrtc", ["JSONText", "Identity"]),
        tests(of: "Bus", ["Identity", nio, nioEmbedded, nioPosix, nioLocks]),
        tests(of: "Registry", ["Identity", logging, nioLocks]),
        tests(of: "Settings", ["Identity"]),
        tests(of: "SIPLookup", ["Identity", "Telemetry", logging, nio, nioLocks, nioEmbedded, nioPosix]),
        tests(of: "Telemetry", ["JSONText", logging, nio, nioHTTP, nioLocks, nioPosix, nioEmbedded]),
        tests(
            of: "Frontdoor",
            [
                "Identity", "Sylkrtc", "JSONText", "Bus", "Registry", "Settings", "Telemetry", logging, nio,
                nioEmbedded, nioPosix, nioLocks,
                nioHTTP, nioWebSocket,
            ]),
        tests(
            of: "Worker",
            [
                "Identity", "Sylkrtc", "JSONText", "Bus", "Registry", "Settings", "SIPLookup", "Telemetry", logging,
                nio, nioEmbedded, nioHTTP, nioWebSocket,
            ]),
    ],
    swiftLanguageModes: [.v6]
)

// The load generator and the floors of deploy/bench-load, which asks for them.
if Context.environment["CONTINUO_BENCH"] != nil {
    package.products.append(.executable(name: "Bench", targets: ["Bench"]))
    package.targets.append(
        .executableTarget(
            name: "Bench", dependencies: ["CZeroMQ", nio, nioPosix, nioHTTP, nioWebSocket, arguments],
            path: "Tests/Bench", swiftSettings: strict))
}
