import Bus
import Identity
import NIOCore
import Sylkrtc
import TestSupport
import Testing

@testable import Worker

@Suite struct FrontdoorLinksTests {
    private typealias World = LinksWorld

    private func run(_ test: (LinksWorld) throws -> Void) throws { try LinksWorld.run(test) }

    private let update = WorkerRequest.update(session: sequence(1), audio: true, video: nil, bitrate: nil)

    // MARK: Up

    @Test func `a probe is answered with a hello that says how the worker is`() throws {
        try run { world throws in
            #expect(world.door.isUp)
            #expect(world.door.status == WorkerStatus(slot: slot, load: 0, isJanusUp: true))
        }
    }

    @Test func `heartbeats carry the load, every half second`() throws {
        try run { world throws in
            world.worker.load = 5
            world.loop.advance(by: .milliseconds(750))
            world.loop.run()
            #expect(world.door.status?.load == 5)
            for _ in 0..<40 { world.loop.advance(by: .milliseconds(250)) }
            #expect(world.door.isUp)
            #expect(world.door.losses == [])
            #expect(world.worker.transcript() == [])
        }
    }

    @Test func `requests, releases and departures arrive in order, answers and events go back`() throws {
        try run { world throws in
            world.door.request(update, 3, 1)
            world.door.request(.terminate(session: sequence(1)), 3, 2)
            world.door.send(.release, [], connection(3), sequence(1))
            world.door.send(.gone, [], connection(3))
            world.loop.run()
            #expect(world.worker.transcript() == ["request 3/1", "request 3/2", "released 3/1", "gone 3"])
            world.links.answer(.ack, to: sequence(1), of: connection(3))
            world.links.tell(.state(.established), of: session(3))
            world.links.answer(.error("no"), to: sequence(2), of: connection(3))
            world.loop.run()
            #expect(world.door.transcript() == ["3/1 ack", "3/1: established", "3/2 error no"])
        }
    }

    @Test func `what is said to nobody goes nowhere`() throws {
        try run { world throws in
            world.links.answer(.ack, to: sequence(1), of: connection(1, of: frontdoorLoop(2)))
            world.links.tell(
                .state(.established),
                of: SessionID(connection: connection(1, of: frontdoorLoop(1, loop: 3)), request: sequence(1)))
            world.loop.run()
            #expect(world.door.transcript() == [])
        }
    }

    @Test func `before the list came nothing but the hello is said`() throws {
        let world = try World()
        defer {
            world.links.stop()
            world.loop.end()
        }
        world.door.isMute = true
        try world.door.connect()
        world.loop.run()
        world.links.answer(.ack, to: sequence(1), of: connection(1))
        world.loop.advance(by: .seconds(1))
        #expect(world.door.transcript() == [])
    }

    // MARK: Confused front doors

    @Test(arguments: [
        "", "{}", "nonsense", #"{"request":"join"}"#,
        #"{"request":"terminate","session":"x"}"#,
    ])
    func `an unusable request is answered, and the link goes on`(body: String) throws {
        try run { world throws in
            world.door.send(.request, Array(body.utf8), connection(3), sequence(9))
            world.door.request(update, 3, 10)
            world.loop.run()
            #expect(world.door.transcript() == ["3/9 error internal error"])
            #expect(world.worker.transcript() == ["request 3/10"])
        }
    }

    @Test func `what a newer front door says beyond what is known is passed over, and its requests are answered`()
        throws
    {
        try run { world throws in
            for number in UInt64(1)...100 {
                world.door.send(.unrecognized, Array("{}".utf8), connection(3), sequence(number))
                world.door.send(.request, Array(#"{"request":"dance"}"#.utf8), connection(3), sequence(number))
            }
            world.door.request(update, 3, 200)
            world.loop.run()
            #expect(world.door.transcript() == (1...100).map { "3/\($0) error not available yet" })
            #expect(world.worker.transcript() == ["request 3/200"])
            #expect(world.door.losses == [])
        }
    }

    @Test func `what breaks the rules of links costs that front door its link, and no other`() throws {
        let offences: [(ScriptedFrontdoor) -> Void] = [
            { $0.send(.request, [], nil, sequence(1)) }, { $0.send(.request, [], connection(1), nil) },
            { $0.send(.release, [], connection(1), nil) }, { $0.send(.gone) }, { $0.send(.list, Array("{".utf8)) },
            { $0.send(.answer) }, { $0.send(.event) }, { $0.send(.resynced) },
            { $0.send(.invitation, [], connection(1)) },
            { $0.send(.gone, [], connection(1, of: frontdoorLoop(2))) },
            { $0.send(.gone, [], connection(1, of: frontdoorLoop(1, incarnation: 99))) },
            { $0.send(.gone, [], connection(1, of: frontdoorLoop(1, loop: 1))) }, { $0.sendRaw([1, 2, 3]) },
            { $0.sendRaw(Array(repeating: 0xFF, count: 200)) },
        ]
        for (index, offend) in offences.enumerated() {
            try run { world in
                let other = world.anotherDoor(2)
                try other.connect()
                world.loop.run()
                _ = world.worker.transcript()
                offend(world.door)
                world.door.request(update, 1, 5)
                other.request(update, 1, 6)
                world.loop.run()
                #expect(world.worker.transcript() == ["1 lost", "request 1/6"], "offence \(index)")
                for _ in 0..<16 { world.loop.advance(by: .milliseconds(250)) }
                #expect(world.door.losses.count == 1, "it hears nothing more and gives up")
                #expect(other.losses == [])
            }
        }
    }

    @Test(arguments: 1...10)
    func `no bytes trap`(seed: UInt64) throws {
        try run { world in
            var random = SeededGenerator(seed: seed)
            for _ in 0..<100 {
                var bytes = (0..<Int(random.next() % 160) + 1).map { _ in UInt8(truncatingIfNeeded: random.next()) }
                if random.next() % 2 == 0, bytes.count > 4 {
                    bytes.replaceSubrange(0..<4, with: [0x10, bytes[1] % 10, 0, 74])
                }
                world.door.sendRaw(bytes)
                world.loop.run()
                try world.door.connect()
                world.loop.run()
            }
            #expect(world.door.isUp)
        }
    }

    // MARK: Losses

    @Test func `a gap costs the link; nothing behind it counts`() throws {
        try run { world throws in
            world.network.dropNext(.toWorker, world.door.routingID, at: "w")
            for number in UInt64(1)...3 { world.door.request(update, 1, number) }
            world.loop.run()
            #expect(world.worker.transcript() == ["1 lost"])
        }
    }

    @Test func `a message that comes twice costs the link`() throws {
        try run { world throws in
            world.network.duplicateNext(.toWorker, world.door.routingID, at: "w")
            world.door.request(update, 1, 1)
            world.loop.run()
            #expect(world.worker.transcript() == ["request 1/1", "1 lost"])
        }
    }

    @Test func `a front door that is silent for three seconds is lost`() throws {
        try run { world throws in
            world.door.isMute = true
            world.loop.advance(by: .milliseconds(2900))
            #expect(world.worker.transcript() == [])
            world.loop.advance(by: .milliseconds(500))
            #expect(world.worker.transcript() == ["1 lost"])
        }
    }

    @Test func `a newer link replaces the older, whose messages count no more`() throws {
        try run { world in
            let old = world.door
            let young = world.anotherDoor(1)
            try young.connect(as: 2)
            old.request(update, 1, 1)
            world.loop.run()
            #expect(world.worker.transcript() == ["1 lost", "1 lists 0"])
            young.request(update, 1, 2)
            old.request(update, 1, 3)
            world.links.answer(.ack, to: sequence(2), of: connection(1))
            world.loop.run()
            #expect(world.worker.transcript() == ["request 1/2"])
            #expect(old.transcript() == [])
            #expect(young.transcript() == ["1/2 ack"])
        }
    }

    @Test func `an older link is a ghost`() throws {
        try run { world in
            try world.door.connect(as: 9)
            world.loop.run()
            _ = world.worker.transcript()
            let ghost = world.anotherDoor(1)
            try ghost.connect(as: 3)
            world.loop.run()
            #expect(world.worker.transcript() == [])
            #expect(ghost.hellos == 0)
        }
    }

    @Test func `a connection that was made anew is told by a second hello`() throws {
        try run { world throws in
            world.network.reconnect(world.door.routingID, at: "w")
            world.loop.run()
            #expect(world.worker.transcript() == ["1 lost"])
            #expect(world.door.losses.count == 1)
        }
    }

    @Test func `a message that does not leave costs the link`() throws {
        try run { world throws in
            for _ in 0...(Int(BusLimits.sendHighWaterMark)) {
                world.links.answer(.ack, to: sequence(1), of: connection(1))
            }
            #expect(world.worker.transcript() == ["1 lost"])
        }
    }

    @Test func `after the stop nothing is heard or said`() throws {
        try run { world throws in
            world.links.stop()
            world.door.request(update, 1, 1)
            world.links.answer(.ack, to: sequence(1), of: connection(1))
            world.loop.advance(by: .seconds(10))
            #expect(world.worker.transcript() == [])
            #expect(world.door.transcript() == [])
        }
    }

    // MARK: Holding

    @Test func `what arrives while nobody can serve it waits, in order, and the link stays up`() throws {
        try run { world throws in
            world.links.hold()
            world.door.request(update, 3, 1)
            world.door.send(.gone, [], connection(3))
            for _ in 0..<20 { world.loop.advance(by: .milliseconds(250)) }
            #expect(world.worker.transcript() == [])
            #expect(world.door.isUp)
            world.links.unhold()
            #expect(world.worker.transcript() == ["request 3/1", "gone 3"])
        }
    }

    @Test func `what a link that is lost meanwhile has left counts for nothing`() throws {
        try run { world throws in
            world.links.hold()
            world.door.request(update, 3, 1)
            world.loop.run()
            world.network.reconnect(world.door.routingID, at: "w")
            world.loop.run()
            world.links.unhold()
            #expect(world.worker.transcript() == ["1 lost"])
        }
    }

    @Test func `renewed links list again what they hold`() throws {
        try run { world throws in
            world.door.isPersistent = true
            world.door.request(.join(joining("alice")), 1, 1)
            world.loop.run()
            #expect(world.worker.transcript() == ["request 1/1"])
            world.links.hold()
            world.links.renew("Janus is lost")
            world.loop.run()
            #expect(world.worker.transcript() == ["1 lost", "1 lost"], "the old one, and its answer to a second hello")
            world.links.unhold()
            #expect(world.worker.transcript() == ["1 lists 1"])
            #expect(world.door.hellos == 2)
        }
    }

    @Test func `an earlier life of a front door is a ghost, and a new one ends its links`() throws {
        try run { world in
            let young = world.anotherDoor(1, incarnation: 101)
            try young.connect()
            world.loop.run()
            #expect(world.worker.transcript() == ["1 lost", "1 lists 0"])
            world.door.request(update, 1, 1)
            try world.door.connect()
            world.loop.run()
            #expect(world.worker.transcript() == [])
        }
    }

    // MARK: Acknowledgements

    @Test func `what waits for an acknowledgement is done when all that was said is taken`() throws {
        try run { world throws in
            world.links.answer(.ack, to: sequence(1), of: connection(1))
            world.links.whenAcknowledged(by: frontdoor) { world.worker.lines.append("taken") }
            world.loop.run()
            #expect(world.worker.transcript() == [], "taken, but not yet said so")
            world.loop.advance(by: .milliseconds(500))
            world.loop.run()
            #expect(world.worker.transcript() == ["taken"])
        }
    }

    @Test func `what waits for an acknowledgement is forgotten with the link: the next one says it again`() throws {
        try run { world throws in
            world.links.answer(.ack, to: sequence(1), of: connection(1))
            world.links.whenAcknowledged(by: frontdoor) { world.worker.lines.append("first") }
            world.links.whenAcknowledged(by: frontdoor) { world.worker.lines.append("second") }
            world.door.isMute = true
            world.loop.advance(by: .seconds(4))
            #expect(world.worker.transcript() == ["1 lost"])
            world.links.whenAcknowledged(by: frontdoor) { world.worker.lines.append("third") }
            #expect(world.worker.transcript() == [])
        }
    }
}
