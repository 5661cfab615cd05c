import NIOCore
import NIOEmbedded
import Testing

@testable import Frontdoor

/// A loop that drains, and its clients.
@Suite struct DrainingTests {
    /// A loop with a worker that serves.
    private func serving() throws -> TestDoor {
        let door = try TestDoor()
        try door.addWorker()
        return door
    }

    /// - Returns: how many clients there were, and whether none is left.
    private func drain(_ door: TestDoor) -> (clients: Int, isEmpty: NIOLoopBoundBox<Bool>) {
        let isEmpty = NIOLoopBoundBox(false, eventLoop: door.loop)
        return (door.door.startDraining { isEmpty.value = true }, isEmpty)
    }

    @Test func `Clients are served while a loop drains, until the last has left`() throws {
        let door = try serving()
        let clients = [try TestClient(door), try TestClient(door)]
        for client in clients { #expect(try client.frames() == [TestClient.ready]) }
        #expect(!door.door.isDraining)
        let (count, isEmpty) = drain(door)
        #expect(count == 2 && door.door.isDraining)
        try clients[0].ask(.addAccount())
        #expect(try clients[0].frames() == [TestClient.ack()])
        clients[0].channel.close(promise: nil)
        door.loop.run()
        #expect(!isEmpty.value)
        try clients[1].ask(.addAccount())
        #expect(try clients[1].frames() == [TestClient.ack()])
        clients[1].channel.close(promise: nil)
        door.loop.run()
        #expect(isEmpty.value)
    }

    @Test func `A loop without clients has drained at once`() throws {
        let door = try serving()
        try TestVisitor(door).say(TestVisitor.request("/webrtcgateway/"))
        door.loop.run()
        let (count, isEmpty) = drain(door)
        #expect(count == 0 && isEmpty.value)
    }

    @Test func `Who was accepted before is let in, and who asks later is to come back`() throws {
        let door = try serving()
        let accepted = try TestVisitor(door)
        let (count, isEmpty) = drain(door)
        #expect(count == 1)
        door.pass(.seconds(4))
        try accepted.say(TestVisitor.upgrade)
        #expect(try accepted.heard().hasPrefix("HTTP/1.1 101 "))
        door.pass(.seconds(1))
        let late = try TestVisitor(door)
        try late.say(TestVisitor.upgrade)
        let head = try late.heard().split(separator: "\r\n")
        #expect(head.first == "HTTP/1.1 503 Backend is not connected")
        #expect(head.contains("Retry-After: 1"))
        #expect(!late.channel.isActive && !isEmpty.value)
    }

    @Test func `Who does not say what it wants does not keep a loop from draining`() throws {
        let door = try serving()
        let silent = try TestVisitor(door)
        let (_, isEmpty) = drain(door)
        door.pass(.seconds(5))
        #expect(!silent.channel.isActive && isEmpty.value)
    }

    @Test func `Who waits for ready while a loop drains is turned away as ever`() throws {
        let door = try TestDoor()
        let worker = try door.addWorker()
        worker.isJanusUp = false
        door.pass(.seconds(1))
        let client = try TestClient(door)
        #expect(try client.frames() == [])
        _ = drain(door)
        door.pass(.seconds(5))
        #expect(try client.frames() == [TestClient.closing(3000, ConnectionStateMachine.noWorkerText)])
    }
}
