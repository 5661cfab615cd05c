import Bus
import Identity
import NIOCore
import Registry
import Sylkrtc
import TestSupport
import Testing

@testable import Worker

/// A front door that says anything at all, beside one that is in its right mind: that one is served as if it were alone.
@Suite struct ConfusedFrontdoorTests {
    private let update = WorkerRequest.update(session: sequence(1), audio: true, video: nil, bitrate: nil)

    /// A hello can only be sent as bytes.
    private static let kinds = MessageKind.allCases.filter { $0 != .hello }

    /// A second front door, which nobody expects to keep any promise.
    private func confused(_ world: CoreWorld, as number: Int = 2) throws -> ScriptedFrontdoor {
        let door = ScriptedFrontdoor(frontdoorLoop(number), world.network, at: world.endpoint, on: world.loop)
        door.isPersistent = true
        try door.connect()
        world.settle()
        try #require(door.isUp)
        return door
    }

    /// The well-behaved one's conference goes on.
    private func expectServed(_ world: CoreWorld, _ number: UInt64, _ comment: String = "") {
        world.request(update, 1, number)
        #expect(world.said == ["1/\(number) ack"], "\(comment)")
        #expect(world.door.losses == [], "\(comment)")
    }

    @Test(arguments: UInt64(1)...6)
    func `whatever a front door sends in whatever envelope, another one's conference goes on`(seed: UInt64) throws {
        try CoreWorld.run { world in
            try world.join("alice", 1)
            let door = try confused(world)
            var bodies = Mutator(Corpus("bodies"), seed: seed)
            var random = SeededGenerator(seed: seed)
            for _ in 0..<250 {
                let kind = Self.kinds.randomElement(using: &random) ?? .request
                let owner = random.next() % 20 == 0 ? frontdoor : door.owner
                let connection = ConnectionID(owner: owner, number: random.next() % 4)
                door.send(
                    random.next() % 3 > 0 ? .request : kind, bodies.next(), random.next() % 10 == 0 ? nil : connection,
                    random.next() % 10 == 0 ? nil : sequence(random.next() % 12), isRepeat: random.next() % 2 == 0)
                if random.next() % 8 == 0 { world.settle() }
                if random.next() % 40 == 0 { try door.connect() }
            }
            world.settle()
            expectServed(world, 500, "seed \(seed)")
            door.die()
            // Its sessions end with it, a few seconds later.
            for _ in 0..<12 { world.elapse(.seconds(1)) }
            expectServed(world, 501, "seed \(seed)")
            #expect(world.core.conferences?.load == 1, "seed \(seed)")
            #expect(world.core.links?.count == 1, "seed \(seed)")
            #expect(world.ends == [])
        }
    }

    @Test(arguments: UInt64(1)...4)
    func `whatever bytes a front door sends, another one's conference goes on`(seed: UInt64) throws {
        try CoreWorld.run { world in
            try world.join("alice", 1)
            let door = try confused(world)
            let valid = door.rawRequest(.join(joining("bob")), 1, 1)
            var random = SeededGenerator(seed: seed)
            for _ in 0..<200 {
                var bytes = valid
                for _ in 0...Int(random.next() % 6) {
                    bytes[Int(random.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: random.next())
                }
                door.sendRaw(Array(bytes.prefix(Int(random.next() % UInt64(bytes.count)) + 1)))
                try door.connect()
                world.settle()
            }
            expectServed(world, 500, "seed \(seed)")
            door.die()
        }
    }

    @Test func `joins of one connection are refused from a bound on, and those of others are not`() throws {
        try CoreWorld.run { world in
            try world.join("alice", 1)
            let door = try confused(world)
            let count = Conferences.maximumOfConnection + 20
            for number in 1...count {
                door.request(.join(joining("bob\(number)", "room\(number)@example.com")), 5, UInt64(number))
            }
            world.settle()
            let refused = door.transcript().filter { $0.hasSuffix("error too many sessions") }
            #expect(refused.count == 20)
            #expect(world.core.conferences?.load == Conferences.maximumOfConnection + 1)
            expectServed(world, 500)
            world.request(.join(joining("carol", "another@example.com")), 2, 1)
            #expect(world.said.first == "2/1 ack")
            door.close(5)
            world.settle()
            #expect(world.core.conferences?.load == 2)
            door.die()
        }
    }

    @Test func `requests about one session are refused from a bound on, each answered once`() throws {
        try CoreWorld.run { world in
            try world.join("alice", 1)
            let door = try confused(world)
            door.request(.join(joining("bob")), 5, 1)
            world.settle()
            _ = door.transcript()
            world.janus.interfere = { $0.name == "message configure" ? .hold : .proceed }
            let count = SessionQueue.maximum + 50
            for number in 1...UInt64(count) { door.request(update, 5, 1 + number) }
            world.settle()
            #expect(door.transcript().count { $0.hasSuffix("error too many requests") } == 49, "one is under way")
            world.janus.interfere = { _ in .proceed }
            world.janus.releaseHeld()
            world.settle()
            #expect(door.transcript().count { $0.hasSuffix(" ack") } == SessionQueue.maximum + 1)
            #expect(door.book.violations == [])
            #expect(door.book.waiting.isEmpty)
            expectServed(world, 500)
            door.die()
        }
    }

    @Test func `trickles under way are bounded, and all are answered`() throws {
        try CoreWorld.run { world in
            try world.join("alice", 1)
            world.janus.interfere = { $0.type == "trickle" ? .hold : .proceed }
            for number in 1...UInt64(400) {
                world.door.request(.trickle(session: sequence(1), candidates: [candidate("c")]), 1, 100 + number)
            }
            world.settle()
            #expect(world.janus.count("trickle") == SessionQueue.maximum)
            world.janus.interfere = { _ in .proceed }
            world.janus.releaseHeld()
            world.settle()
            #expect(world.said.count { $0.hasSuffix(" ack") } == 400)
        }
    }

    @Test func `releases and goodbyes of sessions that nobody has leave nothing behind`() throws {
        try CoreWorld.run { world in
            try world.join("alice", 1)
            let door = try confused(world)
            for number in UInt64(1)...1000 {
                door.send(.release, [], connection(number, of: door.owner), sequence(number))
                door.send(.gone, [], connection(number, of: door.owner))
                if number.isMultiple(of: 500) { world.settle() }
            }
            world.settle()
            #expect(door.losses == [])
            expectServed(world, 500)
            #expect(try world.sessions().count == 1)
            door.die()
        }
    }

    @Test func `sessions of another front door cannot be listed, asked about, released or said to be gone`() throws {
        try CoreWorld.run { world in
            try world.join("alice", 1)
            let theirs = connection(1, of: frontdoor)
            let entry = ConnectionList.Entry(session: session(1), told: .publisher(ToldState(isAcked: true)))
            let offences: [(ScriptedFrontdoor) -> Void] = [
                { $0.send(.request, WorkerRequest.terminate(session: sequence(1)).encoded, theirs, sequence(77)) },
                { $0.send(.request, WorkerRequest.join(joining("mallory")).encoded, theirs, sequence(78)) },
                { $0.send(.release, [], theirs, sequence(1)) }, { $0.send(.gone, [], theirs) },
                { $0.send(.list, ConnectionList(sessions: [entry]).encoded) },
                { $0.send(.list, ConnectionList(releases: [session(1)]).encoded) },
            ]
            for (index, offend) in offences.enumerated() {
                let door = try confused(world, as: 2 + index)
                offend(door)
                world.settle()
                expectServed(world, 500 + UInt64(index), "offence \(index)")
                door.die()
            }
            #expect(world.core.conferences?.load == 1)
        }
    }

    @Test func `requests before the list, duplicates of numbers and gaps cost that link only`() throws {
        try CoreWorld.run { world in
            try world.join("alice", 1)
            for number in UInt64(0)..<6 {
                let door = try confused(world, as: 2 + Int(number))
                let bytes = door.rawRequest(update, 3, 1)
                // Its number again, and one too high.
                door.sendRaw(bytes)
                if number.isMultiple(of: 2) { door.sendRaw(bytes) }
                var later = bytes
                later[31] &+= 7
                door.sendRaw(later)
                world.settle()
                expectServed(world, 500 + number)
                door.die()
            }
            let early = frontdoorLoop(99)
            let socket = try world.network.connect(
                world.endpoint, as: RoutingID(owner: early, link: 1), on: world.loop
            ) { _ in }
            var message = ByteBuffer()
            Envelope(
                kind: .request, source: early.incarnation, destination: try world.row().incarnation, link: 1,
                sequence: 1, acknowledged: 0, connection: connection(1, of: early), request: sequence(1)
            ).encode(into: &message)
            message.writeBytes(update.encoded)
            _ = socket.send(message)
            world.settle()
            expectServed(world, 600)
            socket.close()
        }
    }
}
