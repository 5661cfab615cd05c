import Bus
import Identity
import NIOCore
import Sylkrtc
import Testing

@testable import Worker

/// What a front door that is confused can make the worker keep.
@Suite struct LinkBoundsTests {
    private let update = WorkerRequest.update(session: sequence(1), audio: true, video: nil, bitrate: nil)
    private let megabyte = [UInt8](repeating: UInt8(ascii: " "), count: BusLimits.maximumBody - 64)

    private func pass(_ time: TimeAmount, _ world: LinksWorld) {
        var left = time
        while left > .zero {
            world.loop.advance(by: min(left, .milliseconds(250)))
            world.loop.run()
            left = left - .milliseconds(250)
        }
    }

    private func probe(_ number: Int, incarnation: UInt64 = 100, loop: UInt16 = 0, _ world: LinksWorld) throws
        -> any DealerSocket
    {
        try world.network.connect(
            "w", as: RoutingID(owner: frontdoorLoop(number, incarnation: incarnation, loop: loop), link: 1),
            on: world.loop
        ) { _ in }
    }

    @Test func `whoever only probes is forgotten, and nobody else is`() throws {
        try LinksWorld.run { world in
            for number in 2...LinkBounds.greeting + 300 {
                _ = try probe(number, world)
                if number.isMultiple(of: 100) { world.loop.run() }
            }
            world.loop.run()
            #expect(world.links.count <= LinkBounds.greeting + 1)
            world.door.request(update, 1, 1)
            world.loop.run()
            #expect(world.worker.transcript().last == "request 1/1")
            pass(.seconds(4), world)
            #expect(world.links.count == 1)
            #expect(world.door.losses == [])
        }
    }

    @Test func `only so many links are kept, and those that are there stay`() throws {
        try LinksWorld.run(maximum: 20) { world in
            var doors: [ScriptedFrontdoor] = []
            for number in 2...30 {
                let door = world.anotherDoor(number)
                try door.connect()
                doors.append(door)
                world.loop.run()
            }
            #expect(world.links.count == 20)
            #expect(doors.count { $0.isUp } == 19)
            world.door.request(update, 1, 1)
            world.loop.run()
            #expect(world.worker.transcript().last == "request 1/1")
            for door in doors { door.die() }
        }
    }

    @Test func `the life of a front door is forgotten when it has been away for long`() throws {
        try LinksWorld.run { world in
            let impostor = world.anotherDoor(1, incarnation: .max)
            try impostor.connect()
            world.loop.run()
            #expect(world.worker.transcript() == ["1 lost", "1 lists 0"])
            impostor.die()
            try world.door.connect()
            pass(.seconds(4), world)
            #expect(world.worker.transcript() == ["1 lost"], "the earlier life is a ghost")
            pass(LinkBounds.memory, world)
            try world.door.connect()
            world.loop.run()
            #expect(world.worker.transcript() == ["1 lists 0"])
        }
    }

    // MARK: Lists

    @Test func `a list that does not end costs the link, however long it is`() throws {
        try LinksWorld.run { world in
            let door = world.anotherDoor(2)
            door.isMute = true
            var machine = DealerLinkStateMachine(
                frontdoor: door.owner.incarnation, link: 1, openedAt: world.loop.now)
            let socket = try connect(door.owner, &machine, world)
            var sent = 0
            while world.worker.lines.isEmpty, sent < 200 {
                let part = Array(#"{"sessions":[],"releases":[],"last":false}"#.utf8) + megabyte
                let envelope = machine.stamp(.list)
                var message = ByteBuffer()
                envelope.encode(into: &message)
                message.writeBytes(part)
                #expect(socket.send(message) == .sent)
                world.loop.run()
                #expect(world.links.heldBytes <= LinkBounds.listed)
                sent += 1
            }
            #expect(world.worker.transcript() == ["2 lost"])
            #expect(world.links.heldBytes == 0)
            #expect((94...97).contains(sent), "\(sent) MiB")
        }
    }

    /// Connects as a front door that does not end its list.
    private func connect(
        _ owner: FrontdoorLoopID, _ machine: inout DealerLinkStateMachine, _ world: LinksWorld
    ) throws -> any DealerSocket {
        var hellos: [Envelope] = []
        let socket = try world.network.connect("w", as: RoutingID(owner: owner, link: 1), on: world.loop) { message in
            var message = message
            if let envelope = try? Envelope.decode(from: &message) { hellos.append(envelope) }
        }
        world.loop.run()
        let hello = try #require(hellos.first)
        _ = machine.received(hello, at: world.loop.now)
        return socket
    }

    @Test func `a list that stands still costs the link after ten seconds`() throws {
        try LinksWorld.run { world in
            let owner = frontdoorLoop(2)
            var machine = DealerLinkStateMachine(frontdoor: owner.incarnation, link: 1, openedAt: world.loop.now)
            let socket = try connect(owner, &machine, world)
            func say(_ kind: MessageKind, _ body: [UInt8] = []) {
                let envelope = machine.stamp(kind)
                var message = ByteBuffer()
                envelope.encode(into: &message)
                message.writeBytes(body)
                _ = socket.send(message)
            }
            say(.list, ConnectionList(isLast: false).encoded)
            for _ in 0..<19 {
                say(.heartbeat)
                pass(.milliseconds(500), world)
            }
            #expect(world.worker.transcript() == [])
            say(.heartbeat)
            pass(.seconds(1), world)
            #expect(world.worker.transcript() == ["2 lost"])
        }
    }

    // MARK: Messages that wait

    /// A request that is as long as it says.
    private func long(_ request: WorkerRequest, _ bytes: Int = 1 << 20) -> [UInt8] {
        request.encoded + [UInt8](repeating: UInt8(ascii: " "), count: bytes - request.encoded.count)
    }

    private func refusals(_ door: ScriptedFrontdoor) -> Int {
        door.transcript().count { $0.hasSuffix("error too many requests") }
    }

    @Test func `requests beyond what may wait while nobody serves are answered, and the link stays`() throws {
        try LinksWorld.run { world in
            world.links.hold()
            for number in UInt64(1)...40 { world.door.send(.request, long(update), connection(1), sequence(number)) }
            world.loop.run()
            #expect(world.links.heldBytes <= LinkBounds.waiting)
            #expect(refusals(world.door) == 9)
            world.door.request(update, 2, 1)
            world.loop.run()
            #expect(refusals(world.door) == 0, "few that ask much do not take the place of the others")
            world.links.unhold()
            let served = world.worker.transcript()
            #expect(served.count { $0.hasPrefix("request 1/") } == 31)
            #expect(served.last == "request 2/1")
            #expect(world.links.heldBytes == 0)
        }
    }

    @Test func `connections that ask little are refused when twice as much waits`() throws {
        try LinksWorld.run { world in
            world.links.hold()
            let count = 2 * LinkBounds.waiting / (LinkBounds.share / 2)
            for number in 1...UInt64(count) {
                world.door.send(
                    .request, long(update, LinkBounds.share / 2), connection(number), sequence(1))
                if number.isMultiple(of: 500) { world.loop.run() }
            }
            world.loop.run()
            #expect((1...20).contains(refusals(world.door)), "their headers count, too")
            #expect(world.worker.transcript() == [])
        }
    }

    @Test func `what a refused request may have created is given up`() throws {
        try LinksWorld.run { world in
            world.links.hold()
            for number in UInt64(1)...31 { world.door.send(.request, long(update), connection(1), sequence(number)) }
            world.door.send(.request, long(.join(joining("alice"))), connection(1), sequence(50))
            world.loop.run()
            #expect(refusals(world.door) == 1)
            world.links.unhold()
            #expect(world.worker.transcript().last == "released 1/50")
        }
    }

    @Test func `requests that are listed beyond what may wait are answered, and the list goes on`() throws {
        try LinksWorld.run { world in
            let owner = frontdoorLoop(2)
            var machine = DealerLinkStateMachine(frontdoor: owner.incarnation, link: 1, openedAt: world.loop.now)
            let socket = try connect(owner, &machine, world)
            func say(_ kind: MessageKind, _ body: [UInt8], _ number: UInt64? = nil) {
                let envelope = machine.stamp(
                    kind, connection: number.map { _ in connection(1, of: owner) }, request: number.map { sequence($0) }
                )
                var message = ByteBuffer()
                envelope.encode(into: &message)
                message.writeBytes(body)
                _ = socket.send(message)
            }
            say(.list, ConnectionList(isLast: false).encoded)
            for number in UInt64(1)...40 { say(.request, long(.join(joining("alice"))), number) }
            say(.list, ConnectionList().encoded)
            world.loop.run()
            #expect(world.worker.transcript() == ["2 lists 0"])
            #expect(world.worker.listing?.requests.count == 31)
            #expect(world.worker.listing?.releases.count == 9)
            #expect(world.links.heldBytes == 0)
        }
    }

    @Test func `what waits of all links together is bounded`() throws {
        try LinksWorld.run { world in
            let doors = try (2...12).map { number in
                let door = world.anotherDoor(number)
                try door.connect()
                return door
            }
            world.loop.run()
            world.links.hold()
            for number in 1...30 {
                for door in doors {
                    let connection = connection(1, of: door.owner)
                    door.send(.request, long(update), connection, sequence(UInt64(number)))
                }
                world.loop.run()
                #expect(world.links.heldBytes <= LinkBounds.allWaiting)
            }
            #expect(!world.worker.transcript().contains { $0.hasSuffix("lost") })
            #expect(doors.map { refusals($0) }.reduce(0, +) > 50)
            for door in doors { door.die() }
        }
    }

    @Test func `requests that cannot be read are answered until they are too many`() throws {
        try LinksWorld.run { world in
            for number in 1...LinkBounds.unusable {
                world.door.send(.request, [], connection(1), sequence(UInt64(number)))
            }
            world.loop.run()
            #expect(world.door.transcript().count == LinkBounds.unusable)
            #expect(world.worker.transcript() == [])
            world.door.send(.request, [], connection(1), sequence(9999))
            world.loop.run()
            #expect(world.worker.transcript() == ["1 lost"])
        }
    }

    // MARK: Acknowledgements

    @Test func `bytes count until everything sent before them is acknowledged`() {
        var bytes = UnacknowledgedBytes()
        bytes.sent(10, as: 1, acknowledged: 0)
        bytes.sent(20, as: 2, acknowledged: 0)
        #expect(bytes.bytes == 30)
        bytes.sent(5, as: 3, acknowledged: 1)
        #expect(bytes.bytes == 25, "the first is taken")
        bytes.sent(1, as: 4, acknowledged: 4)
        bytes.sent(1, as: 5, acknowledged: 5)
        #expect(bytes.bytes <= 2)
    }

    @Test func `a front door that reads and never acknowledges loses its link`() throws {
        let peer = RoutingID(owner: frontdoor, link: 1)
        var machine = RouterLinkStateMachine(worker: Incarnation(rawValue: 7), peer: peer)
        _ = machine.probed(at: .now())
        _ = machine.stamp(.hello)
        func fill(_ bytes: Int, _ count: Int) -> Int {
            var link = FrontdoorLink(machine: machine, at: .now())
            var sent = 0
            while link.isAcknowledging, sent < count {
                _ = link.machine.stamp(.heartbeat)
                link.sent(bytes)
                sent += 1
            }
            return sent
        }
        #expect(fill(100, 100_000) == LinkBounds.unacknowledged)
        #expect(fill(1 << 20, 1000) == 65)
    }
}
