import Foundation
import Telemetry
import Testing

@testable import Worker

/// The protocol of sd_notify(3), both ends of it.
@Suite struct SupervisorTests {
    @Test func `beats reach who listens, and count only from the process that is watched`() throws {
        let listener = try #require(BeatListener())
        #expect(listener.name.hasPrefix("@"))
        #expect(listener.heard(from: getpid()) == [])
        let supervisor = try #require(Supervisor(environment: ["NOTIFY_SOCKET": listener.name]))
        try supervisor.tell(.ready)
        #expect(listener.heard(from: getpid()) == [.ready])
        try supervisor.tell(.alive)
        try supervisor.tell(.stopping)
        #expect(listener.heard(from: getpid()) == [.alive, .stopping])
        try supervisor.tell(.alive)
        #expect(listener.heard(from: 1) == [], "somebody else's")
    }

    @Test func `a socket with a path is spoken to, too`() throws {
        let directory = TemporaryDirectory()
        let path = "\(directory.path)/notify"
        let address = try #require(UnixAddress(path))
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
        defer { close(descriptor) }
        #expect(address.withSocketAddress { bind(descriptor, $0, $1) } == 0)
        let supervisor = try #require(Supervisor(environment: ["NOTIFY_SOCKET": path]))
        for notice in [Supervisor.Notice.ready, .alive, .stopping] {
            try supervisor.tell(notice)
            var text = [UInt8](repeating: 0, count: 64)
            let count = recv(descriptor, &text, text.count, 0)
            #expect(String(decoding: text.prefix(max(count, 0)), as: UTF8.self) == notice.rawValue)
        }
    }

    @Test func `whoever does not read is not waited for`() throws {
        let listener = try #require(BeatListener())
        let supervisor = try #require(Supervisor(environment: ["NOTIFY_SOCKET": listener.name]))
        #expect(throws: Supervisor.Failure.self) {
            for _ in 0..<100_000 { try supervisor.tell(.alive) }
        }
        #expect(listener.heard(from: getpid()) == [.alive])
        try supervisor.tell(.alive)
    }

    @Test func `nobody there is said, and is no crash`() throws {
        let supervisor = try #require(Supervisor(environment: ["NOTIFY_SOCKET": "/nowhere/notify"]))
        #expect(throws: Supervisor.Failure(reason: "No such file or directory")) { try supervisor.tell(.alive) }
    }

    @Test(arguments: [
        [:], ["NOTIFY_SOCKET": ""], ["NOTIFY_SOCKET": "relative"], ["NOTIFY_SOCKET": "@"],
        ["NOTIFY_SOCKET": "/" + String(repeating: "x", count: 107)],
    ])
    func `without a usable address there is no supervisor`(environment: [String: String]) {
        #expect(Supervisor(environment: environment) == nil)
    }

    @Test(
        arguments: [
            ([:], nil),
            (["WATCHDOG_USEC": "3000000"], 3_000_000),
            (["WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "77"], 3_000_000),
            (["WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "78"], nil),
            (["WATCHDOG_USEC": "0"], nil),
            (["WATCHDOG_USEC": "soon"], nil),
        ] as [([String: String], UInt64?)])
    func `a watchdog is ours when it names us, or nobody`(variables: [String: String], watchdog: UInt64?) throws {
        var environment = variables
        environment["NOTIFY_SOCKET"] = "@continuo-test"
        #expect(try #require(Supervisor(environment: environment, process: 77)).watchdog == watchdog)
    }
}
