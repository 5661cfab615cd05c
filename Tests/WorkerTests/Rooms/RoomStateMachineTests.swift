import Identity
import TestSupport
import Testing

@testable import Worker

@Suite struct RoomStateMachineTests {
    private let a = session(1)
    private let b = session(2)
    private let c = session(3)
    private let d = session(4)

    private func fresh(maximum: Int = 10) -> RoomStateMachine {
        var machine = RoomStateMachine()
        machine.configured(maximumBitrate: 2_016_000, maximumPublishers: maximum)
        return machine
    }

    /// With `sessions` in it, all of them members.
    private func open(_ sessions: [SessionID], maximum: Int = 10) -> RoomStateMachine {
        var machine = fresh(maximum: maximum)
        for session in sessions { _ = machine.joinRequested(session, client: name(session)) }
        _ = machine.claimed()
        #expect(machine.janusRoomCreated() == [.admit(sessions)])
        for session in sessions { _ = machine.joined(session) }
        return machine
    }

    private func name(_ session: SessionID) -> ClientSessionID { client("client-\(session.connection.number)") }

    // MARK: Being taken over

    /// A predecessor's room with these users.
    private func inherited(_ sessions: [SessionID], maximum: Int = 10) -> RoomStateMachine {
        var machine = fresh(maximum: maximum)
        machine.inherited()
        for session in sessions { machine.inherited(session, client: name(session)) }
        return machine
    }

    @Test func `in an inherited room joins wait until its users have been looked at`() {
        var machine = inherited([a])
        #expect(machine.joinRequested(b, client: client("b")) == [])
        #expect(machine.joined(a, bitrate: 2_016_000) == [], "shares come when all are known")
        #expect(machine.observed(exists: true) == [.admit([b])])
        #expect(machine.state == .open)
        #expect(machine.observed(exists: true) == [])
    }

    @Test func `an inherited room shares its bitrate once, and only where Janus has something else`() {
        var machine = inherited([a, b, c])
        _ = machine.joined(a, bitrate: 1_008_000)
        _ = machine.joined(b, bitrate: 2_016_000)
        _ = machine.joined(c, bitrate: 1_008_000)
        #expect(machine.observed(exists: true) == [.configure(b, bitrate: 1_008_000)])
    }

    @Test func `an inherited room that nobody uses, or that Janus does not have, goes`() {
        var machine = inherited([])
        #expect(machine.observed(exists: true) == [.destroyJanusRoom])
        machine = inherited([a])
        #expect(machine.joinRequested(b, client: client("b")) == [])
        #expect(machine.observed(exists: false) == [.destroyJanusRoom])
        #expect(machine.janusRoomDestroyed() == [.releaseRow])
        #expect(machine.rowReleased() == [.claim], "somebody waits")
    }

    @Test func `an inherited user's name and place are taken`() {
        var machine = inherited([a], maximum: 1)
        #expect(machine.joinRequested(b, client: name(a)) == [.refuse([b], .sessionInUse)])
        #expect(machine.joinRequested(b, client: client("b")) == [.refuse([b], .full)])
    }

    @Test func `whoever is evicted is in nobody's way any more`() {
        var machine = open([a], maximum: 1)
        machine.evicted(b)
        machine.evicted(a)
        #expect(machine.joinRequested(b, client: name(a)) == [.admit([b])])
        #expect(machine.joinRequested(c, client: client("c")) == [.refuse([c], .full)])
        #expect(machine.left(a) == [])
        #expect(!machine.isEmpty)
    }

    @Test func `a restored cap holds, whether it comes before or after the member`() {
        var machine = inherited([a, b])
        #expect(machine.restoreCap(a, 300_000) == [])
        _ = machine.joined(a, bitrate: 300_000)
        _ = machine.joined(b, bitrate: 500_000)
        #expect(machine.restoreCap(b, 500_000) == [])
        #expect(machine.observed(exists: true) == [])
        #expect(machine.restoreCap(b, 400_000) == [.configure(b, bitrate: 400_000)])
        #expect(machine.restoreCap(session(77), 1) == [], "nobody's")
    }

    // MARK: Coming

    @Test func `B24 the first join claims and creates, further ones wait for that`() {
        var machine = fresh()
        #expect(machine.joinRequested(a, client: client("a")) == [.claim])
        #expect(machine.joinRequested(b, client: client("b")) == [])
        #expect(machine.claimed() == [.createJanusRoom])
        #expect(machine.joinRequested(c, client: client("c")) == [])
        #expect(machine.janusRoomCreated() == [.admit([a, b, c])])
        #expect(machine.joinRequested(d, client: client("d")) == [.admit([d])])
        #expect(machine.state == .open)
    }

    @Test func `a lost claim refuses all that wait and closes the room`() throws {
        var machine = fresh()
        _ = machine.joinRequested(a, client: client("a"))
        _ = machine.joinRequested(b, client: client("b"))
        let winner = RoomStateMachine.Refusal.ownedElsewhere(try #require(SlotID("host2/1")))
        #expect(machine.claimFailed(winner) == [.refuse([a, b], winner), .close])
        #expect(machine.state == .closed)
        #expect(machine.isEmpty)
    }

    @Test func `after a lost claim the room can be tried again`() {
        var machine = fresh()
        _ = machine.joinRequested(a, client: client("a"))
        _ = machine.claimFailed(.failed("the registry is not available"))
        #expect(machine.joinRequested(a, client: client("a")) == [.claim])
    }

    @Test func `B24 a creation that fails refuses all that wait and releases the row`() {
        var machine = fresh()
        _ = machine.joinRequested(a, client: client("a"))
        _ = machine.joinRequested(b, client: client("b"))
        _ = machine.claimed()
        #expect(machine.janusRoomCreationFailed("no") == [.refuse([a, b], .failed("no")), .releaseRow])
        #expect(machine.joinRequested(c, client: client("c")) == [], "it waits for the release")
        #expect(machine.rowReleased() == [.claim])
        #expect(machine.claimed() == [.createJanusRoom])
        #expect(machine.janusRoomCreated() == [.admit([c])])
    }

    @Test func `B24 B28 a session id that is in use in the room is refused and destroys nothing (D42, D38)`() {
        var machine = open([a])
        #expect(machine.joinRequested(b, client: name(a)) == [.refuse([b], .sessionInUse)])
        #expect(machine.left(b) == [])
        #expect(machine.state == .open)
        #expect(machine.joinRequested(c, client: client("c")) == [.admit([c])])
    }

    @Test func `B28 a session id is free again after the end`() {
        var machine = open([a, b])
        _ = machine.left(a)
        #expect(machine.joinRequested(c, client: name(a)) == [.admit([c])])
    }

    @Test func `B24 a full room refuses and destroys nothing; users count from their request on`() {
        var machine = fresh(maximum: 2)
        _ = machine.joinRequested(a, client: client("a"))
        _ = machine.joinRequested(b, client: client("b"))
        #expect(machine.joinRequested(c, client: client("c")) == [.refuse([c], .full)])
        _ = machine.claimed()
        #expect(machine.janusRoomCreated() == [.admit([a, b])])
        #expect(machine.joinRequested(d, client: client("d")) == [.refuse([d], .full)])
        #expect(machine.left(d) == [])
        #expect(machine.state == .open)
        _ = machine.left(a)
        #expect(machine.joinRequested(d, client: client("d")) == [.admit([d])])
    }

    @Test func `the text for a session in use comes before the one for a full room`() {
        var machine = open([a], maximum: 1)
        #expect(machine.joinRequested(b, client: name(a)) == [.refuse([b], .sessionInUse)])
    }

    // MARK: Going

    @Test func `B24 the room is destroyed with its last user, however that one went (D11)`() {
        var machine = open([a, b])
        _ = machine.joinRequested(c, client: client("c"))
        #expect(machine.left(a) == [])
        #expect(machine.left(b) == [])
        #expect(machine.left(c) == [.destroyJanusRoom], "the last one never became a member")
        #expect(machine.janusRoomDestroyed() == [.releaseRow])
        #expect(machine.rowReleased() == [.close])
        #expect(machine.state == .closed)
    }

    @Test func `leaving twice, or never having come, does nothing`() {
        var machine = open([a, b])
        _ = machine.left(a)
        #expect(machine.left(a) == [])
        #expect(machine.left(d) == [])
        #expect(machine.state == .open)
    }

    @Test func `B24 a join during the destruction waits and starts a new life (D38)`() {
        var machine = open([a])
        #expect(machine.left(a) == [.destroyJanusRoom])
        #expect(machine.joinRequested(b, client: client("b")) == [])
        #expect(machine.janusRoomDestroyed() == [.releaseRow])
        #expect(machine.joinRequested(c, client: client("c")) == [])
        #expect(machine.rowReleased() == [.claim])
        #expect(machine.claimed() == [.createJanusRoom])
        #expect(machine.janusRoomCreated() == [.admit([b, c])])
    }

    @Test func `a join during the destruction that gives up leaves nothing to do`() {
        var machine = open([a])
        _ = machine.left(a)
        _ = machine.joinRequested(b, client: client("b"))
        #expect(machine.left(b) == [])
        #expect(machine.janusRoomDestroyed() == [.releaseRow])
        #expect(machine.rowReleased() == [.close])
    }

    @Test func `B24 when all leave while it is being created, it is destroyed as soon as it is there`() {
        var machine = fresh()
        _ = machine.joinRequested(a, client: client("a"))
        _ = machine.joinRequested(b, client: client("b"))
        _ = machine.claimed()
        #expect(machine.left(a) == [])
        #expect(machine.left(b) == [])
        #expect(machine.state == .creating)
        #expect(machine.janusRoomCreated() == [.destroyJanusRoom])
        #expect(machine.janusRoomDestroyed() == [.releaseRow])
        #expect(machine.rowReleased() == [.close])
    }

    @Test func `when all leave while it is being claimed, it is created and destroyed`() {
        var machine = fresh()
        _ = machine.joinRequested(a, client: client("a"))
        #expect(machine.left(a) == [])
        #expect(machine.claimed() == [.createJanusRoom])
        #expect(machine.janusRoomCreated() == [.destroyJanusRoom])
    }

    @Test func `one that comes while all others leave during the creation is admitted`() {
        var machine = fresh()
        _ = machine.joinRequested(a, client: client("a"))
        _ = machine.claimed()
        _ = machine.left(a)
        _ = machine.joinRequested(b, client: client("b"))
        #expect(machine.janusRoomCreated() == [.admit([b])])
    }

    @Test func `when all left before a creation failed, only the row goes`() {
        var machine = fresh()
        _ = machine.joinRequested(a, client: client("a"))
        _ = machine.claimed()
        _ = machine.left(a)
        #expect(machine.janusRoomCreationFailed("no") == [.releaseRow])
        #expect(machine.rowReleased() == [.close])
    }

    @Test func `what does not fit the state does nothing`() {
        var machine = fresh()
        #expect(machine.claimed() == [])
        #expect(machine.claimFailed(.failed("x")) == [])
        #expect(machine.janusRoomCreated() == [])
        #expect(machine.janusRoomCreationFailed("x") == [])
        #expect(machine.janusRoomDestroyed() == [])
        #expect(machine.rowReleased() == [])
        #expect(machine.joined(a) == [])
        #expect(machine.state == .closed)
    }

    // MARK: Bitrates (section 6.4, B22, D21)

    @Test func `B22 the first two members cause no traffic`() {
        var machine = fresh()
        _ = machine.joinRequested(a, client: client("a"))
        _ = machine.joinRequested(b, client: client("b"))
        _ = machine.claimed()
        _ = machine.janusRoomCreated()
        #expect(machine.joined(a) == [])
        #expect(machine.joined(b) == [])
        #expect(machine.left(b) == [])
    }

    @Test func `B22 each arrival and departure changes what everybody gets`() {
        var machine = fresh()
        for session in [a, b, c, d] { _ = machine.joinRequested(session, client: name(session)) }
        _ = machine.claimed()
        _ = machine.janusRoomCreated()
        #expect(machine.joined(a) == [])
        #expect(machine.joined(b) == [])
        #expect(
            machine.joined(c) == [
                .configure(a, bitrate: 1_008_000), .configure(b, bitrate: 1_008_000), .configure(c, bitrate: 1_008_000),
            ])
        #expect(
            machine.joined(d) == [
                .configure(a, bitrate: 672_000), .configure(b, bitrate: 672_000), .configure(c, bitrate: 672_000),
                .configure(d, bitrate: 672_000),
            ])
        #expect(
            machine.left(a) == [
                .configure(b, bitrate: 1_008_000), .configure(c, bitrate: 1_008_000), .configure(d, bitrate: 1_008_000),
            ])
        #expect(machine.left(b) == [.configure(c, bitrate: 2_016_000), .configure(d, bitrate: 2_016_000)])
        #expect(machine.left(c) == [])
    }

    @Test func `joined twice counts once`() {
        var machine = open([a, b, c])
        #expect(machine.joined(c) == [])
    }

    @Test func `B22 a user that is no member takes no share`() {
        var machine = open([a, b])
        _ = machine.joinRequested(c, client: client("c"))
        #expect(machine.left(c) == [])
    }

    @Test func `B22 one of three asks for 500000 and keeps it, nothing is redistributed`() {
        var machine = open([a, b, c])
        #expect(machine.capped(a, bitrate: 500_000) == 500_000)
        _ = machine.joinRequested(d, client: client("d"))
        #expect(
            machine.joined(d) == [
                .configure(b, bitrate: 672_000), .configure(c, bitrate: 672_000), .configure(d, bitrate: 672_000),
            ])
        let (e, f) = (session(5), session(6))
        for session in [e, f] { _ = machine.joinRequested(session, client: name(session)) }
        #expect(!machine.joined(e).contains(.configure(a, bitrate: 504_000)), "its cap is lower")
        #expect(machine.joined(f).contains(.configure(a, bitrate: 403_200)))
    }

    @Test func `B22 one of four asks for 900000, is given its share, and gets what it asked for when one leaves`() {
        var machine = open([a, b, c, d])
        #expect(machine.capped(a, bitrate: 900_000) == 672_000)
        #expect(
            machine.left(d) == [
                .configure(a, bitrate: 900_000), .configure(b, bitrate: 1_008_000), .configure(c, bitrate: 1_008_000),
            ])
    }

    @Test func `B22 a cap above the room's maximum changes nothing (D46)`() {
        var machine = open([a, b])
        #expect(machine.capped(a, bitrate: 4_000_000) == 2_016_000)
    }

    @Test func `a cap asked for before the membership is kept, and never above the maximum`() {
        var machine = open([a, b])
        _ = machine.joinRequested(c, client: client("c"))
        #expect(machine.capped(c, bitrate: 4_000_000) == 2_016_000)
        #expect(machine.capped(c, bitrate: 500_000) == 500_000)
        #expect(
            machine.joined(c) == [.configure(a, bitrate: 1_008_000), .configure(b, bitrate: 1_008_000)],
            "it has what it asked for already")
        #expect(machine.left(b) == [.configure(a, bitrate: 2_016_000)])
    }

    @Test func `a cap of somebody who is not in the room is not kept`() {
        var machine = open([a])
        #expect(machine.capped(d, bitrate: 4_000_000) == 2_016_000)
        _ = machine.joinRequested(d, client: client("d"))
        #expect(machine.joined(d) == [])
    }

    @Test func `B22 a refused bitrate is sent again with the next computation`() {
        var machine = open([a])
        machine.bitrateRefused(a)
        machine.bitrateRefused(d)
        _ = machine.joinRequested(b, client: client("b"))
        #expect(machine.joined(b) == [.configure(a, bitrate: 2_016_000)], "the other has it already")
        #expect(machine.left(b) == [])
    }

    @Test func `a life of the room takes nothing over from the one before`() {
        var machine = open([a])
        _ = machine.capped(a, bitrate: 100_000)
        _ = machine.left(a)
        _ = machine.joinRequested(a, client: name(a))
        _ = machine.janusRoomDestroyed()
        _ = machine.rowReleased()
        machine.configured(maximumBitrate: 1_000_000, maximumPublishers: 1)
        _ = machine.claimed()
        #expect(machine.janusRoomCreated() == [.admit([a])])
        #expect(machine.joined(a) == [])
        #expect(machine.capped(a, bitrate: 2_000_000) == 1_000_000)
        #expect(machine.joinRequested(b, client: client("b")) == [.refuse([b], .full)])
    }

    // MARK: At random

    /// The room is created and destroyed in turn, nobody who waits is forgotten, and it never stays without users.
    @Test(arguments: 1...40)
    func `whatever happens in whatever order, every join is decided once and the room ends`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var machine = fresh(maximum: 4)
        var next: UInt64 = 0
        var undecided: Set<SessionID> = []
        var users: Set<SessionID> = []
        var pending: [RoomStateMachine.Action] = []
        var unanswered: Set<SessionID> = []
        var exists = false

        func perform(_ actions: [RoomStateMachine.Action]) {
            for action in actions {
                switch action {
                case .claim, .releaseRow: pending.append(action)
                case .createJanusRoom:
                    #expect(!exists)
                    pending.append(action)
                case .destroyJanusRoom:
                    #expect(exists && users.isEmpty, "destroyed only without users")
                    pending.append(action)
                case .admit(let sessions):
                    #expect(exists)
                    for session in sessions { #expect(undecided.remove(session) != nil, "admitted once") }
                case .refuse(let sessions, _):
                    for session in sessions {
                        #expect(undecided.remove(session) != nil, "refused once")
                        users.remove(session)
                    }
                case .configure(let session, let bitrate):
                    #expect(users.contains(session))
                    #expect((1...2_016_000).contains(bitrate))
                case .recordActive:
                    #expect(exists)
                    pending.append(action)
                case .noteActive: #expect(exists)
                case .tell(let sessions, _): #expect(users.isSuperset(of: sessions), "only who is there")
                case .answer(let request, _): #expect(unanswered.remove(request) != nil, "answered once")
                case .close: #expect(users.isEmpty && undecided.isEmpty && !exists && pending.isEmpty)
                }
            }
        }
        func resolve() {
            guard !pending.isEmpty else { return }
            switch pending.removeFirst() {
            case .claim: perform(random.next() % 4 == 0 ? machine.claimFailed(.failed("x")) : machine.claimed())
            case .createJanusRoom:
                exists = random.next() % 4 != 0
                perform(exists ? machine.janusRoomCreated() : machine.janusRoomCreationFailed("x"))
            case .destroyJanusRoom:
                exists = false
                perform(machine.janusRoomDestroyed())
            case .releaseRow: perform(machine.rowReleased())
            case .recordActive:
                perform(random.next() % 4 == 0 ? machine.activeNotRecorded("x") : machine.activeRecorded())
            case .admit, .refuse, .configure, .noteActive, .tell, .answer, .close: break
            }
        }

        for _ in 0..<300 {
            switch random.next() % 8 {
            case 5, 6:
                guard exists, let asker = users.subtracting(undecided).randomElement(using: &random) else { continue }
                next += 1
                let named = users.subtracting(undecided).shuffled(using: &random).prefix(Int(random.next() % 3))
                unanswered.insert(session(next))
                perform(
                    machine.configureRequested(
                        ActiveParticipants.Change(
                            request: session(next), session: asker, originator: client("asker"),
                            participants: named.map { .init(session: $0, client: client("named")) })))
            case 0, 1:
                next += 1
                let new = session(next)
                undecided.insert(new)
                users.insert(new)
                perform(machine.joinRequested(new, client: client("client-\(next % 7)")))
            case 2:
                guard let leaving = users.randomElement(using: &random) else { continue }
                users.remove(leaving)
                undecided.remove(leaving)
                perform(machine.left(leaving))
            case 3:
                guard let member = users.subtracting(undecided).randomElement(using: &random) else { continue }
                perform(machine.joined(member))
            case 4:
                guard let member = users.randomElement(using: &random) else { continue }
                let bitrate = Int.random(in: 64_000...4_000_000, using: &random)
                #expect(machine.capped(member, bitrate: bitrate) <= min(bitrate, 2_016_000))
            default: resolve()
            }
        }
        while !pending.isEmpty { resolve() }
        for user in users {
            users.remove(user)
            undecided.remove(user)
            perform(machine.left(user))
        }
        while !pending.isEmpty { resolve() }
        #expect(machine.state == .closed)
        #expect(machine.isEmpty)
        #expect(undecided.isEmpty)
        #expect(unanswered.isEmpty)
    }
}
