import Bus
import Identity
import NIOCore
import Sylkrtc
import TestSupport
import Testing

@testable import Worker

/// Several participants on two front doors who do what they like, while processes die, links break and peers go.
@Suite struct ResumeRandomWalkTests {
    @Test(arguments: 1...60)
    func `whatever dies, every request is answered once, every state told once, and nothing stays`(seed: UInt64) throws
    {
        let walk = try Walk(seed: seed)
        defer { walk.world.end() }
        for _ in 0..<Int.random(in: 20...60, using: &walk.random) { try walk.step() }
        try walk.comeToRest()
    }

    private final class Walk {
        let world: CoreWorld
        let seed: UInt64
        var random: SeededGenerator
        private var connections: UInt64 = 0
        private var sequences: UInt64 = 100
        private var incarnation: UInt64 = 100
        private var log: [String] = []
        private var isLagging = false
        private var owners: [UInt64: FrontdoorLoopID] = [:]
        private var invites: [(ConnectionID, RequestSequence, UInt64)] = []
        private var hasCutDoors = false

        init(seed: UInt64) throws {
            self.seed = seed
            random = SeededGenerator(seed: seed)
            world = try CoreWorld()
            world.addDoor(frontdoorLoop(2))
            world.core.start()
            world.settle()
            for door in world.doors {
                try door.connect()
                try world.claim([], by: door.owner)
            }
            world.settle()
        }

        func step() throws {
            if world.isDead, random.next() % 3 == 0 {
                note("succeed")
                world.succeed()
            }
            switch random.next() % 29 {
            case 0...3: join()
            case 4, 5: attach()
            case 6, 7: answer()
            case 8:
                ask {
                    .feedDetach(feed: $0)
                } of: {
                    $0.isFeed
                }
            case 9:
                ask {
                    .update(session: $0, audio: true, video: nil, bitrate: 300_000)
                } of: {
                    !$0.isFeed
                }
            case 10, 11:
                ask {
                    .terminate(session: $0)
                } of: {
                    !$0.isFeed
                }
            case 12:
                ask {
                    .trickle(session: $0, candidates: [])
                } of: { _ in
                    true
                }
            case 13: kill()
            case 14: cutJanus()
            case 15: cutDoor()
            case 16: hangUp()
            case 17: closeConnection()
            case 18: try replaceDoor()
            case 19: world.elapse(.milliseconds(Int64.random(in: 1...1500, using: &random)))
            case 20, 21: _ = world.bringMediaUp()
            case 22: lag()
            case 23...25: configure()
            case 26, 27: invite()
            default: break
            }
            switch random.next() % 3 {
            case 0: world.settle()
            case 1: world.loop.run()
            default: break
            }
        }

        /// Faults end, everybody who is away comes back or is given up, and everything is as it should be.
        func comeToRest() throws {
            world.janus.queues = { _ in false }
            world.janus.releaseQueued()
            let comment = "seed \(seed): \(log.joined(separator: ", "))"
            world.live(patience: .seconds(1))
            world.elapse(.seconds(10))
            world.live(patience: .seconds(1))
            world.expectConsistency(comment)
            try world.expectAgreementOnActive(comment)
            expectInvitations(comment)
            try world.everybodyLeaves(comment)
        }

        private func note(_ what: String) { log.append(what) }

        private func pick<Element>(_ elements: [Element]) -> Element? { elements.randomElement(using: &random) }

        private func sessions(of door: ScriptedFrontdoor) -> [(SessionID, Told)] {
            door.book.sessions.sorted { $0.key.description < $1.key.description }.map { ($0.key, $0.value) }
        }

        private func next() -> UInt64 {
            sequences += 1
            return sequences
        }

        private func join() {
            guard world.doors.flatMap({ sessions(of: $0) }).filter({ !$0.1.isFeed }).count < 6,
                let door = pick(world.doors)
            else { return }
            connections += 1
            note("join \(connections)")
            owners[connections] = door.owner
            try? world.claim([("p\(connections)", connections)], by: door.owner)
            door.request(.join(joining("p\(connections)")), connections, 1)
        }

        /// Somebody who has joined invites everybody who ever came.
        private func invite() {
            guard let door = pick(world.doors),
                let (session, _) = pick(
                    sessions(of: door).filter { door.book.state($0.0)?.stage ?? .nothing >= .accepted })
            else { return }
            let number = next()
            note("invite \(session.connection.number)/\(number)")
            let everybody = (1...connections).map { account("p\($0)@example.com") }
            invites.append((session.connection, sequence(number), connections))
            door.request(
                .invite(session: session.request, participants: everybody), session.connection.number, number)
        }

        /// Whoever was there before, on a front door that still lives, has been invited, and nobody invites himself. Cut links may
        /// take longer to mend than an invitation waits.
        private func expectInvitations(_ comment: String) {
            let living = Set(world.doors.map(\.owner))
            for (source, number, count) in invites {
                let taken = world.doors.flatMap(\.invited).filter {
                    $0.source == Invitation.Source(connection: source, request: number)
                }
                #expect(!taken.contains { $0.connection == source }, "\(source) invited himself, \(comment)")
                guard acked.contains(SessionID(connection: source, request: number)), !hasCutDoors else { continue }
                let expected = (1...UInt64(count)).filter { connection in
                    owners[connection].map { living.contains($0) && connection != source.number } ?? false
                }
                #expect(taken.map(\.connection.number).sorted() == expected, "\(source)/\(number), \(comment)")
            }
        }

        private var acked: Set<SessionID> {
            Set(
                world.doors.flatMap { door in
                    door.book.acked.filter { $0.connection.owner == door.owner }
                })
        }

        private func attach() {
            guard let door = pick(world.doors),
                let (session, told) = pick(
                    sessions(of: door).filter { door.book.state($0.0)?.stage ?? .nothing >= .accepted }),
                case .publisher(let state) = told,
                let target = pick(state.announced.keys.map(\.description).sorted())
            else { return }
            let number = next()
            note("\(session.connection.number) watches \(target)")
            door.request(
                .feedAttach(base: session.request, feed: client("feed-\(number)"), publisher: target),
                session.connection.number, number)
        }

        private func answer() {
            guard let door = pick(world.doors),
                let (session, _) = pick(
                    sessions(of: door).filter { session, _ in
                        let isAsked = door.book.waiting.contains { $0.session == session }
                        return door.book.feed(session).map { $0.isOffered && !$0.isAnswered } == true && !isAsked
                    })
            else { return }
            note("answer \(session.connection.number)/\(session.request)")
            door.request(
                .feedAnswer(feed: session.request, answer: sdp("x")), session.connection.number, next())
        }

        private func ask(_ make: (RequestSequence) -> WorkerRequest, of isWanted: (Told) -> Bool) {
            guard let door = pick(world.doors), let (session, _) = pick(sessions(of: door).filter { isWanted($0.1) })
            else { return }
            let request = make(session.request)
            note("\("\(request)".prefix { $0 != "(" }) \(session.connection.number)/\(session.request)")
            door.request(request, session.connection.number, next())
        }

        /// Somebody in the room says who is prominent: one or two of those it knows, itself, nobody, or a stranger.
        private func configure() {
            guard let door = pick(world.doors),
                let (session, told) = pick(
                    sessions(of: door).filter { door.book.state($0.0)?.stage ?? .nothing >= .accepted }),
                case .publisher(let state) = told
            else { return }
            let known = state.announced.keys.map(\.description) + ["p\(session.connection.number)"]
            let number = Int(random.next() % 3)
            var active = Array(known.sorted().shuffled(using: &random).prefix(number))
            if random.next() % 8 == 0 { active = ["nobody"] }
            note("\(session.connection.number) configures \(active)")
            door.request(
                .configureRoom(session: session.request, activeParticipants: active), session.connection.number, next())
        }

        private func kill() {
            guard !world.isDead else { return }
            note("kill")
            world.kill()
        }

        /// Janus acknowledges and does not get round to it, for a while.
        private func lag() {
            isLagging.toggle()
            note(isLagging ? "Janus lags" : "Janus works")
            let isLagging = isLagging
            world.janus.queues = { _ in isLagging }
            if !isLagging { world.janus.releaseQueued() }
        }

        private func cutJanus() {
            note("cut Janus")
            world.janus.cutLinks()
        }

        private func cutDoor() {
            guard let door = pick(world.doors) else { return }
            note("cut door \(door.owner.frontdoor)")
            hasCutDoors = true
            world.network.cut(door.routingID, at: world.endpoint)
        }

        private func hangUp() {
            let publishers = world.janus.handles.filter { $0.value.isUp && $0.value.role != .none }.keys.sorted()
            guard let handle = pick(publishers) else { return }
            note("hang up")
            if random.next() % 2 == 0 { world.janus.closePeer(handle) } else { world.janus.removeHandle(handle) }
        }

        private func closeConnection() {
            guard let door = pick(world.doors), let (session, _) = pick(sessions(of: door)) else { return }
            note("close \(session.connection.number)")
            door.close(session.connection.number)
        }

        /// A front door dies; its next life comes at once, or its sessions' time runs out.
        private func replaceDoor() throws {
            guard random.next() % 3 == 0, let door = pick(world.doors) else { return }
            note("door \(door.owner.frontdoor) dies")
            world.remove(door)
            incarnation += 1
            let isAnother = random.next() % 2 == 0
            let number = isAnother ? Int(incarnation) : Int(door.owner.frontdoor.number)
            let next = world.addDoor(frontdoorLoop(number, incarnation: incarnation))
            try next.connect()
            try world.claim([], by: next.owner)
        }
    }
}

extension Told {
    fileprivate var isFeed: Bool {
        switch self {
        case .publisher, .registration, .call: false
        case .feed: true
        }
    }
}
