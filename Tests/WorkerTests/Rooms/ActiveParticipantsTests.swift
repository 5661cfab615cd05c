import Identity
import Registry
import Sylkrtc
import Testing

@testable import Worker

/// Who is prominent in a room, as its machine sees it.
@Suite struct ActiveParticipantsTests {
    private let a = session(1)
    private let b = session(2)
    private let c = session(3)
    private let d = session(4)
    private let refused = RoomStateMachine.Action.answer(session(1, request: 2), .error("no"))

    private func name(_ session: SessionID) -> ClientSessionID { client("client-\(session.connection.number)") }

    /// With `sessions` in it, all of them members.
    private func open(_ sessions: [SessionID]) -> RoomStateMachine {
        var machine = RoomStateMachine()
        machine.configured(maximumBitrate: 2_016_000, maximumPublishers: 10)
        for session in sessions { _ = machine.joinRequested(session, client: name(session)) }
        _ = machine.claimed()
        _ = machine.janusRoomCreated()
        for session in sessions { _ = machine.joined(session) }
        return machine
    }

    /// Somebody's request, which is numbered from 2.
    private func change(_ number: UInt64 = 2, by asker: SessionID, _ active: [SessionID]) -> ActiveParticipants.Change {
        ActiveParticipants.Change(
            request: SessionID(connection: asker.connection, request: sequence(number)), session: asker,
            originator: name(asker), participants: active.map { .init(session: $0, client: name($0)) })
    }

    private func told(_ version: Int64, by originator: SessionID?, _ active: [SessionID]) -> WorkerEvent {
        .roomConfigured(version: version, originator: originator.map(name), activeParticipants: active.map(name))
    }

    private func configured(_ machine: inout RoomStateMachine, _ change: ActiveParticipants.Change)
        -> [RoomStateMachine.Action]
    {
        let actions = machine.configureRequested(change)
        #expect(actions.count == 1)
        guard case .recordActive = actions.first else {
            Issue.record("\(actions)")
            return []
        }
        return machine.activeRecorded()
    }

    // MARK: Changes

    @Test func `R11 B23 A change is recorded, changes bitrates, is told to everybody, and then answered`() {
        var machine = open([a, b, c])
        let asked = change(by: a, [b])
        #expect(machine.configureRequested(asked) == [.recordActive(ActiveParticipants().changed(by: asked))])
        #expect(machine.active.version == 0, "nothing has changed before it is recorded")
        #expect(
            machine.activeRecorded() == [
                .configure(a, bitrate: 100_000), .configure(b, bitrate: 2_016_000), .configure(c, bitrate: 100_000),
                .tell([a, b, c], told(1, by: a, [b])), .answer(asked.request, .ack),
            ])
        #expect(machine.active.recorded == [b.description])
        #expect(machine.activeRecorded() == [], "once")
        #expect(machine.activeNotRecorded("late") == [])
    }

    @Test func `R11 B23 Two share the bitrate, in whatever order, and the order is told`() {
        var machine = open([a, b, c])
        _ = configured(&machine, change(by: a, [b]))
        #expect(
            configured(&machine, change(3, by: a, [c, b])) == [
                .configure(b, bitrate: 1_008_000), .configure(c, bitrate: 1_008_000),
                .tell([a, b, c], told(2, by: a, [c, b])), .answer(session(1, request: 3), .ack),
            ])
        #expect(
            configured(&machine, change(4, by: a, [b, c])) == [
                .tell([a, b, c], told(3, by: a, [b, c])), .answer(session(1, request: 4), .ack),
            ])
    }

    @Test func `R11 B22 The same list again is told again, and changes no bitrate`() {
        var machine = open([a, b, c])
        _ = configured(&machine, change(by: a, [b]))
        #expect(
            configured(&machine, change(by: c, [b])) == [
                .tell([a, b, c], told(2, by: c, [b])), .answer(session(3, request: 2), .ack),
            ])
    }

    @Test func `R11 B23 An empty list restores equal shares`() {
        var machine = open([a, b, c])
        _ = configured(&machine, change(by: a, [b]))
        #expect(
            configured(&machine, change(3, by: a, [])) == [
                .configure(a, bitrate: 1_008_000), .configure(b, bitrate: 1_008_000),
                .configure(c, bitrate: 1_008_000), .tell([a, b, c], told(2, by: a, [])),
                .answer(session(1, request: 3), .ack),
            ])
    }

    @Test func `R11 Two who ask at once are served one after the other`() {
        var machine = open([a, b, c])
        _ = machine.configureRequested(change(by: a, [a]))
        #expect(machine.configureRequested(change(by: b, [b])) == [])
        let second = ActiveParticipants().changed(by: change(by: a, [a])).changed(by: change(by: b, [b]))
        #expect(machine.activeRecorded().suffix(2) == [.answer(session(1, request: 2), .ack), .recordActive(second)])
        #expect(machine.activeRecorded().contains(.tell([a, b, c], told(2, by: b, [b]))))
    }

    @Test func `R11 A repeat of what was done is answered and has no further effect, whatever was done since`() {
        var machine = open([a, b])
        _ = configured(&machine, change(by: a, [a]))
        _ = configured(&machine, change(by: b, [b]))
        #expect(machine.configureRequested(change(by: a, [a])) == [.answer(session(1, request: 2), .ack)])
        #expect(machine.active.participants.map(\.session) == [b])
    }

    @Test func `R11 As many requests are remembered as a client may have unanswered`() {
        var active = ActiveParticipants()
        for number in 1...100 { active = active.changed(by: change(UInt64(number), by: a, [])) }
        #expect(active.requests.count == 64)
        #expect(active.includes(session(1, request: 37)) && !active.includes(session(1, request: 36)))
    }

    @Test func `R11 A connection that asks much does not push out what another has asked`() {
        var active = ActiveParticipants()
        active = active.changed(by: change(7, by: b, []))
        for number in 1...100 { active = active.changed(by: change(UInt64(number), by: a, [])) }
        #expect(active.includes(session(2, request: 7)))
        #expect(active.requests.count == 65)
        for other in UInt64(10)...20 {
            for number in UInt64(1)...64 { active = active.changed(by: change(number, by: session(other), [])) }
        }
        #expect(active.requests.count == ActiveParticipants.rememberedTotal)
        #expect(active.includes(session(2, request: 7)), "whoever asked most forgets first")
    }

    @Test func `R11 Who is not in the room any more is refused, as asker and as participant, and the next is served`() {
        var machine = open([a, b, c])
        _ = machine.configureRequested(change(by: a, []))
        _ = machine.configureRequested(change(by: b, []))
        _ = machine.configureRequested(change(3, by: a, [b, c]))
        _ = machine.configureRequested(change(4, by: a, [c]))
        _ = machine.left(b)
        let text = "configure-room: unknown participant session id: client-2"
        let actions = machine.activeRecorded()
        #expect(actions.contains(.answer(session(2, request: 2), .unknownSession)))
        #expect(actions.contains(.answer(session(1, request: 3), .error(text))))
        guard case .recordActive(let next) = actions.last else {
            Issue.record("\(actions)")
            return
        }
        #expect(next.participants.map(\.session) == [c])
    }

    @Test func `R11 What cannot be recorded is refused and changes nothing, and the next is served`() {
        var machine = open([a, b])
        _ = machine.configureRequested(change(by: a, [a]))
        _ = machine.configureRequested(change(by: b, [b]))
        let next = ActiveParticipants().changed(by: change(by: b, [b]))
        #expect(machine.activeNotRecorded("no") == [refused, .recordActive(next)])
        #expect(machine.active == ActiveParticipants())
    }

    // MARK: Coming and going

    @Test func `E13 Who joins is told who is prominent, by the gateway, and has its share`() {
        var machine = open([a, b])
        _ = configured(&machine, change(by: a, [b]))
        _ = machine.joinRequested(c, client: name(c))
        #expect(machine.joined(c) == [.tell([c], told(1, by: nil, [b])), .configure(c, bitrate: 100_000)])
    }

    @Test func `E13 Who joins a room that was never configured is told nothing, and later with what it begins`() {
        var machine = open([a])
        _ = machine.joinRequested(b, client: name(b))
        #expect(machine.joined(b) == [])
        _ = configured(&machine, change(by: a, [b]))
        _ = configured(&machine, change(3, by: a, []))
        _ = machine.joinRequested(c, client: name(c))
        #expect(machine.joined(c).first == .tell([c], told(2, by: nil, [])))
    }

    @Test func `E13 B22 B23 An active participant's leaving is noted, told to the others, and then changes bitrates`() {
        var machine = open([a, b, c, d])
        _ = configured(&machine, change(by: a, [b, c]))
        let actions = machine.left(b)
        #expect(
            Array(actions.dropFirst()) == [
                .tell([a, c, d], told(2, by: nil, [c])), .configure(c, bitrate: 2_016_000),
            ])
        #expect(actions.first == .noteActive(machine.active))
        #expect(
            machine.left(c).dropFirst() == [
                .tell([a, d], told(3, by: nil, [])), .configure(a, bitrate: 2_016_000),
                .configure(d, bitrate: 2_016_000),
            ])
    }

    @Test func `E13 B22 An inactive participant's leaving is told by nobody here, and unchanged bitrates say nothing`()
    {
        var machine = open([a, b, c])
        _ = configured(&machine, change(by: a, [b]))
        #expect(machine.left(c) == [])
        #expect(machine.left(a) == [])
    }

    @Test func `E13 B22 Who leaves while a change is being recorded is taken off after it`() {
        var machine = open([a, b, c])
        _ = configured(&machine, change(by: a, [b]))
        _ = machine.configureRequested(change(3, by: a, [b, c]))
        #expect(machine.left(b) == [], "first things first")
        let actions = machine.activeRecorded()
        let tells = actions.filter { if case .tell = $0 { true } else { false } }
        #expect(tells == [.tell([a, c], told(2, by: a, [b, c])), .tell([a, c], told(3, by: nil, [c]))])
        #expect(actions.last == .configure(c, bitrate: 2_016_000) || machine.active.participants.map(\.session) == [c])
    }

    @Test func `E13 It is so, too, when that change cannot be recorded`() {
        var machine = open([a, b, c])
        _ = configured(&machine, change(by: a, [b]))
        _ = machine.configureRequested(change(3, by: a, [c]))
        #expect(machine.left(b) == [])
        #expect(
            machine.activeNotRecorded("no") == [
                .answer(session(1, request: 3), .error("no")), .noteActive(machine.active),
                .tell([a, c], told(2, by: nil, [])), .configure(a, bitrate: 2_016_000),
                .configure(c, bitrate: 2_016_000),
            ])
    }

    @Test func `B23 A client's own cap holds among the active participants, too`() {
        var machine = open([a, b, c])
        _ = machine.capped(b, bitrate: 500_000)
        #expect(configured(&machine, change(by: a, [b])).contains(.configure(b, bitrate: 500_000)) == false)
        #expect(machine.capped(b, bitrate: 3_000_000) == 2_016_000)
    }

    @Test func `A room's next life begins without anybody prominent`() {
        var machine = open([a])
        _ = configured(&machine, change(by: a, [a]))
        _ = machine.left(a)
        _ = machine.joinRequested(b, client: name(b))
        _ = machine.janusRoomDestroyed()
        #expect(machine.rowReleased() == [.claim])
        #expect(machine.active == ActiveParticipants())
    }

    // MARK: Being taken over

    private func row(_ active: [SessionID], by originator: SessionID?, version: Int64, _ requests: [SessionID] = [])
        -> RoomRow
    {
        RoomRow(
            uri: room("r@x.com"), owner: RoomOwner(slot: slot, incarnation: Incarnation(rawValue: 1)),
            janusRoom: JanusRoomID(rawValue: 1), configuration: "{}", activeParticipants: active.map(\.description),
            originator: originator.map { name($0).description }, version: version, configuredBy: requests)
    }

    /// A predecessor's room with these users, of whom `members` are still there.
    private func inherited(_ users: [SessionID], members: [SessionID], _ row: RoomRow) -> RoomStateMachine {
        var machine = RoomStateMachine()
        machine.configured(maximumBitrate: 2_016_000, maximumPublishers: 10)
        machine.inherited(row)
        for session in users { machine.inherited(session, client: name(session)) }
        for session in members { #expect(machine.joined(session, bitrate: 100_000) == []) }
        return machine
    }

    @Test func `E13 A successor goes on with the list, its number, and what was done`() {
        let asked = change(by: a, [b])
        var machine = inherited([a, b, c], members: [a, b, c], row([b], by: a, version: 5, [asked.request]))
        #expect(machine.observed(exists: true) == [.configure(b, bitrate: 2_016_000)])
        #expect(machine.configureRequested(asked) == [.answer(asked.request, .ack)])
        #expect(machine.missing(a, told: 5, isNew: false) == [])
        #expect(machine.missing(a, told: 4, isNew: false) == [.tell([a], told(5, by: a, [b]))])
        #expect(machine.missing(a, told: nil, isNew: false) == [.tell([a], told(5, by: a, [b]))])
        #expect(machine.missing(c, told: nil, isNew: true) == [.tell([c], told(5, by: nil, [b]))])
        #expect(machine.missing(d, told: nil, isNew: true) == [], "who is not in the room")
    }

    @Test func `E13 B23 Who left meanwhile is taken off the list, as its predecessor would have: one change each`() {
        var machine = inherited([a, b, c], members: [a, c], row([b, d], by: a, version: 5))
        #expect(
            machine.observed(exists: true) == [
                .noteActive(machine.active), .configure(a, bitrate: 2_016_000), .configure(c, bitrate: 2_016_000),
            ])
        #expect(machine.active.version == 7 && machine.active.participants.isEmpty)
        #expect(machine.missing(a, told: 6, isNew: false) == [.tell([a], told(7, by: nil, []))])
        #expect(machine.missing(a, told: 7, isNew: false) == [], "its predecessor came that far")
    }

    @Test func `A list that makes no sense is nobody's`() {
        var row = row([], by: nil, version: .max)
        row.activeParticipants = ["nobody"]
        row.originator = ""
        var machine = inherited([a], members: [a], row)
        _ = machine.observed(exists: true)
        #expect(machine.active.participants.isEmpty && machine.active.originator == nil)
    }
}
