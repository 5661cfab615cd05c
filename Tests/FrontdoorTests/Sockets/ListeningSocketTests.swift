import Foundation
import Testing

@testable import Frontdoor

@Suite struct ListeningSocketTests {
    @Test func `A socket listens where it is told to, on a free port if it is told none`() throws {
        let socket = try TestSockets.listening()
        defer { socket.close() }
        let address = try #require(socket.address)
        #expect(address.hasPrefix("127.0.0.1:") && address != "127.0.0.1:0")
        #expect(try ListeningSocket.given(socket.descriptor) == socket)
    }

    @Test func `An address in use is named`() throws {
        let first = try TestSockets.listening()
        defer { first.close() }
        let address = try #require(first.address)
        #expect(throws: ListeningProblem("\(address): Address already in use")) {
            try ListeningSocket.bind(to: try #require(ListenAddress(address)))
        }
    }

    @Test
    func
        `B31 Those who share an address get their clients when they are prepared, and who does not share it gets none`()
        throws
    {
        let first = try ListeningSocket.join(try #require(ListenAddress("127.0.0.1:0")))
        defer { first.close() }
        let text = try #require(first.address)
        let address = try #require(ListenAddress(text))
        let second = try ListeningSocket.join(address)
        defer { second.close() }
        #expect(throws: ListeningProblem.self) { try ListeningSocket.bind(to: address) }
        #expect(throws: ListeningProblem.self) { try ListeningSocket.given(first.descriptor) }
        try first.prepare()
        for _ in 0..<20 { close(try TestSockets.connect(to: first)) }
        try second.prepare()
        #expect(throws: ListeningProblem.self) { try ListeningSocket.bind(to: address) }
        let alone = try TestSockets.listening()
        defer { alone.close() }
        let taken = try #require(alone.address)
        #expect(throws: ListeningProblem("\(taken): Address already in use")) {
            try ListeningSocket.join(try #require(ListenAddress(taken)))
        }
    }

    @Test func `B31 Who waits when nobody shares the socket is accepted at the end`() async throws {
        let socket = try TestSockets.listening()
        let (accepted, tell) = AsyncStream.makeStream(of: Int32.self)
        let acceptor = try Acceptor([socket], leavesNobody: true) { _, descriptor in tell.yield(descriptor) }
        let clients = try (0..<30).map { _ in try TestSockets.connect(to: socket) }
        await acceptor.stop()
        tell.finish()
        var count = 0
        for await descriptor in accepted {
            count += 1
            close(descriptor)
        }
        #expect(count == clients.count)
        for client in clients { close(client) }
    }

    @Test func `Only listening TCP sockets are taken from others, and nobody inherits them`() throws {
        let (one, other) = try TestSockets.pair()
        let connectionless = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
        let silent = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        let file = open("/dev/null", O_RDONLY)
        for descriptor in [one, other, connectionless, silent, file] {
            #expect(throws: ListeningProblem("descriptor \(descriptor) is not a listening TCP socket")) {
                try ListeningSocket.given(descriptor)
            }
            close(descriptor)
        }
        let listening = try TestSockets.listening()
        defer { listening.close() }
        #expect(fcntl(listening.descriptor, F_SETFD, 0) == 0)
        _ = try ListeningSocket.given(listening.descriptor)
        #expect(fcntl(listening.descriptor, F_GETFD) == FD_CLOEXEC)
    }

    @Test func `What nobody has accepted stays with those who share the socket`() async throws {
        let socket = try TestSockets.listening()
        let shared = try socket.duplicate()
        let (accepted, tell) = AsyncStream.makeStream(of: Int32.self)
        let first = try Acceptor([socket]) { _, _ in Issue.record("accepted after the end") }
        await first.stop()
        let client = try TestSockets.connect(to: shared)
        let second = try Acceptor([shared]) { number, descriptor in
            #expect(number == 0)
            tell.yield(descriptor)
        }
        for await descriptor in accepted {
            #expect(write(descriptor, "x", 1) == 1)
            close(descriptor)
            break
        }
        var byte: UInt8 = 0
        #expect(read(client, &byte, 1) == 1 && byte == UInt8(ascii: "x"))
        close(client)
        await second.stop()
        await second.stop()
        #expect(throws: ListeningProblem.self) { try ListeningSocket.given(shared.descriptor) }
    }
}
