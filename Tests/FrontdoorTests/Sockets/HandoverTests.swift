import Bus
import Foundation
import Identity
import Testing

@testable import Frontdoor

@Suite struct HandoverTests {
    @Test func `Descriptors go from process to process and stay the same sockets`() throws {
        let (one, other) = try TestSockets.pair()
        let sockets = [try TestSockets.listening(), try TestSockets.listening()]
        try DescriptorMessage.sockets(sockets).send(over: one)
        guard case .sockets(let received) = try DescriptorMessage.receive(from: other) else {
            Issue.record("no sockets")
            return
        }
        #expect(received.map(\.address) == sockets.map(\.address))
        #expect(Set(received.map(\.descriptor)).isDisjoint(with: sockets.map(\.descriptor)))
        for socket in received + sockets { socket.close() }
        close(one)
        close(other)
    }

    @Test func `Answers without descriptors, and the other's end`() throws {
        let (one, other) = try TestSockets.pair()
        try DescriptorMessage.nothing.send(over: one)
        try DescriptorMessage.accepting.send(over: one)
        close(one)
        #expect(try DescriptorMessage.receive(from: other) == .nothing)
        #expect(try DescriptorMessage.receive(from: other) == .accepting)
        #expect(try DescriptorMessage.receive(from: other) == nil)
        #expect(throws: ListeningProblem("hand-over: Broken pipe")) {
            try DescriptorMessage.accepting.send(over: other)
        }
        close(other)
    }

    @Test(arguments: ["S", "x"])
    func `What is not understood is refused`(byte: String) throws {
        let (one, other) = try TestSockets.pair()
        #expect(write(one, byte, 1) == 1)
        #expect(throws: ListeningProblem("hand-over: the other front door is not understood")) {
            try DescriptorMessage.receive(from: other)
        }
        close(one)
        close(other)
    }

    @Test func `A descriptor that does not listen is refused`() throws {
        let (one, other) = try TestSockets.pair()
        try DescriptorMessage.sockets([ListeningSocket(descriptor: one)]).send(over: one)
        #expect(throws: ListeningProblem.self) { try DescriptorMessage.receive(from: other) }
        close(one)
        close(other)
    }

    @Test func `A front door's sockets are given until it stops, and it hears when they are used`() async throws {
        let path = try path()
        #expect(try TakeOver.ask(at: path) == nil, "there is nobody yet")
        let socket = try TestSockets.listening()
        let address = socket.address
        let (handovers, tell) = AsyncStream.makeStream(of: Void.self)
        let server = try HandoverServer(at: path, sockets: [socket], logger: .silent) { tell.yield() }
        var status = stat()
        #expect(stat(path.path, &status) == 0 && status.st_mode & 0o777 == 0o600)

        // One that goes away again without accepting changes nothing.
        let first = try #require(try TakeOver.ask(at: path))
        first.giveUp()
        let second = try #require(try TakeOver.ask(at: path))
        #expect(second.sockets.map(\.address) == [address])
        try second.accepting()
        for await _ in handovers { break }
        server.stop()
        server.stop()
        #expect(try TakeOver.ask(at: path) == nil)
        #expect(stat(path.path, &status) != 0)
        for socket in second.sockets { socket.close() }
    }

    @Test func `What a front door gives in return is closed`() throws {
        let path = try path()
        let socket = try TestSockets.listening()
        let server = try HandoverServer(at: path, sockets: [socket], logger: .silent) {}
        defer { server.stop() }
        let peer = try TestSockets.connect(to: path)
        let given = try #require(try DescriptorMessage.receive(from: peer))
        if case .sockets(let sockets) = given { for socket in sockets { socket.close() } }
        let gift = try TestSockets.listening()
        let client = try TestSockets.connect(to: gift)
        try DescriptorMessage.sockets([gift]).send(over: peer)
        gift.close()
        // Whoever has connected there hears of it when the last descriptor is closed.
        var waiting = pollfd(fd: client, events: Int16(POLLIN), revents: 0)
        #expect(poll(&waiting, 1, 10_000) == 1)
        close(client)
        close(peer)
    }

    private func path() throws -> IPCPath {
        // Short: it is a socket's.
        let folder = "/tmp/fd-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
        return try HandoverServer.path(of: try #require(FrontdoorID(7)), in: folder)
    }
}
